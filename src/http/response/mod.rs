//! Responses: bodies, validators, caching headers, problems, pages of lists, replayed writes.
//!
//! A handler returns a `builder::ResponseBuilder` or a `problem::Problem`.

pub(crate) mod buffered;
pub(crate) mod builder;
pub(crate) mod cache_control;
pub(crate) mod cache_entry;
pub(crate) mod conditional;
pub(crate) mod encoded_body;
pub(crate) mod encoding;
pub(crate) mod etag;
pub(crate) mod headers;
pub(crate) mod idempotency;
pub(crate) mod made_by;
pub(crate) mod pagination;
pub(crate) mod problem;
pub mod problem_codes;
pub(crate) mod stored;
pub(crate) mod streams;
pub(crate) mod write_outcome;
