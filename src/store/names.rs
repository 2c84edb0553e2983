//! Categories, tags and authors by their ids, as insights show them, kept in memory: a page of a list names dozens, and they rarely change.
//!
//! They are never older than the row of the log that a reader has seen: what the log tells of terms is read behind it.

use std::sync::{Arc, PoisonError, RwLock};

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::Store;
use super::error::StoreError;
use super::insight_rows::{Json, Named, NamedTerm};
use super::sql::Sql;
use crate::domain::term::TermKind;

/// More are not kept: lists then read the rows of the terms that they show.
const MOST: usize = 50_000;

/// See the module.
#[derive(Debug)]
pub(super) struct Names {
    /// The row of the log up to which they are known, below zero before they were read.
    at: i64,
    known: foldhash::HashMap<Uuid, Named>,
}

impl Names {
    pub(super) fn find(&self, id: &str) -> Option<Named> {
        self.known.get(&id.parse().ok()?).cloned()
    }

    /// Those of ids that commas divide.
    pub(super) fn find_all(&self, ids: &str) -> Option<Vec<Named>> {
        ids.split(',').filter(|id| !id.is_empty()).map(|id| self.find(id)).collect()
    }
}

/// What a store remembers between two lists.
pub(super) type Kept = Arc<RwLock<Arc<Names>>>;

pub(super) fn unread() -> Kept {
    Arc::new(RwLock::new(Arc::new(Names { at: -1, known: foldhash::HashMap::default() })))
}

/// The names as they were when the log's newest row about a term had this number, or later.
///
/// # Errors
/// The database's.
pub(super) async fn current(store: &Store, at: i64) -> Result<Arc<Names>, StoreError> {
    let kept = store.names.read().unwrap_or_else(PoisonError::into_inner).clone();
    if kept.at >= at {
        return Ok(kept);
    }
    let mut names = Names { at, known: kept.known.clone() };
    for row in read(store, kept.at).await? {
        let Row { id, slug, name, translations } = row;
        let Json(translations) = translations;
        names.known.insert(id, Named(Arc::new(NamedTerm { slug, name, translations })));
    }
    if names.known.len() > MOST {
        names.known.clear();
    }
    let names = Arc::new(names);
    let mut kept = store.names.write().unwrap_or_else(PoisonError::into_inner);
    if kept.at < at {
        kept.clone_from(&names);
    }
    Ok(names)
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    slug: String,
    name: String,
    translations: Json<serde_json::Map<String, serde_json::Value>>,
}

/// The terms that the log tells of behind a row; all of them before any was read.
async fn read(store: &Store, behind: i64) -> Result<Vec<Row>, StoreError> {
    let mut sql = Sql::new(store.reader().get_database_backend(), "");
    for (place, kind) in TermKind::ALL.into_iter().enumerate() {
        sql.push(if place == 0 { "" } else { " UNION ALL " });
        sql.push(&format!("SELECT id, slug, name, translations FROM {} WHERE deleted_at IS NULL", kind.plural()));
        if behind >= 0 {
            sql.push(&format!(
                " AND id IN (SELECT resource_id FROM changes WHERE resource = '{}' AND sequence > ",
                kind.resource().as_str()
            ));
            sql.bind(behind).push(")");
        }
    }
    sql.all(store.reader()).await
}
