//! What lists and searches are narrowed by, read from a query string.

use crate::domain::term::TermKind;
use crate::http::request::query_params::Query;
use crate::store::list_query::Filters;

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

    /// The lists whose insights are all that such a list can have: those of one kind of term, or all there are.
    pub(in crate::http) fn lists(&self) -> Vec<String> {
        let kinds = [(TermKind::Tag, &self.tags), (TermKind::Author, &self.authors), (TermKind::Category, &self.categories)];
        let narrow = kinds.into_iter().find(|(_, slugs)| !slugs.is_empty());
        narrow.map_or_else(|| vec!["insights".to_owned()], |(kind, slugs)| slugs.iter().map(|slug| kind.list_tag(slug)).collect())
    }

    /// The terms that are named, as cache tags.
    pub(in crate::http) fn named(&self) -> impl Iterator<Item = String> {
        let kinds = [(TermKind::Category, &self.categories), (TermKind::Tag, &self.tags), (TermKind::Author, &self.authors)];
        kinds.into_iter().flat_map(|(kind, slugs)| slugs.iter().map(move |slug| format!("{}:{slug}", kind.resource().as_str())))
    }
}
