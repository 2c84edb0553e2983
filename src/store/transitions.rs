//! Transitions: beginnings and ends of publications by the clock, planned ahead and recorded in the change log once they are due.
//!
//! Reads do not depend on it: visibility is a comparison with the clock. Recording informs the followers of the log,
//! exactly once, by the node that is first.

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, FromQueryResult};
use uuid::Uuid;

use super::error::StoreError;
use super::rows::insight;
use super::sql::{Number, Sql};
use super::{Store, changes};
use crate::domain::change::{ChangeKind, NewChange, Resource, Sequence};
use crate::domain::clock::Timestamp;

const BATCH: i64 = 500;

/// Replaces the planned transitions of an insight by those that follow from its pointers. Returns whether a beginning
/// was planned: a scheduled insight without one was recorded by a node whose clock is ahead.
pub async fn plan(txn: &DatabaseTransaction, insight: &insight::Model, now: Timestamp) -> Result<bool, StoreError> {
    let backend = txn.get_database_backend();
    let mut beginnings = Sql::new(backend, "DELETE FROM transitions WHERE kind = 'started' AND insight_id = ");
    let had_beginning = beginnings.bind(insight.id).run(txn).await? > 0;
    Sql::new(backend, "DELETE FROM transitions WHERE insight_id = ").bind(insight.id).run(txn).await?;
    if insight.live_revision.is_none() || insight.deleted_at.is_some() {
        return Ok(had_beginning);
    }
    let starts = insight.published_at.filter(|at| *at > now.0);
    let ends = insight.unpublish_at.filter(|at| *at > now.0);
    for (kind, at) in [(ChangeKind::Started, starts), (ChangeKind::Ended, ends)] {
        if let Some(at) = at {
            let mut sql = Sql::new(backend, "INSERT INTO transitions (insight_id, kind, at) VALUES (");
            sql.bind(insight.id).push(", ").bind(kind).push(", ").bind(at).push(")").run(txn).await?;
        }
    }
    Ok(had_beginning)
}

/// When the clock will change visible content next, as far as the log does not say it yet.
pub async fn next(store: &Store) -> Result<Option<Timestamp>, StoreError> {
    let db = store.reader();
    let sql = Sql::new(db.get_database_backend(), "SELECT at AS number FROM transitions ORDER BY at LIMIT 1");
    Ok(sql.one::<Number>(db).await?.map(|row| Timestamp(row.number)))
}

/// The next transition, and the newest row of the log at the same moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upcoming {
    pub at: Option<Timestamp>,
    pub newest: Sequence,
}

/// When the clock will change visible content next, and the newest row of the log, by one statement.
pub async fn find_upcoming(store: &Store) -> Result<Upcoming, StoreError> {
    #[derive(FromQueryResult)]
    struct UpcomingRow {
        at: Option<i64>,
        newest: Option<Sequence>,
    }
    let db = store.reader();
    let text = "SELECT (SELECT at FROM transitions ORDER BY at LIMIT 1) AS at, (SELECT sequence FROM changes ORDER BY sequence \
        DESC LIMIT 1) AS newest";
    let row: Option<UpcomingRow> = Sql::new(db.get_database_backend(), text).one(db).await?;
    let upcoming = |row: UpcomingRow| Upcoming { at: row.at.map(Timestamp), newest: row.newest.unwrap_or_default() };
    Ok(row.map(upcoming).unwrap_or_default())
}

/// Records the due transitions in the log, oldest first, each once. After an error the next call records the rest.
pub async fn record(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    while next(store).await?.is_some_and(|at| at <= now) {
        record_batch(store, now).await?;
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct DueTransition {
    insight_id: Uuid,
    kind: ChangeKind,
    at: i64,
    slug: String,
}

async fn record_batch(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    let txn = store.begin().await?;
    let backend = txn.get_database_backend();
    let mut sql = Sql::new(
        backend,
        "SELECT t.insight_id, t.kind, t.at, i.slug FROM transitions t JOIN insights i ON i.id = t.insight_id WHERE t.at <= ",
    );
    sql.bind(now.0).push(" ORDER BY t.at, t.insight_id, t.kind").limit(BATCH);
    // The rows before the log: every writer locks in this order.
    sql.push(if backend == DbBackend::Postgres { " FOR UPDATE OF t" } else { "" });
    let mut changes = Vec::new();
    for DueTransition { insight_id, kind, at, slug } in sql.all::<DueTransition>(&txn).await? {
        let mut delete = Sql::new(backend, "DELETE FROM transitions WHERE insight_id = ");
        delete.bind(insight_id).push(" AND kind = ").bind(kind).run(&txn).await?;
        let lists = super::insights::list_tags(&txn, insight_id).await?;
        changes.push((to_change(insight_id, slug, kind, lists), Timestamp(at)));
    }
    let mut end = None;
    for (change, at) in changes {
        end = changes::append_all(&txn, &[change], at).await?;
    }
    store.commit(txn, end).await
}

fn to_change(insight_id: Uuid, slug: String, kind: ChangeKind, lists: Vec<String>) -> NewChange {
    NewChange {
        kind,
        resource: Resource::Insight,
        resource_id: Some(insight_id),
        slug: Some(slug),
        public: true,
        cache_tags: NewChange::insight_tags(insight_id, lists),
    }
}
