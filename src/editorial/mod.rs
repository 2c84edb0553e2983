//! The only room that changes content, accounts and keys.
//!
//! Each function is one transaction, and appends its change and its audit event in it. Nothing slow, and nothing that
//! leaves the process, happens while a transaction is open. A write that a request asks for is returned as a
//! `pending::PendingWrite`; the caller commits it, or drops it as a dry run. Authority is a parameter:
//! [`crate::domain::authority::Editor`], `Publisher` or `Admin`.

pub mod accounts;
pub mod authority;
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
