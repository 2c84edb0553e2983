//! What answers are made of: bodies, validators, cache headers, problems, pages of lists.

pub(crate) mod buffered;
pub(crate) mod builder;
pub(crate) mod cache_control;
pub(crate) mod idempotency;
pub(crate) mod made_by;
pub(crate) mod pagination;
pub(crate) mod problem;
pub mod problem_codes;
pub(crate) mod write_outcome;
