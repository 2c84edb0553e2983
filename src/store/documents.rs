//! The rows that the search index is built from: every text of every live insight, visible yet or not.

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::error::StoreError;
use super::json_column::Json;
use super::sql::Sql;
use crate::domain::markdown::TocEntry;

/// One text of a live insight.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct DocumentRow {
    pub id: Uuid,
    pub revision: i64,
    pub pointer_version: i64,
    pub published_at: i64,
    pub unpublish_at: Option<i64>,
    pub category_id: Uuid,
    pub reading_minutes: i64,
    pub source_locale: String,
    pub locales: Json<Vec<String>>,
    pub locale: String,
    pub title: String,
    pub excerpt: String,
    pub excerpt_source: String,
    pub plain: String,
    pub toc: Json<Vec<TocEntry>>,
}

/// A tag or an author of a live insight.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct LinkRow {
    pub insight_id: Uuid,
    pub term_id: Uuid,
}

/// The texts of some insights with their tags and authors.
#[derive(Clone, Debug, Default)]
pub struct DocumentRows {
    pub texts: Vec<DocumentRow>,
    pub tags: Vec<LinkRow>,
    pub authors: Vec<LinkRow>,
}

/// The rows of those of these insights that are live.
pub async fn find(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<DocumentRows, StoreError> {
    let backend = db.get_database_backend();
    let mut sql = Sql::new(
        backend,
        "SELECT i.id, i.live_revision AS revision, i.pointer_version, i.position_at AS published_at, i.unpublish_at, i.category_id, \
         i.reading_minutes, r.source_locale, r.locales, t.locale, t.title, t.excerpt, t.excerpt_source, b.plain, b.toc FROM insights i \
         JOIN revisions r ON r.insight_id = i.id AND r.number = i.live_revision \
         JOIN revision_texts t ON t.insight_id = r.insight_id AND t.number = r.number \
         JOIN revision_bodies b ON b.insight_id = t.insight_id AND b.number = t.number AND b.locale = t.locale \
         WHERE i.live_revision IS NOT NULL AND i.deleted_at IS NULL AND i.id IN (",
    );
    let texts = sql.bind_all(ids.iter().copied()).push(")").all(db).await?;
    let mut links = [Vec::new(), Vec::new()];
    for (index, table) in ["live_tags", "live_authors"].into_iter().enumerate() {
        let mut sql = Sql::new(backend, "SELECT insight_id, term_id FROM ");
        sql.push_ident(table).push(" WHERE insight_id IN (");
        links[index] = sql.bind_all(ids.iter().copied()).push(")").all(db).await?;
    }
    let [tags, authors] = links;
    Ok(DocumentRows { texts, tags, authors })
}

/// A live insight and its live revision.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct LiveRow {
    pub id: Uuid,
    pub revision: i64,
    pub pointer_version: i64,
}

/// The live insights after an id, in the order of their ids.
pub async fn list_live(db: &impl ConnectionTrait, after: Uuid, limit: i64) -> Result<Vec<LiveRow>, StoreError> {
    let text = "SELECT id, live_revision AS revision, pointer_version FROM insights WHERE live_revision IS NOT NULL AND \
        deleted_at IS NULL AND id > ";
    let mut sql = Sql::new(db.get_database_backend(), text);
    sql.bind(after).push(" ORDER BY id").limit(limit);
    sql.all(db).await
}
