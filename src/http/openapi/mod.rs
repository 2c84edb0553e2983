//! The OpenAPI document, its reference page, the pages of problems, and the fallback for unknown routes.
//!
//! `document::document` takes what utoipa derives from the handlers and adds, by rule, what is true of every operation of a kind.

pub(crate) mod components;
pub(crate) mod declarations;
pub(crate) mod docs;
pub(crate) mod document;
pub(crate) mod fallback;
pub(crate) mod headers;
pub(crate) mod operation;
pub(crate) mod problem_pages;
pub(crate) mod schema;
pub(crate) mod writes;
