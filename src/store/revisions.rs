//! Revisions: appended and read, never changed.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, FromQueryResult,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::error::StoreError;
use super::json_column::Json;
use super::rows::link::{revision_author, revision_tag};
use super::rows::{revision, revision_body, revision_text};
use super::sql::Sql;
use crate::domain::markdown::TocEntry;
use crate::domain::page::{Cursor, KeyValue, Page};

/// A revision with its texts and links, ready to be appended.
pub struct NewRevision {
    pub row: revision::Model,
    pub texts: Vec<(revision_text::Model, revision_body::Model)>,
    pub tags: Vec<Uuid>,
    pub authors: Vec<Uuid>,
}

pub async fn append(txn: &DatabaseTransaction, revision: NewRevision) -> Result<(), StoreError> {
    append_all(txn, vec![revision]).await
}

/// Appends revisions of different insights together.
pub async fn append_all(txn: &DatabaseTransaction, revisions: Vec<NewRevision>) -> Result<(), StoreError> {
    let (mut rows, mut texts, mut bodies, mut tags, mut authors) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for revision in revisions {
        let (insight_id, number) = (revision.row.insight_id, revision.row.number);
        let tag = |(place, term_id)| revision_tag::Model { insight_id, number, term_id, place };
        tags.extend((0..).zip(revision.tags).map(tag));
        let author = |(place, term_id)| revision_author::Model { insight_id, number, term_id, place };
        authors.extend((0..).zip(revision.authors).map(author));
        let (short, long): (Vec<_>, Vec<_>) = revision.texts.into_iter().unzip();
        texts.extend(short);
        bodies.extend(long);
        rows.push(revision.row);
    }
    revision::Entity::insert_many(rows.into_iter().map(|row| row.into_active_model().reset_all())).exec_without_returning(txn).await?;
    revision_text::Entity::insert_many(texts.into_iter().map(|text| text.into_active_model().reset_all()))
        .exec_without_returning(txn)
        .await?;
    revision_body::Entity::insert_many(bodies.into_iter().map(|body| body.into_active_model().reset_all()))
        .exec_without_returning(txn)
        .await?;
    if !tags.is_empty() {
        revision_tag::Entity::insert_many(tags.into_iter().map(|link| link.into_active_model().reset_all()))
            .exec_without_returning(txn)
            .await?;
    }
    if !authors.is_empty() {
        revision_author::Entity::insert_many(authors.into_iter().map(|link| link.into_active_model().reset_all()))
            .exec_without_returning(txn)
            .await?;
    }
    Ok(())
}

pub async fn find(db: &impl ConnectionTrait, insight_id: Uuid, number: i64) -> Result<Option<revision::Model>, StoreError> {
    revision::Entity::find_by_id((insight_id, number)).one(db).await.map_err(in_revisions)
}

fn in_revisions(error: sea_orm::DbErr) -> StoreError {
    StoreError::from(error).in_table(|_column| Some("revisions"))
}

/// A revision as a history lists it: with the title in its own locale.
#[derive(Clone, Debug)]
pub struct ListedRevision {
    pub revision: revision::Model,
    pub title: String,
}

/// The history of an insight, newest first.
pub async fn list(
    db: &impl ConnectionTrait,
    insight_id: Uuid,
    cursor: Option<&Cursor>,
    limit: i64,
) -> Result<Page<ListedRevision>, StoreError> {
    let mut select = revision::Entity::find().filter(revision::Column::InsightId.eq(insight_id));
    let backward = cursor.is_some_and(|cursor| cursor.backward);
    if let Some(Cursor { key: KeyValue::Number(number), .. }) = cursor {
        let column = revision::Column::Number;
        select = select.filter(if backward { column.gt(*number) } else { column.lt(*number) });
    }
    select = if backward { select.order_by_asc(revision::Column::Number) } else { select.order_by_desc(revision::Column::Number) };
    let rows = select.limit(limit.unsigned_abs() + 1).all(db).await.map_err(in_revisions)?;
    let titles = titles(db, insight_id, rows.iter().map(|row| row.number)).await?;
    let listed = |revision: revision::Model| ListedRevision { title: titles.get(&revision.number).cloned().unwrap_or_default(), revision };
    let rows = rows.into_iter().map(listed).collect();
    let identity = identity(insight_id);
    let key = |row: &ListedRevision| (KeyValue::Number(row.revision.number), Uuid::nil());
    Ok(Page::from_rows(rows, usize::try_from(limit).unwrap_or(0), cursor, (&identity, true), key))
}

/// The identity of the history: a cursor belongs to one.
#[must_use]
pub fn identity(insight_id: Uuid) -> String {
    format!("revisions of {insight_id}")
}

/// One revision as the history lists it.
pub async fn find_listed(db: &impl ConnectionTrait, insight_id: Uuid, number: i64) -> Result<Option<ListedRevision>, StoreError> {
    let Some(revision) = find(db, insight_id, number).await? else { return Ok(None) };
    let title = titles(db, insight_id, [number]).await?.remove(&number).unwrap_or_default();
    Ok(Some(ListedRevision { revision, title }))
}

async fn titles(
    db: &impl ConnectionTrait,
    insight_id: Uuid,
    numbers: impl IntoIterator<Item = i64>,
) -> Result<BTreeMap<i64, String>, StoreError> {
    let texts = revision_text::Entity::find()
        .filter(revision_text::Column::InsightId.eq(insight_id))
        .filter(revision_text::Column::Number.is_in(numbers))
        .filter(revision_text::Column::IsSource.eq(true));
    Ok(texts.all(db).await?.into_iter().map(|text| (text.number, text.title)).collect())
}

/// A text of a revision, for the checks that warn its author.
#[derive(Clone, Debug, FromQueryResult)]
pub struct WrittenText {
    pub locale: String,
    pub is_source: bool,
    pub markdown: String,
    pub toc: Json<Vec<TocEntry>>,
}

/// Every text of a revision, its own locale's first.
pub async fn list_texts(db: &impl ConnectionTrait, insight_id: Uuid, number: i64) -> Result<Vec<WrittenText>, StoreError> {
    let text = "SELECT t.locale, t.is_source, b.markdown, b.toc FROM revision_texts t JOIN revision_bodies b \
                ON b.insight_id = t.insight_id AND b.number = t.number AND b.locale = t.locale WHERE t.insight_id = ";
    let mut sql = Sql::new(db.get_database_backend(), text);
    sql.bind(insight_id).push(" AND t.number = ").bind(number).push(" ORDER BY t.is_source DESC, t.locale").all(db).await
}

/// The revisions after one, oldest first.
pub async fn list_after(db: &impl ConnectionTrait, insight_id: Uuid, number: i64, limit: i64) -> Result<Vec<revision::Model>, StoreError> {
    let rows = revision::Entity::find().filter(revision::Column::InsightId.eq(insight_id)).filter(revision::Column::Number.gt(number));
    Ok(rows.order_by_asc(revision::Column::Number).limit(limit.unsigned_abs()).all(db).await?)
}

/// Whether a revision refers to a deleted category, tag or author. On PostgreSQL the others cannot be deleted until the transaction ends.
pub async fn has_deleted_terms(txn: &DatabaseTransaction, insight_id: Uuid, number: i64) -> Result<bool, StoreError> {
    #[derive(FromQueryResult)]
    struct DeletedTermRow {
        deleted_at: Option<i64>,
    }
    let backend = txn.get_database_backend();
    for (links, key, terms) in
        [("revisions", "category_id", "categories"), ("revision_tags", "term_id", "tags"), ("revision_authors", "term_id", "authors")]
    {
        let mut sql = Sql::new(backend, "SELECT x.deleted_at FROM ");
        sql.push_ident(links).push(" l JOIN ").push_ident(terms).push(" x ON x.id = l.").push_ident(key);
        sql.push(" WHERE l.insight_id = ").bind(insight_id).push(" AND l.number = ").bind(number);
        sql.push(if backend == DbBackend::Postgres { " FOR SHARE OF x" } else { "" });
        if sql.all::<DeletedTermRow>(txn).await?.iter().any(|row| row.deleted_at.is_some()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The text of a revision that lists are ordered by.
pub async fn find_listing(
    db: &impl ConnectionTrait,
    insight_id: Uuid,
    number: i64,
    locale: &str,
) -> Result<Option<revision_text::Model>, StoreError> {
    Ok(revision_text::Entity::find_by_id((insight_id, number, locale.to_owned())).one(db).await?)
}
