//! A running service for a test, its client, and its database.

pub(crate) mod app;
pub(crate) mod client;
pub(crate) mod database;
pub(crate) mod seed;

pub(crate) use app::TestApp;
pub(crate) use client::{Answer, Client};
