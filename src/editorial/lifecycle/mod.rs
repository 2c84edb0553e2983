//! Decides what the public sees: publishes, schedules, unpublishes, moves to the trash and back, purges.
//!
//! Each function moves pointers; no text changes.

mod publication;
mod trash;
mod visibility;

pub use publication::{Publication, publish, unpublish};
pub use trash::{delete, empty_trash, purge, restore};
pub use visibility::already_exists_error;

pub(super) use publication::{PublicationPeriod, publish_in, set_times_in, unpublish_in};
pub(super) use visibility::{insight_change, was_public};
