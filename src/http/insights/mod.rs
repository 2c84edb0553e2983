//! Insights: lists and single ones for everybody, drafts and publication for editors.

pub(super) mod diff;
mod input;
pub(super) mod lifecycle;
pub(super) mod list;
mod lookup;
mod params;
mod path;
pub(super) mod previews;
pub(super) mod read;
pub(super) mod related;
mod represent;
pub(super) mod revisions;
mod serializer;
pub(super) mod view;
mod warnings;
pub(super) mod write;
mod write_target;
