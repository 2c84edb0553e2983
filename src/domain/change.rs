//! What the change log says happened. Every projection is fed from these and nothing else.

use uuid::Uuid;

/// The kind of thing that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    Insight,
    Category,
    Tag,
    Author,
    Site,
}

impl Resource {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Insight => "insight",
            Self::Category => "category",
            Self::Tag => "tag",
            Self::Author => "author",
            Self::Site => "site",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Created,
    Revised,
    Published,
    Unpublished,
    Deleted,
    Restored,
    Purged,
    Updated,
    /// The clock made it visible.
    Started,
    /// The clock ended its visibility.
    Ended,
}

impl ChangeKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Revised => "revised",
            Self::Published => "published",
            Self::Unpublished => "unpublished",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
            Self::Purged => "purged",
            Self::Updated => "updated",
            Self::Started => "started",
            Self::Ended => "ended",
        }
    }
}

/// A row of the log before it has its number.
#[derive(Clone, Debug)]
pub struct NewChange {
    pub kind: ChangeKind,
    pub resource: Resource,
    pub resource_id: Option<Uuid>,
    pub slug: Option<String>,
    /// False when no public answer, now or later, can differ because of it: a saved draft, for example.
    pub public: bool,
    /// The names under which answers are dropped because of it.
    pub cache_tags: Vec<String>,
}

impl NewChange {
    /// The cache tags of a change of an insight that is in these filtered lists, or was.
    #[must_use]
    pub fn insight_tags(id: Uuid, mut lists: Vec<String>) -> Vec<String> {
        lists.sort();
        lists.dedup();
        ["insights".to_owned(), format!("insight:{id}")].into_iter().chain(lists).collect()
    }
}
