//! Insights: lists and single ones for everybody, drafts and publication for editors.

pub(super) mod diff;
pub(super) mod filters;
pub(super) mod input;
pub(super) mod lifecycle;
pub(super) mod list;
pub(super) mod naming;
pub(super) mod params;
pub(super) mod previews;
pub(super) mod read;
pub(super) mod related;
pub(super) mod revisions;
mod shape;
pub(super) mod view;
mod warnings;
pub(super) mod write;
