//! Translates: requests in, responses out. Decides nothing about content; below it nobody knows a status code.
//!
//! The kernel (`state`, `request`, `response`, `middleware`, `openapi`) knows no feature. A folder per feature holds its handlers, and no
//! feature reaches into another's internals.

mod accounts;
mod changes;
mod insights;
pub mod middleware;
pub mod openapi;
pub mod operations;
mod request;
pub mod response;
pub mod routes;
mod search;
pub mod server;
mod site;
pub mod state;
mod terms;
mod transfer;
