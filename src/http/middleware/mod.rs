//! The middleware around every request: the response cache first, then the request context.
//!
//! The response cache answers before routing; what it does not answer goes through the request context to the router.

pub(crate) mod access_log;
pub mod cache_key;
pub(crate) mod cors;
pub(crate) mod request_context;
pub(crate) mod response_cache;
