//! Categories, tags and authors by index key and by slug: filters come as slugs, facets are shown with names.

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
    key_by_slug: HashMap<(&'static str, String), String>,
}

impl TermTable {
    pub(crate) async fn read(db: &impl Connection) -> Result<Self, StoreError> {
        let mut table = Self::default();
        for kind in TermKind::ALL {
            for term in terms::list_names(db, kind).await? {
                let key = term_key(term.id);
                table.key_by_slug.insert((kind.plural(), term.slug.clone()), key.clone());
                table.by_key.insert(key, term);
            }
        }
        Ok(table)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&TermName> {
        self.by_key.get(key)
    }

    /// The keys of those slugs that exist.
    pub(crate) fn keys_of(&self, kind: TermKind, slugs: &[String]) -> Vec<String> {
        slugs.iter().filter_map(|slug| self.key_by_slug.get(&(kind.plural(), slug.clone())).cloned()).collect()
    }
}
