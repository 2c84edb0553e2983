//! How a response gets into the response cache: the cache middleware marks the request that fills an entry, and the response carries the
//! entry instead of a body.

use crate::domain::change::PublicSequence;
use crate::domain::clock::Timestamp;
use crate::domain::term::TermKind;
use crate::http::response::buffered::BufferedResponse;
use crate::projections::response_cache::CacheTags;
use crate::store::list_query::Filters;

/// Marks the request of a cache fill. Its response comes back as a [`CacheInsert`].
pub(crate) struct CacheFillRequest;

/// Cache tags of a response that a change of any insight or term can change.
pub(crate) const ANY_INSIGHT_TAGS: [&str; 2] = ["insights", "terms"];

/// The cache tags by which CDNs purge a list or search with these filters.
pub(crate) fn list_tags(filters: &Filters) -> Vec<String> {
    ["insights".to_owned()].into_iter().chain(term_tags(filters)).collect()
}

/// The cache tags of the terms that filter a list.
pub(crate) fn term_tags(filters: &Filters) -> impl Iterator<Item = String> {
    let by_kind = [(TermKind::Category, &filters.categories), (TermKind::Tag, &filters.tags), (TermKind::Author, &filters.authors)];
    by_kind.into_iter().flat_map(|(kind, slugs)| slugs.iter().map(move |slug| format!("{}:{slug}", kind.resource().as_str())))
}

/// What a cache entry depends on.
pub(crate) struct EntryLifetime {
    /// The public sequence of the content that the response shows.
    pub(crate) sequence: PublicSequence,
    /// When the clock changes it.
    pub(crate) expires_at: Option<Timestamp>,
    /// A change of any of these invalidates it.
    pub(crate) tags: CacheTags,
}

/// A response to be cached.
pub(crate) struct CacheInsert {
    pub(crate) response: BufferedResponse,
    pub(crate) lifetime: EntryLifetime,
}
