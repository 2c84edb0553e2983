//! Sign-in, users, machine tokens and the audit log.

pub(crate) mod audit_log;
pub(crate) mod sessions;
pub(crate) mod tokens;
pub(crate) mod users;
