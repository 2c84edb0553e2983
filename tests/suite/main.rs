//! The suite: one binary, laid out like the URLs. Set `TEST_DATABASE` to a `postgres://` address to run it there; each test makes a database
//! of its own. Time is a clock that tests move by hand; only what kills a process lets real time go by.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should say so at once")]

mod support;

mod architecture;
mod auth;
mod authorization;
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
mod requests;
mod response_cache;
mod search;
mod site;
mod store;
mod terms;
mod tour;
