//! Categories, tags and authors: one set of statements for three tables of one shape.
//!
//! A deleted term remains as a row without its slug, because old revisions refer to it; nothing else reads it.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::error::StoreError;
use super::insight_rows;
use super::json_column::Json;
use super::sql::{Number, Sql};
use crate::domain::clock::Timestamp;
use crate::domain::page::{Cursor, KeyValue, Page};
use crate::domain::slug::Slug;
use crate::domain::term::{TermKind, TermText};

/// The texts of a term in other locales.
pub type TermTranslations = BTreeMap<String, TermText>;

#[derive(Clone, Debug, FromQueryResult)]
pub struct TermRow {
    pub id: Uuid,
    pub slug: String,
    pub name: String,
    pub description: String,
    pub translations: Json<TermTranslations>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
    /// How many visible insights have it.
    pub insight_count: i64,
}

/// In the order of creation.
pub async fn list(
    db: &impl ConnectionTrait,
    kind: TermKind,
    cursor: Option<&Cursor>,
    limit: i64,
    now: Timestamp,
) -> Result<Page<TermRow>, StoreError> {
    let mut sql = select(db, kind, now);
    let backward = cursor.is_some_and(|cursor| cursor.backward);
    if let Some(cursor) = cursor {
        sql.push(if backward { " AND x.id < " } else { " AND x.id > " }).bind(cursor.id);
    }
    sql.push(if backward { " ORDER BY x.id DESC" } else { " ORDER BY x.id" }).limit(limit + 1);
    let rows: Vec<TermRow> = sql.all(db).await?;
    let limit = usize::try_from(limit).unwrap_or(0);
    Ok(Page::from_rows(rows, limit, cursor, (kind.plural(), false), |row| (KeyValue::Number(0), row.id)))
}

pub async fn count(db: &impl ConnectionTrait, kind: TermKind) -> Result<i64, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT count(*) AS number FROM ");
    sql.push_ident(kind).push(" WHERE deleted_at IS NULL");
    Ok(sql.one::<Number>(db).await?.map_or(0, |row| row.number))
}

pub async fn find(db: &impl ConnectionTrait, kind: TermKind, slug: &str, now: Timestamp) -> Result<Option<TermRow>, StoreError> {
    let mut sql = select(db, kind, now);
    sql.push(" AND x.slug = ").bind(slug);
    sql.one(db).await
}

/// The term, locked against other writers until the transaction ends.
pub async fn lock(txn: &DatabaseTransaction, kind: TermKind, slug: &str, now: Timestamp) -> Result<Option<TermRow>, StoreError> {
    if txn.get_database_backend() == DbBackend::Postgres {
        let mut sql = Sql::new(DbBackend::Postgres, "SELECT 1 FROM ");
        sql.push_ident(kind).push(" WHERE slug = ").bind(slug).push(" FOR UPDATE").run(txn).await?;
    }
    find(txn, kind, slug, now).await
}

/// The ids of the terms that exist, each with its slug. On `PostgreSQL` they cannot be deleted until the transaction ends.
pub async fn find_ids(txn: &DatabaseTransaction, kind: TermKind, slugs: &[Slug]) -> Result<Vec<(String, Uuid)>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        slug: String,
        id: Uuid,
    }
    if slugs.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(txn.get_database_backend(), "SELECT slug, id FROM ");
    sql.push_ident(kind).push(" WHERE deleted_at IS NULL AND slug IN (").bind_all(slugs.iter().map(Slug::as_str)).push(") ORDER BY slug");
    if txn.get_database_backend() == DbBackend::Postgres {
        sql.push(" FOR SHARE");
    }
    let rows: Vec<Row> = sql.all(txn).await?;
    Ok(rows.into_iter().map(|row| (row.slug, row.id)).collect())
}

/// The current slugs of those of these terms that still exist.
pub async fn find_slugs(db: &impl ConnectionTrait, kind: TermKind, ids: &[Uuid]) -> Result<Vec<(Uuid, String)>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        slug: String,
    }
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(db.get_database_backend(), "SELECT id, slug FROM ");
    sql.push_ident(kind).push(" WHERE deleted_at IS NULL AND id IN (");
    let rows: Vec<Row> = sql.bind_all(ids.iter().copied()).push(")").all(db).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.slug)).collect())
}

/// The names of a category, tag or author, as facets show them.
#[derive(Clone, Debug, FromQueryResult)]
pub struct TermName {
    pub id: Uuid,
    pub slug: String,
    pub name: String,
    pub translations: Json<Map<String, Value>>,
}

/// A category, tag or author, as exports describe it.
#[derive(Clone, Debug, FromQueryResult)]
pub struct DescribedTerm {
    pub slug: String,
    pub name: String,
    pub description: String,
    pub translations: Json<TermTranslations>,
}

const DESCRIBED: &str = "SELECT slug, name, description, translations FROM ";

/// The terms with these slugs, as far as they exist.
pub async fn find_described(db: &impl ConnectionTrait, kind: TermKind, slugs: &[&Slug]) -> Result<Vec<DescribedTerm>, StoreError> {
    if slugs.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(db.get_database_backend(), DESCRIBED);
    sql.push_ident(kind)
        .push(" WHERE deleted_at IS NULL AND slug IN (")
        .bind_all(slugs.iter().map(|slug| slug.as_str()))
        .push(")")
        .all(db)
        .await
}

/// All of a kind, in the order of their slugs.
pub async fn list_described(db: &impl ConnectionTrait, kind: TermKind) -> Result<Vec<DescribedTerm>, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), DESCRIBED);
    sql.push_ident(kind).push(" WHERE deleted_at IS NULL ORDER BY slug").all(db).await
}

/// All terms of a kind.
pub async fn list_names(db: &impl ConnectionTrait, kind: TermKind) -> Result<Vec<TermName>, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT id, slug, name, translations FROM ");
    sql.push_ident(kind).push(" WHERE deleted_at IS NULL").all(db).await
}

/// # Errors
/// A slug that is taken is a unique violation.
pub async fn insert(txn: &DatabaseTransaction, kind: TermKind, term: &TermRow) -> Result<(), StoreError> {
    let TermRow { id, slug, name, description, translations, version, created_at, updated_at, insight_count: _ } = term;
    let mut sql = Sql::new(txn.get_database_backend(), "INSERT INTO ");
    sql.push_ident(kind).push(" (id, slug, name, description, translations, version, created_at, updated_at) VALUES (");
    sql.bind(*id).push(", ").bind_all([slug, name, description].map(String::as_str)).push(", ").bind(translations.clone()).push(", ");
    sql.bind_all([*version, *created_at, *updated_at]).push(")").run(txn).await?;
    Ok(())
}

/// # Errors
/// A slug that is taken is a unique violation.
pub async fn update(txn: &DatabaseTransaction, kind: TermKind, term: &TermRow) -> Result<(), StoreError> {
    let TermRow { id, slug, name, description, translations, version, created_at: _, updated_at, insight_count: _ } = term;
    let mut sql = Sql::new(txn.get_database_backend(), "UPDATE ");
    sql.push_ident(kind)
        .push(" SET slug = ")
        .bind(slug.as_str())
        .push(", name = ")
        .bind(name.as_str())
        .push(", description = ")
        .bind(description.as_str());
    sql.push(", translations = ").bind(translations.clone()).push(", version = ").bind(*version);
    sql.push(", updated_at = ").bind(*updated_at).push(" WHERE id = ").bind(*id).run(txn).await?;
    Ok(())
}

/// Hides a term from everything but old revisions, and frees its slug.
pub async fn delete(txn: &DatabaseTransaction, kind: TermKind, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    let mut sql = Sql::new(txn.get_database_backend(), "UPDATE ");
    sql.push_ident(kind)
        .push(" SET slug = ")
        .bind(format!("deleted:{id}"))
        .push(", deleted_at = ")
        .bind(now.0)
        .push(" WHERE id = ")
        .bind(id)
        .run(txn)
        .await?;
    Ok(())
}

/// How many insights (drafts and the trash included) have the term in their newest or their live revision.
pub async fn count_uses(db: &impl ConnectionTrait, kind: TermKind, id: Uuid) -> Result<i64, StoreError> {
    let (table, column) = match kind {
        TermKind::Category => ("revisions", "category_id"),
        TermKind::Tag => ("revision_tags", "term_id"),
        TermKind::Author => ("revision_authors", "term_id"),
    };
    let mut sql = Sql::new(db.get_database_backend(), "SELECT count(DISTINCT i.id) AS number FROM ");
    sql.push_ident(table).push(" u JOIN insights i ON i.id = u.insight_id ");
    sql.push("AND (u.number = i.head_revision OR u.number = i.live_revision) WHERE u.").push_ident(column).push(" = ");
    Ok(sql.bind(id).one::<Number>(db).await?.map_or(0, |row| row.number))
}

fn select(db: &impl ConnectionTrait, kind: TermKind, now: Timestamp) -> Sql {
    let mut sql = Sql::new(
        db.get_database_backend(),
        "SELECT x.id, x.slug, x.name, x.description, x.translations, x.version, x.created_at, x.updated_at, (SELECT count(*) FROM ",
    );
    sql.push(match kind {
        TermKind::Category => "insights i WHERE i.category_id = x.id AND ",
        TermKind::Tag => "live_tags w JOIN insights i ON i.id = w.insight_id WHERE w.term_id = x.id AND ",
        TermKind::Author => "live_authors w JOIN insights i ON i.id = w.insight_id WHERE w.term_id = x.id AND ",
    });
    insight_rows::visible(&mut sql, now, "");
    sql.push(") AS insight_count FROM ").push_ident(kind).push(" x WHERE x.deleted_at IS NULL");
    sql
}
