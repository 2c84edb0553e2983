//! The only room that changes content, accounts and keys. Every function is one transaction with its change row inside, and nothing that
//! leaves the process (or takes long) happens between its begin and its commit.

pub mod accounts;
pub mod demo;
pub mod error;
pub mod insights;
pub mod keys;
pub mod lifecycle;
mod offload;
pub mod passwords;
mod revision;
pub mod sessions;
pub mod site;
pub mod terms;
pub mod throttle;
