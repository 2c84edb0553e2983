//! Single insights: found by id or slug for the public or for editors; locked, saved and purged for writes.

use std::sync::Arc;

use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait as _, IntoActiveModel as _, QuerySelect as _,
};
use uuid::Uuid;

use super::drafts::term_slug;
use super::error::StoreError;
use super::insight_rows::{self, BodyRow, InsightRow, NamedTerm, SharedTerm, ShownRevision};
use super::json_column::Json;
use super::rows::insight;
use super::sql::Sql;
use crate::domain::clock::Timestamp;
use crate::domain::term::TermKind;

/// The name of an insight in a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InsightName {
    Id(Uuid),
    Slug(String),
}

/// A visible insight by its id or its current slug.
pub async fn find_visible(
    db: &impl ConnectionTrait,
    name: &InsightName,
    chain: &[String],
    now: Timestamp,
) -> Result<Option<(InsightRow, BodyRow)>, StoreError> {
    let mut sql = detail(db, ShownRevision::Live, chain);
    insight_rows::visible(&mut sql, now, "");
    match name {
        InsightName::Id(id) => sql.push(" AND i.id = ").bind(*id),
        InsightName::Slug(slug) => sql.push(" AND i.slug = ").bind(slug.as_str()),
    };
    sql.one_pair(db).await
}

/// The newest revision of an insight that is not in the trash, by its id or any slug that it owns.
pub async fn find_for_editor(
    db: &impl ConnectionTrait,
    name: &InsightName,
    chain: &[String],
    own: Option<Uuid>,
) -> Result<Option<(InsightRow, BodyRow)>, StoreError> {
    let mut sql = detail(db, ShownRevision::Head, chain);
    sql.push("i.deleted_at IS NULL AND i.id = ");
    match name {
        InsightName::Id(id) => sql.bind(*id),
        InsightName::Slug(slug) => sql.push("(SELECT insight_id FROM slugs WHERE slug = ").bind(slug.as_str()).push(")"),
    };
    if let Some(user) = own {
        sql.push(" AND i.created_by = ").bind(user);
    }
    sql.one_pair(db).await
}

/// One revision of an insight that is not in the trash.
pub async fn find_revision(
    db: &impl ConnectionTrait,
    id: Uuid,
    number: i64,
    chain: &[String],
) -> Result<Option<(InsightRow, BodyRow)>, StoreError> {
    let mut sql = detail(db, ShownRevision::Numbered(number), chain);
    sql.push("i.deleted_at IS NULL AND i.id = ").bind(id);
    Ok(sql.one_pair(db).await?.map(|(row, body)| (with_readable_terms(row), body)))
}

/// An old revision may refer to deleted terms, which have lost their slugs.
fn with_readable_terms(row: InsightRow) -> InsightRow {
    let readable = |SharedTerm(term): &SharedTerm| {
        let slug = term_slug(&term.slug, &term.name).into_string();
        SharedTerm(Arc::new(NamedTerm { slug, ..(**term).clone() }))
    };
    let all = |terms: &Json<Vec<SharedTerm>>| Json(terms.0.iter().map(readable).collect());
    InsightRow { category: Json(readable(&row.category.0)), tags: all(&row.tags), authors: all(&row.authors), ..row }
}

/// Another insight with the same title. With `own`: only one that is visible or belongs to this user.
pub async fn find_same_title(
    db: &impl ConnectionTrait,
    id: Uuid,
    sort_title: &str,
    own: Option<Uuid>,
    now: Timestamp,
) -> Result<Option<MovedSlug>, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT i.id, i.slug FROM insights i WHERE i.deleted_at IS NULL AND i.sort_title = ");
    sql.bind(sort_title).push(" AND i.id <> ").bind(id);
    if let Some(own) = own {
        sql.push(" AND (i.created_by = ").bind(own).push(" OR (");
        insight_rows::visible(&mut sql, now, "").push("))");
    }
    sql.push(" ORDER BY i.id").limit(1).one(db).await
}

/// The pointers of an insight, in the trash or not, by its id or any slug that it owns.
pub async fn find(db: &impl ConnectionTrait, name: &InsightName) -> Result<Option<insight::Model>, StoreError> {
    let id = match name {
        InsightName::Id(id) => Some(*id),
        InsightName::Slug(slug) => super::slugs::find_owner(db, slug).await?,
    };
    match id {
        Some(id) => Ok(insight::Entity::find_by_id(id).one(db).await?),
        None => Ok(None),
    }
}

/// A batch of those that are in the trash since a moment, oldest first, after the last one of the previous batch.
pub async fn list_trashed(db: &impl ConnectionTrait, before: Timestamp, last: Option<(i64, Uuid)>) -> Result<Vec<(i64, Uuid)>, StoreError> {
    #[derive(sea_orm::FromQueryResult)]
    struct Trashed {
        deleted_at: i64,
        id: Uuid,
    }
    let mut sql =
        Sql::new(db.get_database_backend(), "SELECT deleted_at, id FROM insights WHERE deleted_at IS NOT NULL AND deleted_at <= ");
    sql.bind(before.0);
    if let Some((at, id)) = last {
        sql.push(" AND (deleted_at, id) > (").bind(at).push(", ").bind(id).push(")");
    }
    let rows = sql.push(" ORDER BY deleted_at, id").limit(100).all::<Trashed>(db).await?;
    Ok(rows.into_iter().map(|Trashed { deleted_at, id }| (deleted_at, id)).collect())
}

/// A visible insight and its current slug.
#[derive(Clone, Debug, sea_orm::FromQueryResult)]
pub struct MovedSlug {
    pub id: Uuid,
    pub slug: String,
}

pub async fn find_moved(db: &impl ConnectionTrait, slug: &str, now: Timestamp) -> Result<Option<MovedSlug>, StoreError> {
    let mut sql =
        Sql::new(db.get_database_backend(), "SELECT i.id, i.slug FROM slugs s JOIN insights i ON i.id = s.public_id WHERE s.slug = ");
    sql.bind(slug)
        .push(" AND i.slug <> s.slug AND NOT EXISTS (SELECT 1 FROM insights o WHERE o.slug = s.slug AND o.live_revision IS NOT NULL");
    sql.push(" AND o.position_at <= ").bind(now.0).push(") AND ");
    insight_rows::visible(&mut sql, now, "");
    sql.one(db).await
}

/// The insight's pointers, locked against other writers until the transaction ends. Slugs that point to it can still be written: their
/// foreign key is checked at the commit, and a stronger lock would deadlock there.
pub async fn lock(txn: &DatabaseTransaction, id: Uuid) -> Result<Option<insight::Model>, StoreError> {
    Ok(insight::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(txn).await?)
}

/// # Errors
/// A slug of another insight is a unique violation.
pub async fn insert(txn: &DatabaseTransaction, insight: insight::Model) -> Result<(), StoreError> {
    insight::Entity::insert(insight.into_active_model().reset_all()).exec_without_returning(txn).await?;
    Ok(())
}

/// Those of these ids that exist, in the trash or not.
pub async fn find_existing(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    #[derive(sea_orm::FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(db.get_database_backend(), "SELECT id FROM insights WHERE id IN (");
    let rows: Vec<Row> = sql.bind_all(ids.iter().copied()).push(")").all(db).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Inserts new insights with their slugs and the links that lists by tag and author walk. `linked` holds the tags and the authors of each.
///
/// # Errors
/// An id or a slug that exists is a unique violation: the caller rolls back.
pub async fn insert_all(
    txn: &DatabaseTransaction,
    insights: Vec<insight::Model>,
    linked: &[[Vec<Uuid>; 2]],
    now: Timestamp,
) -> Result<(), StoreError> {
    let backend = txn.get_database_backend();
    let mut slugs = Sql::new(backend, "INSERT INTO slugs (slug, insight_id, created_at) VALUES ");
    for (index, insight) in insights.iter().enumerate() {
        slugs.push(if index == 0 { "(" } else { ", (" }).bind(insight.slug.as_str()).push(", ").bind(insight.id);
        slugs.push(", ").bind(now.0).push(")");
    }
    slugs.run(txn).await?;
    let rows = insights.iter().map(|row| row.clone().into_active_model().reset_all());
    insight::Entity::insert_many(rows).exec_without_returning(txn).await?;
    for (table, terms) in [("live_tags", 0), ("live_authors", 1)] {
        let live = insights.iter().zip(linked).filter(|(insight, _)| insight.live_revision.is_some());
        let links: Vec<(Uuid, i64, Uuid)> =
            live.flat_map(|(insight, linked)| linked[terms].iter().map(|term| (*term, insight.position_at, insight.id))).collect();
        if links.is_empty() {
            continue;
        }
        let mut sql = Sql::new(backend, "INSERT INTO ");
        sql.push_ident(table).push(" (term_id, position_at, insight_id) VALUES ");
        for (index, (term, position_at, id)) in links.into_iter().enumerate() {
            sql.push(if index == 0 { "(" } else { ", (" }).bind(term).push(", ").bind(position_at).push(", ").bind(id).push(")");
        }
        sql.run(txn).await?;
    }
    Ok(())
}

/// Writes an insight's pointers when the live ones did not change.
pub async fn save(txn: &DatabaseTransaction, insight: &insight::Model) -> Result<(), StoreError> {
    insight.clone().into_active_model().reset_all().update(txn).await?;
    Ok(())
}

/// Writes an insight's pointers and what public lists read: the links by tag and author, and the summary.
pub async fn save_live(txn: &DatabaseTransaction, insight: &insight::Model) -> Result<(), StoreError> {
    save(txn, insight).await?;
    for (live, links) in [("live_tags", "revision_tags"), ("live_authors", "revision_authors")] {
        let backend = txn.get_database_backend();
        let mut delete = Sql::new(backend, "DELETE FROM ");
        delete.push_ident(live).push(" WHERE insight_id = ").bind(insight.id).run(txn).await?;
        if let (Some(number), None) = (insight.live_revision, insight.deleted_at) {
            let mut sql = Sql::new(backend, "INSERT INTO ");
            sql.push_ident(live).push(" (term_id, position_at, insight_id) SELECT term_id, ").bind(insight.position_at);
            sql.push(", insight_id FROM ").push_ident(links).push(" WHERE insight_id = ").bind(insight.id);
            sql.push(" AND number = ").bind(number).run(txn).await?;
        }
    }
    super::summaries::write(txn, &[insight.id]).await
}

/// The cache tags of the filtered lists that contain an insight, or will when it is visible. Locks its terms: their slugs cannot change
/// before the transaction ends.
pub async fn list_tags(db: &impl ConnectionTrait, id: Uuid) -> Result<Vec<String>, StoreError> {
    #[derive(sea_orm::FromQueryResult)]
    struct Row {
        tag: String,
    }
    let backend = db.get_database_backend();
    let lock = if backend == DbBackend::Postgres { " FOR SHARE OF x" } else { "" };
    let push_tag = |sql: &mut Sql, kind: TermKind| {
        sql.push("SELECT * FROM (SELECT '").push(kind.list_tag_prefix()).push("' || x.slug AS tag FROM ");
    };
    let mut sql = Sql::new(backend, "");
    push_tag(&mut sql, TermKind::Category);
    sql.push("insights i JOIN categories x ON x.id = i.category_id WHERE i.live_revision IS NOT NULL AND i.deleted_at IS NULL AND i.id = ");
    sql.bind(id).push(lock).push(") AS of_category");
    for (kind, live) in [(TermKind::Tag, "live_tags"), (TermKind::Author, "live_authors")] {
        push_tag(sql.push(" UNION ALL "), kind);
        sql.push_ident(live).push(" l JOIN ").push_ident(kind).push(" x ON x.id = l.term_id WHERE l.insight_id = ");
        sql.bind(id).push(lock).push(") AS of_").push_ident(kind);
    }
    Ok(sql.all::<Row>(db).await?.into_iter().map(|row| row.tag).collect())
}

/// Removes an insight with its whole history.
pub async fn purge(txn: &DatabaseTransaction, id: Uuid) -> Result<(), StoreError> {
    super::slugs::release(txn, id, None).await?;
    insight::Entity::delete_by_id(id).exec(txn).await?;
    Ok(())
}

fn detail(db: &impl ConnectionTrait, shown: ShownRevision, chain: &[String]) -> Sql {
    let mut sql = Sql::new(db.get_database_backend(), "");
    insight_rows::select(&mut sql, shown, true);
    sql.push(" FROM insights i");
    insight_rows::join(&mut sql, shown, chain, true);
    sql.push(" WHERE ");
    sql
}
