//! Lists of insights: filters, orders and keyset pages, each a walk along one index.
//!
//! A public list without bodies is one statement, whatever its length: it is read from summaries. Every other list is two.

use sea_orm::{ConnectionTrait, DbBackend};
use uuid::Uuid;

use super::Store;
use super::changes::{self, Freshness};
use super::error::StoreError;
use super::insight_rows::{BodyRow, InsightRow, SharedTerm};
use super::list_query::{Audience, ListQuery, descends, from_and_where, rows};
use super::sql::{Number, Sql};
use super::summaries::{self, Summary};
use crate::domain::clock::Timestamp;
use crate::domain::page::{KeyValue, Page, SortKey};

/// An insight of a list.
#[derive(Clone, Debug)]
pub enum ListedInsight {
    Summary(Summary),
    Row(Box<InsightRow>, Option<BodyRow>),
}

impl ListedInsight {
    #[must_use]
    pub fn id(&self) -> Uuid {
        match self {
            Self::Summary(summary) => summary.id,
            Self::Row(row, _) => row.id,
        }
    }

    /// Its category, tags and authors.
    #[must_use]
    pub fn terms(&self) -> (&SharedTerm, &[SharedTerm], &[SharedTerm]) {
        match self {
            Self::Summary(Summary { category, tags, authors, .. }) => (category, tags, authors),
            Self::Row(row, _) => row.terms(),
        }
    }

    fn key(&self, sort: SortKey) -> KeyValue {
        match (self, sort) {
            (Self::Summary(summary), _) => summary.key.clone(),
            (Self::Row(row, _), SortKey::PublishedAt) => KeyValue::Number(row.position_at),
            (Self::Row(row, _), SortKey::Title) => KeyValue::Text(row.sort_title.clone()),
            (Self::Row(row, _), SortKey::UpdatedAt) => KeyValue::Number(row.shown_updated_at),
            (Self::Row(row, _), SortKey::ReadingMinutes) => KeyValue::Number(row.list_minutes),
        }
    }
}

/// A page, and a lower bound of how fresh it is.
pub async fn list(store: &Store, query: &ListQuery, now: Timestamp) -> Result<(Freshness, Page<ListedInsight>), StoreError> {
    let db = store.reader();
    if is_summarised(query)
        && let Some((freshness, summaries)) = summaries::list(store, query, now).await?
    {
        return Ok((freshness, to_page(summaries.into_iter().map(ListedInsight::Summary).collect(), query)));
    }
    // Freshness first: rows that are read later are at least as fresh.
    let freshness = changes::freshness(db, now).await?;
    let sql = row_statement(db.get_database_backend(), query, now);
    let rows = if query.with_body {
        let pairs = sql.all_pairs::<InsightRow, BodyRow>(db).await?;
        pairs.into_iter().map(|(row, body)| ListedInsight::Row(Box::new(row), Some(body))).collect()
    } else {
        sql.all::<InsightRow>(db).await?.into_iter().map(|row| ListedInsight::Row(Box::new(row), None)).collect()
    };
    Ok((freshness, to_page(rows, query)))
}

/// Summaries describe what the public sees, without bodies.
fn is_summarised(query: &ListQuery) -> bool {
    matches!(query.audience, Audience::Public) && !query.with_body
}

fn to_page(mut rows: Vec<ListedInsight>, query: &ListQuery) -> Page<ListedInsight> {
    // A join need not keep the order of the walk.
    let descends = descends(query);
    let key = |row: &ListedInsight| (row.key(query.sort.key), row.id());
    rows.sort_by(|a, b| if descends { key(b).cmp(&key(a)) } else { key(a).cmp(&key(b)) });
    let limit = usize::try_from(query.limit).unwrap_or(0);
    Page::from_rows(rows, limit, query.cursor.as_ref(), (&query.identity, query.sort.descending), key)
}

/// How many rows match the filters.
pub async fn count(db: &impl ConnectionTrait, query: &ListQuery, now: Timestamp) -> Result<i64, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT count(*) AS number FROM ");
    from_and_where(&mut sql, query, None, now);
    Ok(sql.one::<Number>(db).await?.map_or(0, |row| row.number))
}

/// The statements that can read a list, the preferred one first: for tests of their plans.
#[must_use]
pub fn statements(backend: DbBackend, query: &ListQuery, now: Timestamp) -> Vec<Sql> {
    let mut statements = vec![row_statement(backend, query, now)];
    if is_summarised(query) {
        statements.insert(0, summaries::statement(backend, query, now));
    }
    statements
}

/// Reads every row's revision, text and terms.
fn row_statement(backend: DbBackend, query: &ListQuery, now: Timestamp) -> Sql {
    let mut sql = Sql::new(backend, "");
    rows(&mut sql, query, now);
    sql
}
