//! Translates: requests in, responses out. Decides nothing about content; below it nobody knows a status code.

pub mod api;
mod auth;
mod auth_routes;
mod caching;
mod docs;
pub mod document;
mod document_parts;
mod envelope;
mod extract;
mod fallback;
mod health;
mod insights;
mod lists;
mod negotiation;
mod problem;
mod problem_codes;
mod problem_pages;
mod query;
mod reply;
pub mod routes;
pub mod server;
mod site;
mod terms;
mod tokens;
mod users;
