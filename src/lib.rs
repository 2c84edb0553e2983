//! The Insights API: a headless content service.
//!
//! Each module is a room; a room imports only what comes after it in this list. `ARCHITECTURE.md` explains the rooms and their invariants.
//! Start reading at [`http::routes`] for requests, at [`editorial`] for writes, and at [`projections`] for search and caching.
#![forbid(unsafe_code)]

/// Starts and stops a service; decides nothing.
pub mod app;
/// The command line.
pub mod cli;
/// Settings, parsed once.
pub mod config;
/// Values that are valid by construction, and their rules.
pub mod domain;
/// The only room that changes content.
pub mod editorial;
/// Converts foreign formats into import lines, and lines into files.
pub mod exchange;
/// Requests and responses.
pub mod http;
/// What follows the change log: search, the response cache, the event stream.
pub mod projections;
/// Rows and queries.
pub mod store;
/// Logs.
pub mod telemetry;
