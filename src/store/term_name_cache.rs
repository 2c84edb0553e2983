//! Keeps [`TermNames`] in memory: a page of a list shows dozens of terms, and they rarely change.
//!
//! The names are never older than the row of the change log that the reader passes: rows after the cached position are read first.

use std::sync::{Arc, PoisonError};

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::Store;
use super::error::StoreError;
use super::insight_rows::{NamedTerm, SharedTerm};
use super::json_column::Json;
use super::sql::Sql;
use super::term_names::TermNames;
use crate::domain::change::Sequence;
use crate::domain::term::TermKind;

/// With more terms nothing is cached: lists then read the rows of the terms that they show.
const MAX_NAMES: usize = 50_000;

/// The names as they were when this was the newest row of the log about a term, or later.
pub(super) async fn current(store: &Store, sequence: Sequence) -> Result<Arc<TermNames>, StoreError> {
    let cached = store.term_names.read().unwrap_or_else(PoisonError::into_inner).clone();
    if cached.sequence >= sequence {
        return Ok(cached);
    }
    let mut names = TermNames { sequence, by_id: cached.by_id.clone() };
    for row in read_changed(store, cached.sequence).await? {
        let TermNameRow { id, slug, name, translations } = row;
        let Json(translations) = translations;
        names.by_id.insert(id, SharedTerm(Arc::new(NamedTerm { slug, name, translations })));
    }
    if names.by_id.len() > MAX_NAMES {
        names.by_id.clear();
    }
    let names = Arc::new(names);
    let mut cached = store.term_names.write().unwrap_or_else(PoisonError::into_inner);
    if cached.sequence < sequence {
        cached.clone_from(&names);
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

/// The terms that the log mentions after a row; all terms before the first read.
async fn read_changed(store: &Store, after: Sequence) -> Result<Vec<TermNameRow>, StoreError> {
    let mut sql = Sql::new(store.reader().get_database_backend(), "");
    for (index, kind) in TermKind::ALL.into_iter().enumerate() {
        sql.push(if index == 0 { "" } else { " UNION ALL " });
        sql.push("SELECT id, slug, name, translations FROM ").push_ident(kind).push(" WHERE deleted_at IS NULL");
        if after.is_open() {
            sql.push(" AND id IN (SELECT resource_id FROM changes WHERE resource = '").push(kind.resource().as_str());
            sql.push("' AND sequence > ").bind(after).push(")");
        }
    }
    sql.all(store.reader()).await
}
