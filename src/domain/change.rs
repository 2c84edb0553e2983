//! Changes of content, as the change log records them. Every projection is fed from the log and from nothing else.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::text_enum::text_enum;

/// Defines a number of the change log, and an atomic cell that holds one. Two kinds of number do not mix.
macro_rules! log_number {
    ($(#[$doc:meta])* $name:ident, $(#[$of_cell:meta])* $cell:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }

        $(#[$of_cell])*
        #[derive(Debug, Default)]
        pub struct $cell(AtomicI64);

        impl $cell {
            #[must_use]
            pub const fn new(number: $name) -> Self {
                Self(AtomicI64::new(number.0))
            }

            #[must_use]
            pub fn load(&self, ordering: Ordering) -> $name {
                $name(self.0.load(ordering))
            }

            pub fn store(&self, number: $name, ordering: Ordering) {
                self.0.store(number.0, ordering);
            }

            /// Raises the number to at least this one. Returns the one before.
            pub fn fetch_max(&self, number: $name, ordering: Ordering) -> $name {
                $name(self.0.fetch_max(number.0, ordering))
            }
        }
    };
}

log_number! {
    /// The number of a row of the change log. Projections follow it; the public never sees it, because its gaps would reveal drafts.
    Sequence,
    /// A [`Sequence`] that threads share.
    AtomicSequence
}

log_number! {
    /// The number of a public change, without gaps: `Content-Sequence`, `meta.sequence`, the ids of events.
    PublicSequence,
    /// A [`PublicSequence`] that threads share.
    AtomicPublicSequence
}

impl Sequence {
    /// Before the first row: the position of a projection that is not open.
    pub const NOT_OPEN: Self = Self(-1);

    /// Whether it is a position in the log.
    #[must_use]
    pub fn is_open(self) -> bool {
        self >= Self(0)
    }
}

text_enum! {
    /// The kind of thing that changed.
    pub enum Resource {
        Insight => "insight",
        Category => "category",
        Tag => "tag",
        Author => "author",
        Site => "site",
    }
}

text_enum! {
    /// What happened to it.
    pub enum ChangeKind {
        Created => "created",
        Revised => "revised",
        Published => "published",
        Unpublished => "unpublished",
        Deleted => "deleted",
        Restored => "restored",
        Purged => "purged",
        Updated => "updated",
        /// Its publication began by the clock.
        Started => "started",
        /// Its publication ended by the clock.
        Ended => "ended",
    }
}

impl Resource {
    /// Whether it is a category, tag or author.
    #[must_use]
    pub fn is_term(self) -> bool {
        match self {
            Self::Category | Self::Tag | Self::Author => true,
            Self::Insight | Self::Site => false,
        }
    }
}

impl ChangeKind {
    /// Whether a change of this kind only saves a draft of an insight, which no reader can notice.
    #[must_use]
    pub fn is_draft_of(self, resource: Resource) -> bool {
        resource == Resource::Insight && matches!(self, Self::Created | Self::Revised)
    }

    /// Whether the clock made the change, not a write.
    #[must_use]
    pub fn is_by_clock(self) -> bool {
        matches!(self, Self::Started | Self::Ended)
    }
}

/// A row of the log before it has its number.
#[derive(Clone, Debug)]
pub struct NewChange {
    pub kind: ChangeKind,
    pub resource: Resource,
    pub resource_id: Option<Uuid>,
    pub slug: Option<String>,
    /// False when no public response, now or later, can differ because of it: a saved draft, for example.
    pub public: bool,
    /// The cache tags of the responses that it invalidates.
    pub cache_tags: Vec<String>,
}

impl NewChange {
    /// Whether it only saves a draft of an insight.
    #[must_use]
    pub fn is_draft(&self) -> bool {
        self.kind.is_draft_of(self.resource)
    }

    /// The cache tags of a change of an insight that is, or was, in these filtered lists.
    #[must_use]
    pub fn insight_tags(id: Uuid, mut lists: Vec<String>) -> Vec<String> {
        lists.sort();
        lists.dedup();
        ["insights".to_owned(), format!("insight:{id}")].into_iter().chain(lists).collect()
    }
}
