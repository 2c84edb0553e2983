//! Imports and their items: received whole, then applied one by one by the worker that holds the lease. The transaction
//! that applies an item also records its outcome.

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::error::StoreError;
use super::json_column::Json;
use super::sql::Sql;
use crate::domain::clock::Timestamp;
use crate::domain::import_state::{ImportItemState, ImportNote, ImportState};
use crate::domain::page::{Cursor, KeyValue, Page};

const COLUMNS: &str = "SELECT id, state, source, atomic, validate_only, made_by, user_id, token_id, session_id, role, scopes, \
    origin, request_id, total, created, updated, \
     unchanged, failed, problem, worker, stuck_at, stuck_times, created_at, updated_at, finished_at FROM imports";

#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Import {
    pub id: Uuid,
    pub state: ImportState,
    pub source: String,
    pub atomic: bool,
    pub validate_only: bool,
    pub made_by: String,
    pub user_id: Option<Uuid>,
    pub token_id: Option<Uuid>,
    pub session_id: Option<Uuid>,
    pub role: Option<String>,
    /// Separated by spaces.
    pub scopes: String,
    pub origin: String,
    pub request_id: String,
    pub total: i64,
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub failed: i64,
    pub problem: Option<String>,
    pub worker: Option<Uuid>,
    pub stuck_at: i64,
    pub stuck_times: i64,
    pub created_at: i64,
    pub updated_at: i64,
    pub finished_at: Option<i64>,
}

/// An item with its outcome.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct ImportItem {
    pub number: i64,
    pub name: String,
    pub state: ImportItemState,
    pub notes: Json<Vec<ImportNote>>,
    pub insight_id: Option<Uuid>,
    pub slug: Option<String>,
    pub problem: Option<Json<Map<String, Value>>>,
    pub finished_at: Option<i64>,
}

/// An item that is not applied yet.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct WaitingItem {
    pub number: i64,
    pub name: String,
    pub input: String,
    pub notes: Json<Vec<ImportNote>>,
}

/// A received item; with a problem if it could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewItem {
    pub item: WaitingItem,
    pub problem: Option<Value>,
}

/// The outcome of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemOutcome {
    pub number: i64,
    pub state: ImportItemState,
    pub insight_id: Option<Uuid>,
    pub slug: Option<String>,
    pub problem: Option<Value>,
    pub notes: Json<Vec<ImportNote>>,
}

pub async fn insert(txn: &DatabaseTransaction, import: &Import) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        txn.get_database_backend(),
        "INSERT INTO imports (id, state, source, atomic, validate_only, made_by, user_id, token_id, session_id, role, \
            scopes, origin, request_id, total, created, \
         updated, unchanged, failed, lease_until, stuck_at, stuck_times, created_at, updated_at) VALUES (",
    );
    sql.bind(import.id).push(", ").bind(import.state).push(", ").bind(import.source.as_str());
    sql.push(", ").bind(import.atomic).push(", ").bind(import.validate_only).push(", ").bind(import.made_by.as_str());
    sql.push(", ").bind(import.user_id).push(", ").bind(import.token_id).push(", ").bind(import.session_id);
    sql.push(", ").bind(import.role.clone());
    sql.push(", ").bind_all([&import.scopes, &import.origin, &import.request_id].map(String::as_str));
    sql.push(", 0, 0, 0, 0, 0, 0, 0, 0, ").bind(import.created_at).push(", ").bind(import.updated_at).push(")").run(txn).await?;
    Ok(())
}

/// Adds received items, in their order. False if the import is no longer being received.
pub async fn add(txn: &DatabaseTransaction, import: Uuid, items: &[NewItem], now: Timestamp) -> Result<bool, StoreError> {
    let mut sql = Sql::new(txn.get_database_backend(), "UPDATE imports SET updated_at = ");
    if sql.bind(now.0).push(" WHERE state = 'receiving' AND id = ").bind(import).run(txn).await? == 0 {
        return Ok(false);
    }
    for items in items.chunks(200) {
        let mut sql = Sql::new(
            txn.get_database_backend(),
            "INSERT INTO import_items (import_id, number, name, input, notes, problem, state, finished_at) VALUES ",
        );
        for (index, NewItem { item, problem }) in items.iter().enumerate() {
            let WaitingItem { number, name, input, notes } = item;
            sql.push(if index == 0 { "(" } else { ", (" }).bind(import).push(", ").bind(*number);
            sql.push(", ").bind(name.as_str()).push(", ").bind(input.as_str()).push(", ").bind(notes.clone());
            sql.push(", ").bind(problem.clone().map(Json));
            match problem {
                Some(_) => sql.push(", 'failed', ").bind(now.0).push(")"),
                None => sql.push(", 'waiting', NULL)"),
            };
        }
        sql.run(txn).await?;
    }
    Ok(true)
}

/// How many items an import has received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceivedCounts {
    pub total: i64,
    /// Those that could not be read.
    pub failed: i64,
}

/// The right of a worker to apply an import until a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub worker: Uuid,
    pub until: Timestamp,
}

/// Starts an import that was received whole, with a lease for its first worker if one is given. False if the import has ended.
pub async fn start(
    txn: &DatabaseTransaction,
    id: Uuid,
    counts: ReceivedCounts,
    lease: Option<Lease>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut sql = Sql::new(txn.get_database_backend(), "UPDATE imports SET state = 'running', total = ");
    sql.bind(counts.total).push(", failed = ").bind(counts.failed).push(", updated_at = ").bind(now.0);
    if let Some(Lease { worker, until }) = lease {
        sql.push(", worker = ").bind(worker).push(", lease_until = ").bind(until.0);
    }
    Ok(sql.push(" WHERE state = 'receiving' AND id = ").bind(id).run(txn).await? == 1)
}

pub async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Import>, StoreError> {
    Sql::new(db.get_database_backend(), COLUMNS).push(" WHERE id = ").bind(id).one(db).await
}

/// The newest unfinished import of this source.
pub async fn find_open(db: &impl ConnectionTrait, source: &str) -> Result<Option<Import>, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), COLUMNS);
    sql.push(" WHERE finished_at IS NULL AND source = ").bind(source).push(" ORDER BY created_at DESC").limit(1).one(db).await
}

/// The oldest running import without a valid lease.
pub async fn find_idle(db: &impl ConnectionTrait, now: Timestamp) -> Result<Option<Import>, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), COLUMNS);
    sql.push(" WHERE finished_at IS NULL AND state = 'running' AND lease_until < ").bind(now.0);
    sql.push(" ORDER BY created_at").limit(1).one(db).await
}

/// Acquires or renews the lease of an import. False when another worker holds it.
pub async fn acquire_lease(
    db: &impl ConnectionTrait,
    id: Uuid,
    worker: Uuid,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "UPDATE imports SET worker = ");
    sql.bind(worker).push(", lease_until = ").bind(until.0).push(" WHERE state = 'running' AND id = ").bind(id);
    sql.push(" AND (worker = ").bind(worker).push(" OR lease_until < ").bind(now.0).push(")");
    Ok(sql.run(db).await? == 1)
}

/// Records the item that the import retries, and how often.
pub async fn record_retry(db: &impl ConnectionTrait, id: Uuid, at: i64, times: i64) -> Result<(), StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "UPDATE imports SET stuck_at = ");
    sql.bind(at).push(", stuck_times = ").bind(times).push(" WHERE id = ").bind(id).run(db).await?;
    Ok(())
}

/// The next waiting items after a number, in their order.
pub async fn list_waiting(db: &impl ConnectionTrait, id: Uuid, after: i64, limit: i64) -> Result<Vec<WaitingItem>, StoreError> {
    let mut sql =
        Sql::new(db.get_database_backend(), "SELECT number, name, input, notes FROM import_items WHERE state = 'waiting' AND import_id = ");
    sql.bind(id).push(" AND number > ").bind(after).push(" ORDER BY number").limit(limit).all(db).await
}

/// Records the outcomes of items and counts them. Drops their inputs.
pub async fn record(txn: &DatabaseTransaction, id: Uuid, outcomes: &[ItemOutcome], now: Timestamp) -> Result<(), StoreError> {
    let backend = txn.get_database_backend();
    for outcomes in outcomes.chunks(500) {
        let text =
            "INSERT INTO import_items (import_id, number, name, input, state, insight_id, slug, problem, notes, finished_at) VALUES ";
        let mut sql = Sql::new(backend, text);
        for (index, ItemOutcome { number, state, insight_id, slug, problem, notes }) in outcomes.iter().enumerate() {
            sql.push(if index == 0 { "(" } else { ", (" }).bind(id).push(", ").bind(*number).push(", '', '', ").bind(*state);
            sql.push(", ").bind(*insight_id).push(", ").bind(slug.clone()).push(", ").bind(problem.clone().map(Json));
            sql.push(", ").bind(notes.clone()).push(", ").bind(now.0).push(")");
        }
        // All rows exist: this is an update of many rows by one statement.
        sql.push(" ON CONFLICT (import_id, number) DO UPDATE SET input = '', state = excluded.state, insight_id = excluded.insight_id, ");
        sql.push("slug = excluded.slug, problem = excluded.problem, notes = excluded.notes, finished_at = excluded.finished_at")
            .run(txn)
            .await?;
    }
    let mut sql = Sql::new(backend, "UPDATE imports SET stuck_times = 0, updated_at = ");
    sql.bind(now.0);
    for (state, column) in [
        (ImportItemState::Created, "created"),
        (ImportItemState::Updated, "updated"),
        (ImportItemState::Unchanged, "unchanged"),
        (ImportItemState::Failed, "failed"),
    ] {
        let count = outcomes.iter().filter(|outcome| outcome.state == state).count();
        sql.push(", ").push_ident(column).push(" = ").push_ident(column).push(" + ").bind(i64::try_from(count).unwrap_or(i64::MAX));
    }
    sql.push(" WHERE id = ").bind(id).run(txn).await?;
    Ok(())
}

/// Ends an import; its waiting items stay so. False if it has ended already.
pub async fn finish(
    db: &impl ConnectionTrait,
    id: Uuid,
    state: ImportState,
    problem: Option<&str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let backend = db.get_database_backend();
    let mut sql = Sql::new(backend, "UPDATE imports SET worker = NULL, state = ");
    sql.bind(state).push(", problem = ").bind(problem.map(str::to_owned)).push(", finished_at = ").bind(now.0);
    sql.push(", updated_at = ").bind(now.0).push(" WHERE finished_at IS NULL AND id = ").bind(id);
    if sql.run(db).await? == 0 {
        return Ok(false);
    }
    Sql::new(backend, "UPDATE import_items SET input = '' WHERE state = 'waiting' AND import_id = ").bind(id).run(db).await?;
    Ok(true)
}

/// Counts the items that have arrived so far, of an import that ends before all have.
pub async fn count_received(txn: &DatabaseTransaction, id: Uuid) -> Result<(), StoreError> {
    let mut sql = Sql::new(txn.get_database_backend(), "UPDATE imports SET total = (SELECT COUNT(*) FROM import_items WHERE import_id = ");
    sql.bind(id).push("), failed = (SELECT COUNT(*) FROM import_items WHERE state = 'failed' AND import_id = ").bind(id);
    sql.push(") WHERE state = 'receiving' AND id = ").bind(id).run(txn).await?;
    Ok(())
}

/// Deletes an import that was not received whole.
pub async fn delete(db: &impl ConnectionTrait, id: Uuid) -> Result<(), StoreError> {
    Sql::new(db.get_database_backend(), "DELETE FROM imports WHERE state = 'receiving' AND id = ").bind(id).run(db).await?;
    Ok(())
}

/// Deletes imports whose sender stopped in the middle, and those that finished long ago.
pub async fn delete_expired(db: &impl ConnectionTrait, stalled: Timestamp, old: Timestamp) -> Result<u64, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "DELETE FROM imports WHERE state = 'receiving' AND updated_at < ");
    sql.bind(stalled.0).push(" OR finished_at < ").bind(old.0).run(db).await
}

/// The identity of the list of items: a cursor belongs to one.
#[must_use]
pub fn identity(import: Uuid, state: Option<ImportItemState>) -> String {
    format!("items of {import} {:?}", state.map(ImportItemState::as_str))
}

/// The items of an import, in their order.
pub async fn list_items(
    db: &impl ConnectionTrait,
    import: Uuid,
    state: Option<ImportItemState>,
    cursor: Option<&Cursor>,
    limit: i64,
) -> Result<Page<ImportItem>, StoreError> {
    let text = "SELECT number, name, state, notes, insight_id, slug, problem, finished_at FROM import_items WHERE import_id = ";
    let mut sql = Sql::new(db.get_database_backend(), text);
    sql.bind(import);
    if let Some(state) = state {
        sql.push(" AND state = ").bind(state);
    }
    let backward = cursor.is_some_and(|cursor| cursor.backward);
    if let Some(Cursor { key: KeyValue::Number(number), .. }) = cursor {
        sql.push(if backward { " AND number < " } else { " AND number > " }).bind(*number);
    }
    sql.push(if backward { " ORDER BY number DESC" } else { " ORDER BY number" }).limit(limit + 1);
    let rows = sql.all::<ImportItem>(db).await?;
    let identity = identity(import, state);
    Ok(Page::from_rows(rows, usize::try_from(limit).unwrap_or(0), cursor, (&identity, false), |row| {
        (KeyValue::Number(row.number), Uuid::nil())
    }))
}
