//! The status of an insight, computed from its pointers and the clock. It is never stored, so it is never stale.

use super::clock::Timestamp;
use super::publication_times::PublicationTimes;
use super::text_enum::text_enum;

/// The retention of the trash.
pub const TRASH_SECONDS: i64 = 30 * 24 * 60 * 60;

text_enum! {
    /// What readers and editors see of an insight.
    pub enum Status {
        Draft => "draft",
        /// Live, but its publication begins later.
        Scheduled => "scheduled",
        Published => "published",
        /// Its publication has ended.
        Expired => "expired",
        /// In the trash.
        Deleted => "deleted",
    }
}

/// The pointers that determine the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointers {
    pub live_revision: Option<i64>,
    pub times: PublicationTimes,
    pub deleted_at: Option<Timestamp>,
}

impl Status {
    #[must_use]
    pub fn from_pointers(pointers: &Pointers, now: Timestamp) -> Self {
        let Pointers { live_revision, times: PublicationTimes { published_at, unpublish_at, .. }, deleted_at } = *pointers;
        if deleted_at.is_some() {
            return Self::Deleted;
        }
        match (live_revision, published_at) {
            (Some(_), Some(at)) if at > now => Self::Scheduled,
            (Some(_), Some(_)) if unpublish_at.is_some_and(|end| end <= now) => Self::Expired,
            (Some(_), Some(_)) => Self::Published,
            _ => Self::Draft,
        }
    }
}
