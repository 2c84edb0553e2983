//! Visible insights by their ids, for answers that were found elsewhere. What became invisible since is left out here, whoever found it.

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::error::StoreError;
use super::insight_rows::{self, InsightRow, ShownRevision};
use super::sql::Sql;
use crate::domain::clock::Timestamp;

/// What is read beside the row of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HitDetail {
    Nothing,
    /// The words of the body.
    Plain,
    /// The table of contents, as JSON.
    Toc,
}

#[derive(FromQueryResult)]
struct ExtraRow {
    extra_text: String,
}

/// In the order of the ids.
pub async fn find(
    db: &impl ConnectionTrait,
    ids: &[Uuid],
    chain: &[String],
    extra: HitDetail,
    now: Timestamp,
) -> Result<Vec<(InsightRow, String)>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(db.get_database_backend(), "");
    insight_rows::select(&mut sql, ShownRevision::Live, false);
    sql.push(match extra {
        HitDetail::Nothing => ", '' AS extra_text",
        HitDetail::Plain => ", b.plain AS extra_text",
        HitDetail::Toc => ", b.toc AS extra_text",
    });
    sql.push(" FROM insights i");
    insight_rows::join(&mut sql, ShownRevision::Live, chain, extra != HitDetail::Nothing);
    sql.push(" WHERE i.id IN (").bind_all(ids.iter().copied()).push(") AND ");
    insight_rows::visible(&mut sql, now, "+");
    let mut rows = Vec::new();
    for row in db.query_all_raw(sql.statement()).await? {
        rows.push((InsightRow::from_query_result(&row, "")?, ExtraRow::from_query_result(&row, "")?.extra_text));
    }
    rows.sort_by_key(|(row, _): &(InsightRow, String)| ids.iter().position(|id| *id == row.id));
    Ok(rows)
}
