//! The Insights API: a headless content service. Read `ARCHITECTURE.md` for the house; imports only go down this list's order.
#![forbid(unsafe_code)]

/// Wires everything; decides nothing.
pub mod app;
/// The command line.
pub mod cli;
/// Settings, parsed once.
pub mod config;
/// Values that are valid by construction, and their rules.
pub mod domain;
/// The only room that changes content.
pub mod editorial;
/// Foreign formats into import lines, and lines into files.
pub mod exchange;
/// Requests in, responses out.
pub mod http;
/// What follows the change log: search, the event stream.
pub mod projections;
/// Rows and queries.
pub mod store;
/// Logs.
pub mod telemetry;
