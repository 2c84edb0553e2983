//! Visible insights by ids that a projection has found. The visibility check is repeated here: what became invisible since is left out.

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::error::StoreError;
use super::insight_rows::{self, InsightRow, ShownRevision};
use super::json_column::Json;
use super::sql::Sql;
use crate::domain::clock::Timestamp;
use crate::domain::markdown::TocEntry;

/// In the order of the ids.
pub async fn find(db: &impl ConnectionTrait, ids: &[Uuid], chain: &[String], now: Timestamp) -> Result<Vec<InsightRow>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows: Vec<InsightRow> = select(db, ids, chain, None, now).all(db).await?;
    rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
    Ok(rows)
}

/// As [`find`], each with the plain text of its body.
pub async fn find_with_plain_text(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
    chain: &[String],
    now: Timestamp,
) -> Result<Vec<(InsightRow, String)>, StoreError> {
    #[derive(FromQueryResult)]
    struct PlainRow {
        plain: String,
    }
    let rows = find_pairs::<PlainRow>(db, ids, chain, ", b.plain", now).await?;
    Ok(rows.into_iter().map(|(row, PlainRow { plain })| (row, plain)).collect())
}

/// As [`find`], each with the table of contents of its body.
pub async fn find_with_toc(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
    chain: &[String],
    now: Timestamp,
) -> Result<Vec<(InsightRow, Vec<TocEntry>)>, StoreError> {
    #[derive(FromQueryResult)]
    struct TocRow {
        toc: Json<Vec<TocEntry>>,
    }
    let rows = find_pairs::<TocRow>(db, ids, chain, ", b.toc", now).await?;
    Ok(rows.into_iter().map(|(row, TocRow { toc })| (row, toc.0)).collect())
}

async fn find_pairs<T: FromQueryResult>(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
    chain: &[String],
    columns: &'static str,
    now: Timestamp,
) -> Result<Vec<(InsightRow, T)>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows: Vec<(InsightRow, T)> = select(db, ids, chain, Some(columns), now).all_pairs(db).await?;
    rows.sort_by_key(|(row, _)| ids.iter().position(|id| *id == row.id));
    Ok(rows)
}

/// `columns` are those of the body.
fn select(db: &impl ConnectionTrait, ids: &[Uuid], chain: &[String], columns: Option<&'static str>, now: Timestamp) -> Sql {
    let mut sql = Sql::new(db.get_database_backend(), "");
    insight_rows::select(&mut sql, ShownRevision::Live, false);
    sql.push(columns.unwrap_or_default()).push(" FROM insights i");
    insight_rows::join(&mut sql, ShownRevision::Live, chain, columns.is_some());
    sql.push(" WHERE i.id IN (").bind_all(ids.iter().copied()).push(") AND ");
    insight_rows::visible(&mut sql, now, "+");
    sql
}
