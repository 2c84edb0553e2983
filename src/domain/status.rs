//! The status of an insight, computed from its pointers and the clock. Nothing ever stores one, so none can be missed or go stale.

use super::clock::Timestamp;

/// How long the trash keeps an insight.
pub const TRASH_SECONDS: i64 = 30 * 24 * 60 * 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Draft,
    Scheduled,
    Published,
    Expired,
    Deleted,
}

/// What the status depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pointers {
    pub live_revision: Option<i64>,
    pub published_at: Option<Timestamp>,
    pub unpublish_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
}

impl Status {
    pub const ALL: [Self; 5] = [Self::Draft, Self::Scheduled, Self::Published, Self::Expired, Self::Deleted];

    #[must_use]
    pub fn of(pointers: &Pointers, now: Timestamp) -> Self {
        let Pointers { live_revision, published_at, unpublish_at, deleted_at } = *pointers;
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

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Published => "published",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}
