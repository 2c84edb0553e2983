//! The HTTP API: translates requests into calls of `editorial`, `store` and `projections`, and their results into responses.
//!
//! The kernel (`state`, `request`, `response`, `middleware`, `openapi`) imports no feature. Each feature has a folder with its handlers,
//! and no feature imports another's internals. `routes` lists every handler; `server` runs them.
//!
//! Invariant: no module below `http` knows a status code, and nothing in `http` decides about content.

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
