//! The change log, numbered in the order of commits on both databases, and what it says about how fresh an answer is.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult, QueryResult};
use uuid::Uuid;

use super::Store;
use super::error::StoreError;
use super::sql::{Number, Sql};
use crate::domain::change::{ChangeKind, NewChange, Resource};
use crate::domain::clock::Timestamp;

/// Where nodes on one PostgreSQL tell each other that they committed.
pub(super) const CHANNEL: &str = "insights_changes";
const COMMIT_ORDER_LOCK: i64 = 0x0001_4531_9475;

/// Appends to the log and commits: the last two things a transaction does. Then the bell rings for whoever follows the log.
///
/// # Errors
/// The database's; nothing was changed then.
pub async fn commit(store: &Store, txn: DatabaseTransaction, change: &NewChange, now: Timestamp) -> Result<(), StoreError> {
    commit_all(store, txn, std::slice::from_ref(change), now).await
}

/// As [`commit`], for what is done together.
///
/// # Errors
/// The database's; nothing was changed then.
pub async fn commit_all(store: &Store, txn: DatabaseTransaction, changes: &[NewChange], now: Timestamp) -> Result<(), StoreError> {
    let is_draft =
        |change: &NewChange| change.resource == Resource::Insight && matches!(change.kind, ChangeKind::Created | ChangeKind::Revised);
    let last = append_all(&txn, changes, now).await?;
    let newest = if changes.iter().all(is_draft) { 0 } else { last };
    store.commit(txn, newest).await
}

/// Appends to the log: the last thing a transaction does before it commits. Answers the row's number.
///
/// On `PostgreSQL` the numbers of an identity column may commit out of order, and a reader that follows them would miss the late one for
/// ever. The lock is held from here to the commit, so numbers and commits go the same way. `SQLite` has one writer anyway.
///
/// Public changes are numbered by themselves, without gaps: a gap would tell how many drafts were saved in between.
///
/// # Errors
/// The database's.
pub async fn append(txn: &DatabaseTransaction, change: &NewChange, now: Timestamp) -> Result<i64, StoreError> {
    append_all(txn, std::slice::from_ref(change), now).await
}

/// As [`append`], for several rows in their order. Answers the number of the last.
///
/// # Errors
/// The database's.
pub async fn append_all(txn: &DatabaseTransaction, changes: &[NewChange], now: Timestamp) -> Result<i64, StoreError> {
    if changes.is_empty() {
        return Ok(0);
    }
    let backend = txn.get_database_backend();
    if backend == DbBackend::Postgres {
        let mut sql = Sql::new(backend, "SELECT pg_advisory_xact_lock(");
        sql.bind(COMMIT_ORDER_LOCK).push("), pg_notify(").bind(CHANNEL).push(", '')").run(txn).await?;
    }
    let ends = "SELECT coalesce((SELECT at FROM changes ORDER BY sequence DESC LIMIT 1), 0) AS at, \
                coalesce((SELECT max(public_sequence) FROM changes), 0) AS public_sequence";
    let ends = Sql::new(backend, ends).one::<Ends>(txn).await?.ok_or(StoreError::Corrupt("the end of the log"))?;
    // A request may have waited for its turn: the log's times never go back, or `If-Modified-Since` would hide what came last.
    let (at, mut public_sequence) = (ends.at.max(now.0), ends.public_sequence);
    let mut newest = None;
    for changes in changes.chunks(500) {
        let text = "INSERT INTO changes (at, kind, resource, resource_id, slug, public_sequence, cache_tags) VALUES ";
        let mut sql = Sql::new(backend, text);
        for (place, NewChange { kind, resource, resource_id, slug, public, cache_tags }) in changes.iter().enumerate() {
            public_sequence += i64::from(*public);
            sql.push(if place == 0 { "(" } else { ", (" }).bind(at).push(", ").bind(kind.as_str()).push(", ").bind(resource.as_str());
            sql.push(", ").bind(*resource_id).push(", ").bind(slug.clone()).push(", ").bind(public.then_some(public_sequence));
            sql.push(", ").bind(serde_json::json!(cache_tags).to_string()).push(")");
        }
        let rows: Vec<Number> = sql.push(" RETURNING sequence AS number").all(txn).await?;
        newest = rows.into_iter().map(|row| row.number).max().or(newest);
    }
    newest.ok_or(StoreError::Corrupt("a change without a number"))
}

#[derive(FromQueryResult)]
struct Ends {
    at: i64,
    public_sequence: i64,
}

/// A row of the log, as projections follow it.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct LogRow {
    pub sequence: i64,
    pub at: i64,
    pub kind: String,
    pub resource: String,
    pub resource_id: Option<Uuid>,
    pub slug: Option<String>,
    pub public_sequence: Option<i64>,
    /// A JSON array.
    pub cache_tags: String,
}

impl LogRow {
    /// Whether it says of an insight only that a draft was saved.
    #[must_use]
    pub fn is_draft(&self) -> bool {
        self.resource == "insight" && matches!(self.kind.as_str(), "created" | "revised")
    }
}

/// What the log says after a position, oldest first.
///
/// # Errors
/// The database's.
pub async fn after(db: &impl ConnectionTrait, position: i64, limit: i64) -> Result<Vec<LogRow>, StoreError> {
    let text = "SELECT sequence, at, kind, resource, resource_id, slug, public_sequence, cache_tags FROM changes WHERE sequence > ";
    let mut sql = Sql::new(db.get_database_backend(), text);
    sql.bind(position).push(" ORDER BY sequence").limit(limit);
    sql.all(db).await
}

/// What the public may know of the log after one of its public numbers, oldest first.
///
/// # Errors
/// The database's.
pub async fn public_after(db: &impl ConnectionTrait, since: i64, limit: i64) -> Result<Vec<LogRow>, StoreError> {
    let text = "SELECT sequence, at, kind, resource, resource_id, slug, public_sequence, cache_tags FROM changes WHERE public_sequence > ";
    let mut sql = Sql::new(db.get_database_backend(), text);
    sql.bind(since).push(" ORDER BY public_sequence").limit(limit);
    sql.all(db).await
}

/// One row, by its number: what a projection checks its position against.
///
/// # Errors
/// The database's.
pub async fn find(db: &impl ConnectionTrait, sequence: i64) -> Result<Option<LogRow>, StoreError> {
    Ok(after(db, sequence - 1, 1).await?.into_iter().find(|row| row.sequence == sequence))
}

/// The newest public number up to a position in the log.
///
/// # Errors
/// The database's.
pub async fn public_at(db: &impl ConnectionTrait, position: i64) -> Result<i64, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT coalesce(max(public_sequence), 0) AS number FROM changes WHERE sequence <= ");
    Ok(sql.bind(position).one::<Number>(db).await?.map_or(0, |row| row.number))
}

/// How fresh public content is, and until when it stays so if nobody writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// The public number of the newest change that a reader could notice.
    pub sequence: i64,
    /// When public content last changed, by a change or by the clock.
    pub last_modified: Timestamp,
    /// When the clock will change it next.
    pub next_transition: Option<Timestamp>,
    /// The clock has changed something that the log does not say yet.
    pub unrecorded: bool,
    /// The site's default locale, where every text that is missing in another is found: each read needs it, and this saves a statement.
    pub default_locale: String,
}

#[derive(FromQueryResult)]
struct FreshnessRow {
    default_locale: Option<String>,
    unrecorded: Option<i64>,
    sequence: Option<i64>,
    changed_at: Option<i64>,
    started_at: Option<i64>,
    starts_at: Option<i64>,
    ended_at: Option<i64>,
    ends_at: Option<i64>,
}

/// # Errors
/// The database's.
pub async fn freshness(db: &impl ConnectionTrait, now: Timestamp) -> Result<Freshness, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT ");
    push_freshness(&mut sql, now);
    read_freshness(&db.query_one_raw(sql.statement()).await?.ok_or(StoreError::Corrupt("freshness"))?)
}

/// The columns that [`read_freshness`] reads.
pub(super) fn push_freshness(sql: &mut Sql, now: Timestamp) {
    sql.push("(SELECT default_locale FROM site WHERE id = 1) AS default_locale, ");
    sql.push("(SELECT at FROM transitions WHERE at <= ").bind(now.0).push(" ORDER BY at LIMIT 1) AS unrecorded, ");
    let live = "FROM insights WHERE live_revision IS NOT NULL AND deleted_at IS NULL AND";
    for (column, name) in [("public_sequence", "sequence"), ("at", "changed_at")] {
        sql.push(&format!(
            "(SELECT {column} FROM changes WHERE public_sequence IS NOT NULL ORDER BY public_sequence DESC LIMIT 1) AS {name}, "
        ));
    }
    for (column, past, future) in [("position_at", "started_at", "starts_at"), ("unpublish_at", "ended_at", "ends_at")] {
        let live = if column == "unpublish_at" { format!("{live} unpublish_at > 0 AND") } else { live.to_owned() };
        sql.push(&format!("(SELECT {column} {live} {column} <= ")).bind(now.0);
        sql.push(&format!(" ORDER BY {column} DESC LIMIT 1) AS {past}, (SELECT {column} {live} {column} > ")).bind(now.0);
        sql.push(&format!(" ORDER BY {column} LIMIT 1) AS {future}"));
        if column == "position_at" {
            sql.push(", ");
        }
    }
}

pub(super) fn read_freshness(row: &QueryResult) -> Result<Freshness, StoreError> {
    let row = FreshnessRow::from_query_result(row, "")?;
    let FreshnessRow { default_locale, unrecorded, sequence, changed_at, started_at, starts_at, ended_at, ends_at } = row;
    let last = [changed_at, started_at, ended_at].into_iter().flatten().max().unwrap_or(0);
    Ok(Freshness {
        sequence: sequence.unwrap_or(0),
        last_modified: Timestamp(last),
        next_transition: [starts_at, ends_at].into_iter().flatten().min().map(Timestamp),
        unrecorded: unrecorded.is_some(),
        default_locale: default_locale.unwrap_or_else(|| "en".to_owned()),
    })
}

/// The number of the newest row of the log, public or not: what projections have caught up with.
///
/// # Errors
/// The database's.
pub async fn newest(db: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let sql = Sql::new(db.get_database_backend(), "SELECT sequence AS number FROM changes ORDER BY sequence DESC LIMIT 1");
    Ok(sql.one::<Number>(db).await?.map_or(0, |row| row.number))
}
