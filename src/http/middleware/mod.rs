//! What every request passes before it is routed: the response cache and the request context.

pub mod cache_key;
pub(crate) mod request_context;
pub(crate) mod response_cache;
pub(crate) mod worker_cache;
