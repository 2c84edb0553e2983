//! The change log, numbered in the order of commits on both databases, and the freshness that follows from it.
//!
//! Write with [`commit`] or [`commit_all`]; follow with [`after`] (everything) or [`public_after`] (what readers may know).

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult, QueryResult};
use uuid::Uuid;

use super::Store;
use super::error::StoreError;
use super::json_column::Json;
use super::notifier::{CHANNEL, LogEnd};
use super::sql::{Number, Sql};
use crate::domain::change::{ChangeKind, NewChange, PublicSequence, Resource, Sequence};
use crate::domain::clock::Timestamp;

const COMMIT_ORDER_LOCK: i64 = 0x0001_4531_9475;

/// Appends to the log and commits, then notifies the followers of the log.
pub async fn commit(store: &Store, txn: DatabaseTransaction, change: &NewChange, now: Timestamp) -> Result<(), StoreError> {
    commit_all(store, txn, std::slice::from_ref(change), now).await
}

/// As [`commit`], for several changes.
pub async fn commit_all(store: &Store, txn: DatabaseTransaction, changes: &[NewChange], now: Timestamp) -> Result<(), StoreError> {
    let appended = append_all(&txn, changes, now).await?;
    store.commit(txn, appended.filter(|_| !changes.iter().all(NewChange::is_draft))).await
}

/// Appends to the log: the last thing a transaction does before it commits. Returns the end of the log.
///
/// On `PostgreSQL` the numbers of an identity column can commit out of order, and a follower would miss the late one for ever. The lock is
/// held until the commit, so numbers and commits have one order. `SQLite` has one writer.
///
/// Public changes have numbers of their own, without gaps: a gap would reveal how many drafts were saved in between.
pub async fn append_all(txn: &DatabaseTransaction, changes: &[NewChange], now: Timestamp) -> Result<Option<LogEnd>, StoreError> {
    let backend = txn.get_database_backend();
    if backend == DbBackend::Postgres && !changes.is_empty() {
        let mut sql = Sql::new(backend, "SELECT pg_advisory_xact_lock(");
        sql.bind(COMMIT_ORDER_LOCK).push(")");
        // Drafts are not announced: no follower has anything to do for them.
        if !changes.iter().all(NewChange::is_draft) {
            sql.push(", pg_notify(").bind(CHANNEL).push(", '')");
        }
        sql.run(txn).await?;
    }
    let mut end: Option<LogEnd> = None;
    for changes in changes.chunks(200) {
        let later = insert(txn, changes, now).await?;
        end = later.map(|later| later.max(end.unwrap_or_default())).or(end);
    }
    Ok(end)
}

/// Inserts some rows by one statement; their public numbers continue those of the log.
async fn insert(txn: &DatabaseTransaction, changes: &[NewChange], now: Timestamp) -> Result<Option<LogEnd>, StoreError> {
    #[derive(FromQueryResult)]
    struct InsertedRow {
        sequence: Sequence,
        public_end: PublicSequence,
    }
    let backend = txn.get_database_backend();
    // The transaction may have waited for others: the log's times never go back, or `If-Modified-Since` would hide the last change.
    let mut sql = Sql::new(backend, "WITH log AS MATERIALIZED (SELECT ");
    sql.push(if backend == DbBackend::Postgres { "greatest" } else { "max" }).push("(coalesce(");
    sql.push("(SELECT at FROM changes ORDER BY sequence DESC LIMIT 1), 0), ").bind(now.0);
    sql.push(") AS at, coalesce((SELECT max(public_sequence) FROM changes), 0) AS public_end) ");
    sql.push("INSERT INTO changes (at, kind, resource, resource_id, slug, cache_tags, public_sequence) ");
    let mut public = 0;
    for (index, change) in changes.iter().enumerate() {
        let NewChange { kind, resource, resource_id, slug, public: is_public, cache_tags } = change;
        sql.push(if index == 0 { "SELECT at, " } else { " UNION ALL SELECT at, " }).bind(*kind).push(", ").bind(*resource);
        sql.push(", ").bind(*resource_id).push(", ").bind(slug.clone()).push(", ").bind(Json(cache_tags));
        if *is_public {
            public += 1;
            sql.push(", public_end + ").bind(public).push(" FROM log");
        } else {
            // With its type: PostgreSQL takes a bare NULL in the first of several rows for text.
            sql.push(", CAST(NULL AS bigint) FROM log");
        }
    }
    sql.push(" RETURNING sequence, coalesce(public_sequence, 0) AS public_end");
    let rows = sql.all::<InsertedRow>(txn).await?;
    let end = rows.iter().map(|row| row.sequence).max().zip(rows.iter().map(|row| row.public_end).max());
    Ok(end.map(|(sequence, public)| LogEnd { sequence, public }))
}

/// A row of the log, as projections read it.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct LogRow {
    pub sequence: Sequence,
    pub at: i64,
    pub kind: ChangeKind,
    pub resource: Resource,
    pub resource_id: Option<Uuid>,
    pub slug: Option<String>,
    pub public_sequence: Option<PublicSequence>,
    pub cache_tags: Json<Vec<String>>,
}

impl LogRow {
    /// Whether it only saves a draft of an insight.
    #[must_use]
    pub fn is_draft(&self) -> bool {
        self.kind.is_draft_of(self.resource)
    }
}

/// The rows after a position, oldest first.
pub async fn after(db: &impl ConnectionTrait, position: Sequence, limit: i64) -> Result<Vec<LogRow>, StoreError> {
    let text = "SELECT sequence, at, kind, resource, resource_id, slug, public_sequence, cache_tags FROM changes WHERE sequence > ";
    let mut sql = Sql::new(db.get_database_backend(), text);
    sql.bind(position).push(" ORDER BY sequence").limit(limit);
    sql.all(db).await
}

/// The public rows after a public number, oldest first.
pub async fn public_after(db: &impl ConnectionTrait, since: PublicSequence, limit: i64) -> Result<Vec<LogRow>, StoreError> {
    let text = "SELECT sequence, at, kind, resource, resource_id, slug, public_sequence, cache_tags FROM changes WHERE public_sequence > ";
    let mut sql = Sql::new(db.get_database_backend(), text);
    sql.bind(since).push(" ORDER BY public_sequence").limit(limit);
    sql.all(db).await
}

/// The row with this number: a projection compares its position with it.
pub async fn find(db: &impl ConnectionTrait, sequence: Sequence) -> Result<Option<LogRow>, StoreError> {
    Ok(after(db, Sequence(sequence.0 - 1), 1).await?.into_iter().find(|row| row.sequence == sequence))
}

/// The newest public number up to a position in the log.
pub async fn public_at(db: &impl ConnectionTrait, position: Sequence) -> Result<PublicSequence, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT coalesce(max(public_sequence), 0) AS number FROM changes WHERE sequence <= ");
    Ok(PublicSequence(sql.bind(position).one::<Number>(db).await?.map_or(0, |row| row.number)))
}

/// How fresh public content is, and until when if nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// The number of the newest change that a reader could notice.
    pub sequence: PublicSequence,
    /// When public content last changed, by a change or by the clock.
    pub last_modified: Timestamp,
    /// When the clock will change it next.
    pub next_transition: Option<Timestamp>,
    /// The clock has changed something that is not in the log yet.
    pub unrecorded: bool,
    /// The site's default locale, which ends every fallback chain: each read needs it, and this saves a statement.
    pub default_locale: String,
}

#[derive(FromQueryResult)]
struct FreshnessRow {
    default_locale: Option<String>,
    unrecorded: Option<i64>,
    sequence: Option<PublicSequence>,
    changed_at: Option<i64>,
    started_at: Option<i64>,
    starts_at: Option<i64>,
    ended_at: Option<i64>,
    ends_at: Option<i64>,
}

pub async fn freshness(db: &impl ConnectionTrait, now: Timestamp) -> Result<Freshness, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT ");
    push_freshness(&mut sql, now);
    read_freshness(&db.query_one_raw(sql.statement()).await?.ok_or(StoreError::Inconsistent("the freshness has no row"))?)
}

/// The columns that [`read_freshness`] reads.
pub(super) fn push_freshness(sql: &mut Sql, now: Timestamp) {
    sql.push("(SELECT default_locale FROM site WHERE id = 1) AS default_locale, ");
    sql.push("(SELECT at FROM transitions WHERE at <= ").bind(now.0).push(" ORDER BY at LIMIT 1) AS unrecorded, ");
    for (column, name) in [("public_sequence", "sequence"), ("at", "changed_at")] {
        sql.push("(SELECT ")
            .push(column)
            .push(" FROM changes WHERE public_sequence IS NOT NULL ORDER BY public_sequence DESC LIMIT 1) AS ");
        sql.push(name).push(", ");
    }
    for (column, index, past, future) in
        [("position_at", "insights_live", "started_at", "starts_at"), ("unpublish_at", "insights_ending", "ended_at", "ends_at")]
    {
        let ends = if column == "unpublish_at" { "unpublish_at > 0 AND " } else { "" };
        for (comparison, direction, name) in [(" <= ", " DESC", past), (" > ", " ASC", future)] {
            sql.push("(SELECT ").push(column).push(" FROM insights").indexed_by(index);
            sql.push(" WHERE live_revision IS NOT NULL AND deleted_at IS NULL AND ").push(ends).push(column).push(comparison).bind(now.0);
            sql.push(" ORDER BY ").push(column).push(direction).push(" LIMIT 1) AS ").push(name);
            sql.push(if name == "ends_at" { "" } else { ", " });
        }
    }
}

pub(super) fn read_freshness(row: &QueryResult) -> Result<Freshness, StoreError> {
    let row = FreshnessRow::from_query_result(row, "")?;
    let FreshnessRow { default_locale, unrecorded, sequence, changed_at, started_at, starts_at, ended_at, ends_at } = row;
    let last = [changed_at, started_at, ended_at].into_iter().flatten().max().unwrap_or(0);
    Ok(Freshness {
        sequence: sequence.unwrap_or_default(),
        last_modified: Timestamp(last),
        next_transition: [starts_at, ends_at].into_iter().flatten().min().map(Timestamp),
        unrecorded: unrecorded.is_some(),
        default_locale: default_locale.unwrap_or_else(|| "en".to_owned()),
    })
}

/// When the newest row of the log was written, public or not.
pub async fn newest_at(db: &impl ConnectionTrait) -> Result<Timestamp, StoreError> {
    let sql = Sql::new(db.get_database_backend(), "SELECT at AS number FROM changes ORDER BY sequence DESC LIMIT 1");
    Ok(Timestamp(sql.one::<Number>(db).await?.map_or(0, |row| row.number)))
}

/// The number of the newest row of the log, public or not: what projections have to catch up with.
pub async fn newest(db: &impl ConnectionTrait) -> Result<Sequence, StoreError> {
    let sql = Sql::new(db.get_database_backend(), "SELECT sequence AS number FROM changes ORDER BY sequence DESC LIMIT 1");
    Ok(Sequence(sql.one::<Number>(db).await?.map_or(0, |row| row.number)))
}
