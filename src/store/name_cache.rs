//! The names of categories, tags and authors by their ids, as they were at one row of the log.

use crate::store::insight_rows::SharedTerm;
use std::sync::{Arc, RwLock};
use uuid::Uuid;

/// See the module.
#[derive(Debug)]
pub(crate) struct TermNames {
    /// The row of the log up to which they are known, below zero before they were read.
    pub(super) at: i64,
    pub(super) known: foldhash::HashMap<Uuid, SharedTerm>,
}

impl TermNames {
    pub(super) fn find(&self, id: &str) -> Option<SharedTerm> {
        self.known.get(&id.parse().ok()?).cloned()
    }

    /// Those of ids that commas divide.
    pub(super) fn find_all(&self, ids: &str) -> Option<Vec<SharedTerm>> {
        ids.split(',').filter(|id| !id.is_empty()).map(|id| self.find(id)).collect()
    }
}

/// What a store remembers between two lists.
pub(crate) type SharedTermNames = Arc<RwLock<Arc<TermNames>>>;

pub(crate) fn unread() -> SharedTermNames {
    Arc::new(RwLock::new(Arc::new(TermNames { at: -1, known: foldhash::HashMap::default() })))
}
