//! Changes of content, as the change log records them. Every projection is fed from the log and from nothing else.

use uuid::Uuid;

use super::text_enum::text_enum;

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
