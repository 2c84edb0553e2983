//! Insights: lists and single ones for everybody, drafts and publication for editors.

pub(super) mod filters;
pub(super) mod input;
pub(super) mod lifecycle;
pub(super) mod list;
mod naming;
pub(super) mod params;
pub(super) mod read;
pub(super) mod related;
pub(super) mod view;
pub(super) mod write;
