//! What lists and searches are narrowed by, read from a query string.

use crate::http::query::Query;
use crate::store::lists::Filters;

impl Filters {
    pub(in crate::http) fn read(query: &mut Query) -> Self {
        Self {
            categories: query.slugs("category"),
            tags: query.slugs("tag"),
            authors: query.slugs("author"),
            published_after: query.moment("published_after"),
            published_before: query.moment("published_before"),
            min_minutes: query.integer("min_minutes", 0, 100_000),
            max_minutes: query.integer("max_minutes", 0, 100_000),
        }
    }

    /// The terms that are named, as cache tags.
    pub(in crate::http) fn named(&self) -> impl Iterator<Item = String> {
        let kinds = [("category", &self.categories), ("tag", &self.tags), ("author", &self.authors)];
        kinds.into_iter().flat_map(|(kind, slugs)| slugs.iter().map(move |slug| format!("{kind}:{slug}")))
    }
}
