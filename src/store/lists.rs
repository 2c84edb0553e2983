//! Lists of insights: filters, orders and keyset pages, each a walk along one index. One statement, whatever the length; two with bodies.

use crate::store::list_query::Audience;
use crate::store::list_query::ListQuery;
use crate::store::list_query::descends;
use crate::store::list_query::from_and_where;
use crate::store::list_query::rows;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult as _};
use uuid::Uuid;

use super::Store;
use super::changes::{self, Freshness};
use super::error::StoreError;
use super::insight_rows::{self, BodyRow, InsightRow, SharedTerm};
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

/// A page, and how fresh it is: at least that.
pub async fn list(store: &Store, query: &ListQuery, now: Timestamp) -> Result<(Freshness, Page<ListedInsight>), StoreError> {
    let db = store.reader();
    if query.with_body {
        let (freshness, rows) = with_bodies(db, query, now).await?;
        return Ok((freshness, cut(rows, query)));
    }
    if is_summarised(query)
        && let Some((freshness, summaries)) = summaries::list(store, query, now).await?
    {
        return Ok((freshness, cut(summaries.into_iter().map(ListedInsight::Summary).collect(), query)));
    }
    let (freshness, rows) = in_one(db, query, now).await?;
    Ok((freshness, cut(rows.into_iter().map(|row| ListedInsight::Row(Box::new(row), None)).collect(), query)))
}

/// Summaries are of what the public sees.
fn is_summarised(query: &ListQuery) -> bool {
    matches!(query.audience, Audience::Public)
}

/// Bodies are long: to quote them, and to read the quotes, would cost more than a statement.
async fn with_bodies(db: &impl ConnectionTrait, query: &ListQuery, now: Timestamp) -> Result<(Freshness, Vec<ListedInsight>), StoreError> {
    let freshness = changes::freshness(db, now).await?;
    let mut sql = Sql::new(db.get_database_backend(), "");
    rows(&mut sql, query, now);
    let mut rows = Vec::new();
    for row in db.query_all_raw(sql.statement()).await? {
        let body = BodyRow::from_query_result(&row, "")?;
        rows.push(ListedInsight::Row(Box::new(InsightRow::from_query_result(&row, "")?), Some(body)));
    }
    Ok((freshness, rows))
}

async fn in_one(db: &impl ConnectionTrait, query: &ListQuery, now: Timestamp) -> Result<(Freshness, Vec<InsightRow>), StoreError> {
    let sql = joined(db.get_database_backend(), query, now);
    let row = db.query_one_raw(sql.statement()).await?.ok_or(StoreError::Corrupt("a list"))?;
    Ok((changes::read_freshness(&row)?, insight_rows::unpack(&row)?))
}

fn cut(mut rows: Vec<ListedInsight>, query: &ListQuery) -> Page<ListedInsight> {
    // The order of the joined rows is the database's business; that of the page is ours.
    let descends = descends(query);
    let key = |row: &ListedInsight| (row.key(query.sort.key), row.id());
    rows.sort_by(|a, b| if descends { key(b).cmp(&key(a)) } else { key(a).cmp(&key(b)) });
    let limit = usize::try_from(query.limit).unwrap_or(0);
    Page::cut(rows, limit, query.cursor.as_ref(), (&query.identity, query.sort.descending), key)
}

/// How many rows the filter lets through.
pub async fn count(db: &impl ConnectionTrait, query: &ListQuery, now: Timestamp) -> Result<i64, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT count(*) AS number FROM ");
    from_and_where(&mut sql, query, None, now);
    Ok(sql.one::<Number>(db).await?.map_or(0, |row| row.number))
}

/// The statements by which a list without bodies can be read, the usual one first: for asking the database how it would.
#[must_use]
pub fn statements(backend: DbBackend, query: &ListQuery, now: Timestamp) -> Vec<Sql> {
    let mut statements = vec![joined(backend, query, now)];
    if is_summarised(query) {
        statements.insert(0, summaries::statement(backend, query, now));
    }
    statements
}

/// Reads every row's revision, text and terms.
fn joined(backend: DbBackend, query: &ListQuery, now: Timestamp) -> Sql {
    let mut sql = Sql::new(backend, "SELECT ");
    changes::push_freshness(&mut sql, now);
    sql.push(", ");
    insight_rows::push_packed(&mut sql, |sql| rows(sql, query, now));
    sql
}
