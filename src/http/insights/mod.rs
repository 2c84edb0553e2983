//! Insights: lists and single ones for everybody, drafts and publication for editors.

pub(super) mod diff;
pub(super) mod filters;
pub(super) mod input;
pub(super) mod lifecycle;
pub(super) mod list;
pub(crate) mod lookup;
pub(super) mod naming;
pub(super) mod params;
pub(super) mod previews;
pub(super) mod read;
pub(super) mod related;
pub(crate) mod represent;
pub(super) mod revisions;
mod serializer;
pub(super) mod view;
mod warnings;
pub(super) mod write;
