//! Requests: authentication, bodies, preconditions, parameters, content negotiation.

pub(crate) mod auth;
pub(crate) mod body;
pub(crate) mod input_schema;
pub(crate) mod negotiation;
pub(crate) mod param_rules;
pub(crate) mod params;
pub(crate) mod preconditions;
pub(crate) mod query_params;
pub(crate) mod request_id;
pub(crate) mod viewer;
