//! The OpenAPI document of the routes, the page that shows it, and what is derived from it.

pub(crate) mod components;
pub(crate) mod docs;
pub(crate) mod document;
pub(crate) mod fallback;
pub(crate) mod operation;
pub(crate) mod problem_pages;
pub(crate) mod schema;
pub(crate) mod writes;
