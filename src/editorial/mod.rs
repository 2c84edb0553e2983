//! The only room that changes content, accounts and keys. Every function is one transaction with its change row inside, and nothing that
//! leaves the process (or takes long) happens between its begin and its commit. Writes that a request asks for come back as a
//! `Pending`, to be committed or let go.

pub mod accounts;
pub mod demo;
pub mod error;
pub mod exports;
pub mod imports;
pub mod insights;
pub mod keys;
pub mod lifecycle;
pub mod offload;
pub mod passwords;
pub mod pending;
pub mod previews;
mod revision;
pub mod sessions;
pub mod site;
pub mod terms;
pub mod throttle;
