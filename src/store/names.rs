//! Categories, tags and authors by their ids, as insights show them, kept in memory: a page of a list names dozens, and they rarely change.
//!
//! They are never older than the row of the log that a reader has seen: what the log tells of terms is read behind it.

use crate::store::name_cache::TermNames;
use std::sync::{Arc, PoisonError};

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::Store;
use super::error::StoreError;
use super::insight_rows::{Json, NamedTerm, SharedTerm};
use super::sql::Sql;
use crate::domain::term::TermKind;

/// More are not kept: lists then read the rows of the terms that they show.
const MOST: usize = 50_000;

/// The names as they were when the log's newest row about a term had this number, or later.
pub(super) async fn current(store: &Store, at: i64) -> Result<Arc<TermNames>, StoreError> {
    let kept = store.names.read().unwrap_or_else(PoisonError::into_inner).clone();
    if kept.at >= at {
        return Ok(kept);
    }
    let mut names = TermNames { at, known: kept.known.clone() };
    for row in read(store, kept.at).await? {
        let TermNameRow { id, slug, name, translations } = row;
        let Json(translations) = translations;
        names.known.insert(id, SharedTerm(Arc::new(NamedTerm { slug, name, translations })));
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
struct TermNameRow {
    id: Uuid,
    slug: String,
    name: String,
    translations: Json<serde_json::Map<String, serde_json::Value>>,
}

/// The terms that the log tells of behind a row; all of them before any was read.
async fn read(store: &Store, behind: i64) -> Result<Vec<TermNameRow>, StoreError> {
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
