//! Imports and their items: received whole, then done one by one by whoever holds the lease. An item's outcome is written in the transaction
//! of its work.

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use super::error::StoreError;
use super::sql::Sql;
use crate::domain::clock::Timestamp;
use crate::domain::page::{Cursor, KeyValue, Page};

const COLUMNS: &str = "SELECT id, state, source, atomic, validate_only, made_by, user_id, token_id, role, scopes, origin, request_id, total, created, updated, \
     unchanged, failed, problem, worker, stuck_at, stuck_times, created_at, updated_at, finished_at FROM imports";

#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Import {
    pub id: Uuid,
    pub state: String,
    pub source: String,
    pub atomic: bool,
    pub validate_only: bool,
    pub made_by: String,
    pub user_id: Option<Uuid>,
    pub token_id: Option<Uuid>,
    pub role: Option<String>,
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
    pub state: String,
    pub notes: String,
    pub insight_id: Option<Uuid>,
    pub slug: Option<String>,
    pub problem: Option<String>,
    pub finished_at: Option<i64>,
}

/// An item that is still to be done.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct WaitingItem {
    pub number: i64,
    pub name: String,
    pub input: String,
    pub notes: String,
}

/// An item that came in, or why it did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewItem {
    pub item: WaitingItem,
    pub problem: Option<String>,
}

/// What came of an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemOutcome {
    pub number: i64,
    pub state: &'static str,
    pub insight_id: Option<Uuid>,
    pub slug: Option<String>,
    pub problem: Option<String>,
    pub notes: String,
}

pub async fn insert(txn: &DatabaseTransaction, import: &Import) -> Result<(), StoreError> {
    let mut sql = Sql::new(
        txn.get_database_backend(),
        "INSERT INTO imports (id, state, source, atomic, validate_only, made_by, user_id, token_id, role, scopes, origin, request_id, total, created, \
         updated, unchanged, failed, lease_until, stuck_at, stuck_times, created_at, updated_at) VALUES (",
    );
    sql.bind(import.id).push(", ").bind(import.state.as_str()).push(", ").bind(import.source.as_str());
    sql.push(", ").bind(import.atomic).push(", ").bind(import.validate_only).push(", ").bind(import.made_by.as_str());
    sql.push(", ").bind(import.user_id).push(", ").bind(import.token_id).push(", ").bind(import.role.clone());
    sql.push(", ").bind_all([&import.scopes, &import.origin, &import.request_id].map(String::as_str));
    sql.push(", 0, 0, 0, 0, 0, 0, 0, 0, ").bind(import.created_at).push(", ").bind(import.updated_at).push(")").run(txn).await?;
    Ok(())
}

/// Adds items that came in, in their order.
pub async fn add(txn: &DatabaseTransaction, import: Uuid, items: &[NewItem], now: Timestamp) -> Result<(), StoreError> {
    for items in items.chunks(200) {
        let mut sql = Sql::new(
            txn.get_database_backend(),
            "INSERT INTO import_items (import_id, number, name, input, notes, problem, state, finished_at) VALUES ",
        );
        for (place, NewItem { item, problem }) in items.iter().enumerate() {
            let WaitingItem { number, name, input, notes } = item;
            sql.push(if place == 0 { "(" } else { ", (" }).bind(import).push(", ").bind(*number);
            sql.push(", ").bind_all([name, input, notes].map(String::as_str)).push(", ").bind(problem.clone());
            match problem {
                Some(_) => sql.push(", 'failed', ").bind(now.0).push(")"),
                None => sql.push(", 'waiting', NULL)"),
            };
        }
        sql.run(txn).await?;
    }
    // The sender is alive.
    Sql::new(txn.get_database_backend(), "UPDATE imports SET updated_at = ").bind(now.0).push(" WHERE id = ").bind(import).run(txn).await?;
    Ok(())
}

/// Everything is there: it can be worked on, by this worker first if one is given.
pub async fn ready(
    txn: &DatabaseTransaction,
    id: Uuid,
    (total, refused): (i64, i64),
    lease: Option<(Uuid, Timestamp)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut sql = Sql::new(txn.get_database_backend(), "UPDATE imports SET state = 'running', total = ");
    sql.bind(total).push(", failed = ").bind(refused).push(", updated_at = ").bind(now.0);
    if let Some((worker, until)) = lease {
        sql.push(", worker = ").bind(worker).push(", lease_until = ").bind(until.0);
    }
    sql.push(" WHERE id = ").bind(id).run(txn).await?;
    Ok(())
}

pub async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Import>, StoreError> {
    Sql::new(db.get_database_backend(), COLUMNS).push(" WHERE id = ").bind(id).one(db).await
}

/// An import of the same source that was not finished.
pub async fn find_open(db: &impl ConnectionTrait, source: &str) -> Result<Option<Import>, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), COLUMNS);
    sql.push(" WHERE finished_at IS NULL AND source = ").bind(source).push(" ORDER BY created_at DESC").limit(1).one(db).await
}

/// The oldest import that is to be worked on and that nobody works on.
pub async fn find_idle(db: &impl ConnectionTrait, now: Timestamp) -> Result<Option<Import>, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), COLUMNS);
    sql.push(" WHERE finished_at IS NULL AND state = 'running' AND lease_until < ").bind(now.0);
    sql.push(" ORDER BY created_at").limit(1).one(db).await
}

/// Takes, or keeps, the right to work on an import. False when somebody else has it.
pub async fn lease(db: &impl ConnectionTrait, id: Uuid, worker: Uuid, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "UPDATE imports SET worker = ");
    sql.bind(worker).push(", lease_until = ").bind(until.0).push(" WHERE state = 'running' AND id = ").bind(id);
    sql.push(" AND (worker = ").bind(worker).push(" OR lease_until < ").bind(now.0).push(")");
    Ok(sql.run(db).await? == 1)
}

/// Notes the item that an import is at, and how often that was tried.
pub async fn note_stuck(db: &impl ConnectionTrait, id: Uuid, at: i64, times: i64) -> Result<(), StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "UPDATE imports SET stuck_at = ");
    sql.bind(at).push(", stuck_times = ").bind(times).push(" WHERE id = ").bind(id).run(db).await?;
    Ok(())
}

/// The next items, behind one, in their order.
pub async fn waiting(db: &impl ConnectionTrait, id: Uuid, behind: i64, most: i64) -> Result<Vec<WaitingItem>, StoreError> {
    let mut sql =
        Sql::new(db.get_database_backend(), "SELECT number, name, input, notes FROM import_items WHERE state = 'waiting' AND import_id = ");
    sql.bind(id).push(" AND number > ").bind(behind).push(" ORDER BY number").limit(most).all(db).await
}

/// Writes what came of items, and counts them. Their inputs are not needed any more.
pub async fn record(txn: &DatabaseTransaction, id: Uuid, outcomes: &[ItemOutcome], now: Timestamp) -> Result<(), StoreError> {
    let backend = txn.get_database_backend();
    for outcomes in outcomes.chunks(500) {
        let text =
            "INSERT INTO import_items (import_id, number, name, input, state, insight_id, slug, problem, notes, finished_at) VALUES ";
        let mut sql = Sql::new(backend, text);
        for (place, ItemOutcome { number, state, insight_id, slug, problem, notes }) in outcomes.iter().enumerate() {
            sql.push(if place == 0 { "(" } else { ", (" }).bind(id).push(", ").bind(*number).push(", '', '', ").bind(*state);
            sql.push(", ").bind(*insight_id).push(", ").bind(slug.clone()).push(", ").bind(problem.clone());
            sql.push(", ").bind(notes.as_str()).push(", ").bind(now.0).push(")");
        }
        // They are all there: this changes many at once.
        sql.push(" ON CONFLICT (import_id, number) DO UPDATE SET input = '', state = excluded.state, insight_id = excluded.insight_id, ");
        sql.push("slug = excluded.slug, problem = excluded.problem, notes = excluded.notes, finished_at = excluded.finished_at")
            .run(txn)
            .await?;
    }
    let mut sql = Sql::new(backend, "UPDATE imports SET stuck_times = 0, updated_at = ");
    sql.bind(now.0);
    for state in ["created", "updated", "unchanged", "failed"] {
        let count = outcomes.iter().filter(|outcome| outcome.state == state).count();
        sql.push(&format!(", {state} = {state} + ")).bind(i64::try_from(count).unwrap_or(i64::MAX));
    }
    sql.push(" WHERE id = ").bind(id).run(txn).await?;
    Ok(())
}

/// Ends an import.
pub async fn finish(db: &impl ConnectionTrait, id: Uuid, state: &str, problem: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
    let backend = db.get_database_backend();
    let mut sql = Sql::new(backend, "UPDATE imports SET worker = NULL, state = ");
    sql.bind(state).push(", problem = ").bind(problem.map(str::to_owned)).push(", finished_at = ").bind(now.0);
    sql.push(", updated_at = ").bind(now.0).push(" WHERE id = ").bind(id).run(db).await?;
    Sql::new(backend, "UPDATE import_items SET input = '' WHERE state = 'waiting' AND import_id = ").bind(id).run(db).await?;
    Ok(())
}

/// An import that was never received whole is as if it had not begun.
pub async fn remove(db: &impl ConnectionTrait, id: Uuid) -> Result<(), StoreError> {
    Sql::new(db.get_database_backend(), "DELETE FROM imports WHERE id = ").bind(id).run(db).await?;
    Ok(())
}

/// Ends those whose sender went away in the middle, and forgets those that ended long ago.
pub async fn tidy(db: &impl ConnectionTrait, stalled: Timestamp, old: Timestamp) -> Result<u64, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "DELETE FROM imports WHERE state = 'receiving' AND updated_at < ");
    sql.bind(stalled.0).push(" OR finished_at < ").bind(old.0).run(db).await
}

/// What a cursor of the items is bound to.
#[must_use]
pub fn identity(import: Uuid, state: Option<&str>) -> String {
    format!("items of {import} {state:?}")
}

/// The items of an import, in their order.
pub async fn items(
    db: &impl ConnectionTrait,
    import: Uuid,
    state: Option<&str>,
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
    Ok(Page::cut(rows, usize::try_from(limit).unwrap_or(0), cursor, (&identity, false), |row| (KeyValue::Number(row.number), Uuid::nil())))
}
