//! The suite: one binary, laid out like the URLs. Set `TEST_DATABASE` to a `postgres://` URL to run it there; each test creates a
//! database of its own. Tests advance a manual clock; only tests that kill a process use real time.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot continue should fail at once")]

mod support;

mod architecture;
mod auth;
mod authorization;
mod bounds;
mod caching;
mod changes;
mod cli;
mod demo;
mod disk_full;
mod documents;
mod editorial;
mod exchange;
mod insights;
mod leaks;
mod metrics;
mod openapi;
mod problems;
mod reference;
mod requests;
mod response_cache;
mod search;
mod site;
mod store;
mod terms;
mod tour;
