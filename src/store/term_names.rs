//! The names of categories, tags and authors by their ids, as they were at one row of the change log. See
//! [`term_name_cache`](super::term_name_cache) for how they stay current.

use std::sync::{Arc, RwLock};

use uuid::Uuid;

use super::insight_rows::SharedTerm;
use crate::domain::change::Sequence;

#[derive(Debug)]
pub(crate) struct TermNames {
    /// The row of the log that they are current with.
    pub(super) sequence: Sequence,
    pub(super) by_id: foldhash::HashMap<Uuid, SharedTerm>,
}

impl TermNames {
    /// None when the id is malformed or unknown.
    pub(super) fn find(&self, id: &str) -> Option<SharedTerm> {
        self.by_id.get(&id.parse().ok()?).cloned()
    }

    /// As [`TermNames::find`], for ids divided by commas.
    pub(super) fn find_all(&self, ids: &str) -> Option<Vec<SharedTerm>> {
        ids.split(',').filter(|id| !id.is_empty()).map(|id| self.find(id)).collect()
    }
}

/// The names that a store caches between two lists.
pub(crate) type SharedTermNames = Arc<RwLock<Arc<TermNames>>>;

/// A cache before its first read.
pub(crate) fn empty() -> SharedTermNames {
    Arc::new(RwLock::new(Arc::new(TermNames { sequence: Sequence::NOT_OPEN, by_id: foldhash::HashMap::default() })))
}
