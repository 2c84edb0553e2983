//! Revisions: appended, read back as the draft that made them, never changed.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, FromQueryResult,
    IntoActiveModel as _, QueryFilter as _,
};
use uuid::Uuid;

use super::error::StoreError;
use super::rows::link::{revision_author, revision_tag};
use super::rows::{revision, revision_body, revision_text};
use super::sql::Sql;
use crate::domain::draft::{Draft, LocalText};
use crate::domain::slug::Slug;

/// A revision with everything that hangs on it, ready to be appended.
pub struct NewRevision {
    pub row: revision::Model,
    pub texts: Vec<(revision_text::Model, revision_body::Model)>,
    pub tags: Vec<Uuid>,
    pub authors: Vec<Uuid>,
}

/// # Errors
/// The database's.
pub async fn append(txn: &DatabaseTransaction, revision: NewRevision) -> Result<(), StoreError> {
    let NewRevision { row, texts, tags, authors } = revision;
    let (insight_id, number) = (row.insight_id, row.number);
    revision::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(txn).await?;
    let (texts, bodies): (Vec<_>, Vec<_>) = texts.into_iter().unzip();
    revision_text::Entity::insert_many(texts.into_iter().map(|text| text.into_active_model().reset_all()))
        .exec_without_returning(txn)
        .await?;
    revision_body::Entity::insert_many(bodies.into_iter().map(|body| body.into_active_model().reset_all()))
        .exec_without_returning(txn)
        .await?;
    if !tags.is_empty() {
        let links = (0..).zip(tags).map(|(place, term_id)| revision_tag::Model { insight_id, number, term_id, place });
        revision_tag::Entity::insert_many(links.map(|link| link.into_active_model().reset_all())).exec_without_returning(txn).await?;
    }
    if !authors.is_empty() {
        let links = (0..).zip(authors).map(|(place, term_id)| revision_author::Model { insight_id, number, term_id, place });
        revision_author::Entity::insert_many(links.map(|link| link.into_active_model().reset_all())).exec_without_returning(txn).await?;
    }
    Ok(())
}

/// # Errors
/// The database's.
pub async fn find(db: &impl ConnectionTrait, insight_id: Uuid, number: i64) -> Result<Option<revision::Model>, StoreError> {
    Ok(revision::Entity::find_by_id((insight_id, number)).one(db).await?)
}

/// What the editor wrote to make a revision.
///
/// # Errors
/// The database's, or that a stored value cannot be read.
pub async fn find_draft(db: &impl ConnectionTrait, insight_id: Uuid, number: i64) -> Result<Option<Draft>, StoreError> {
    let Some(row) = find(db, insight_id, number).await? else { return Ok(None) };
    let texts = revision_text::Entity::find()
        .filter(revision_text::Column::InsightId.eq(insight_id))
        .filter(revision_text::Column::Number.eq(number))
        .all(db)
        .await?;
    let bodies = revision_body::Entity::find()
        .filter(revision_body::Column::InsightId.eq(insight_id))
        .filter(revision_body::Column::Number.eq(number))
        .all(db)
        .await?;
    let mut bodies: BTreeMap<String, String> = bodies.into_iter().map(|body| (body.locale, body.markdown)).collect();
    let mut locals: BTreeMap<String, LocalText> = texts
        .into_iter()
        .map(|text| {
            let body_markdown = bodies.remove(&text.locale).unwrap_or_default();
            let excerpt = (text.excerpt_source == "author").then_some(text.excerpt);
            (text.locale, LocalText { title: text.title, excerpt, body_markdown })
        })
        .collect();
    let text = locals.remove(&row.source_locale).ok_or(StoreError::Corrupt("a revision without its own text"))?;
    Ok(Some(Draft {
        slug: Slug::parse(&row.slug),
        text,
        category: term_slugs(db, "revisions", "categories", insight_id, number).await?.pop().unwrap_or_default(),
        tags: term_slugs(db, "revision_tags", "tags", insight_id, number).await?,
        authors: term_slugs(db, "revision_authors", "authors", insight_id, number).await?,
        reading_minutes: row.reading_minutes,
        canonical_url: row.canonical_url,
        seo: serde_json::from_str(&row.seo).map_err(|_e| StoreError::Corrupt("revisions.seo"))?,
        extra: serde_json::from_str(&row.extra).map_err(|_e| StoreError::Corrupt("revisions.extra"))?,
        translations: locals,
    }))
}

async fn term_slugs(db: &impl ConnectionTrait, links: &str, terms: &str, insight_id: Uuid, number: i64) -> Result<Vec<Slug>, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        slug: String,
    }
    let (key, order) = if links == "revisions" { ("category_id", "number") } else { ("term_id", "place") };
    let text = format!("SELECT x.slug FROM {links} l JOIN {terms} x ON x.id = l.{key} WHERE l.insight_id = ");
    let mut sql = Sql::new(db.get_database_backend(), &text);
    sql.bind(insight_id).push(" AND l.number = ").bind(number).push(&format!(" ORDER BY l.{order}"));
    let rows: Vec<Row> = sql.all(db).await?;
    rows.iter().map(|row| Slug::parse(&row.slug).ok_or(StoreError::Corrupt("a term's slug"))).collect()
}

/// Whether a revision names a category, tag or author that is no more. On PostgreSQL those that are cannot be deleted until the transaction
/// ends.
///
/// # Errors
/// The database's.
pub async fn names_deleted_terms(txn: &DatabaseTransaction, insight_id: Uuid, number: i64) -> Result<bool, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        deleted_at: Option<i64>,
    }
    let backend = txn.get_database_backend();
    for (links, key, terms) in
        [("revisions", "category_id", "categories"), ("revision_tags", "term_id", "tags"), ("revision_authors", "term_id", "authors")]
    {
        let mut sql =
            Sql::new(backend, &format!("SELECT x.deleted_at FROM {links} l JOIN {terms} x ON x.id = l.{key} WHERE l.insight_id = "));
        sql.bind(insight_id).push(" AND l.number = ").bind(number);
        sql.push(if backend == DbBackend::Postgres { " FOR SHARE OF x" } else { "" });
        if sql.all::<Row>(txn).await?.iter().any(|row| row.deleted_at.is_some()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The text of a revision that lists are ordered by.
///
/// # Errors
/// The database's.
pub async fn find_listing(
    db: &impl ConnectionTrait,
    insight_id: Uuid,
    number: i64,
    locale: &str,
) -> Result<Option<revision_text::Model>, StoreError> {
    Ok(revision_text::Entity::find_by_id((insight_id, number, locale.to_owned())).one(db).await?)
}
