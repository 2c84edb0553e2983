//! Categories, tags and authors by id and by slug: filters are written in slugs, and facets shown with names.

use std::collections::HashMap;

use crate::domain::term::TermKind;
use crate::projections::search::index::document::term_key;
use crate::store::Connection;
use crate::store::error::StoreError;
use crate::store::terms;
use crate::store::terms::TermName;

#[derive(Debug, Default)]
pub(crate) struct TermTable {
    by_key: HashMap<String, TermName>,
    by_slug: HashMap<(&'static str, String), String>,
}

impl TermTable {
    pub(crate) async fn read(db: &impl Connection) -> Result<Self, StoreError> {
        let mut known = Self::default();
        for kind in TermKind::ALL {
            for term in terms::list_names(db, kind).await? {
                let key = term_key(term.id);
                known.by_slug.insert((kind.plural(), term.slug.clone()), key.clone());
                known.by_key.insert(key, term);
            }
        }
        Ok(known)
    }

    /// The term behind a key of the index.
    pub(crate) fn name(&self, key: &str) -> Option<&TermName> {
        self.by_key.get(key)
    }

    /// The keys of those slugs that exist.
    pub(crate) fn keys(&self, kind: TermKind, slugs: &[String]) -> Vec<String> {
        slugs.iter().filter_map(|slug| self.by_slug.get(&(kind.plural(), slug.clone())).cloned()).collect()
    }
}
