//! Revisions read back as the drafts that made them: one, or many in the same few statements.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::error::StoreError;
use super::sql::Sql;
use crate::domain::draft::{Draft, LocalText};
use crate::domain::slug::Slug;

/// A revision's insight and number.
type RevisionKey = (Uuid, i64);

/// What the editor wrote to make a revision.
///
/// # Errors
/// The database's, or that a stored value cannot be read.
pub async fn find(db: &impl ConnectionTrait, insight_id: Uuid, number: i64) -> Result<Option<Draft>, StoreError> {
    Ok(find_with_locale(db, insight_id, number).await?.map(|(_, draft)| draft))
}

/// What the editor wrote to make a revision, behind the locale of its own texts.
///
/// # Errors
/// As [`find`].
pub async fn find_with_locale(db: &impl ConnectionTrait, insight_id: Uuid, number: i64) -> Result<Option<(String, Draft)>, StoreError> {
    Ok(find_all(db, &[(insight_id, number)]).await?.remove(&(insight_id, number)))
}

#[derive(FromQueryResult)]
struct StoredDraft {
    insight_id: Uuid,
    number: i64,
    slug: String,
    source_locale: String,
    reading_minutes: Option<i64>,
    canonical_url: Option<String>,
    seo: String,
    extra: String,
    term_slug: String,
    term_name: String,
}

#[derive(FromQueryResult)]
struct TextRow {
    insight_id: Uuid,
    number: i64,
    locale: String,
    title: String,
    excerpt: String,
    excerpt_source: String,
    markdown: String,
}

#[derive(FromQueryResult)]
struct TermSlugRow {
    insight_id: Uuid,
    number: i64,
    named: String,
    name: String,
}

/// What editors wrote to make these revisions, each with the locale of its own texts.
///
/// # Errors
/// The database's, or that a stored value cannot be read.
pub async fn find_all(db: &impl ConnectionTrait, keys: &[RevisionKey]) -> Result<HashMap<RevisionKey, (String, Draft)>, StoreError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let columns = "SELECT l.insight_id, l.number, l.slug, l.source_locale, l.reading_minutes, l.canonical_url, l.seo, l.extra, x.slug AS term_slug, \
                   x.name AS term_name FROM revisions l JOIN categories x ON x.id = l.category_id WHERE ";
    let rows: Vec<StoredDraft> = of(db, columns, keys, "").all(db).await?;
    let columns = "SELECT l.insight_id, l.number, l.locale, l.title, l.excerpt, l.excerpt_source, b.markdown FROM revision_texts l \
                   JOIN revision_bodies b ON b.insight_id = l.insight_id AND b.number = l.number AND b.locale = l.locale WHERE ";
    let mut texts: HashMap<RevisionKey, BTreeMap<String, LocalText>> = HashMap::new();
    for TextRow { insight_id, number, locale, title, excerpt, excerpt_source, markdown } in of(db, columns, keys, "").all(db).await? {
        let excerpt = (excerpt_source == "author").then_some(excerpt);
        texts.entry((insight_id, number)).or_default().insert(locale, LocalText { title, excerpt, body_markdown: markdown });
    }
    let mut tags = terms(db, "revision_tags", "tags", keys).await?;
    let mut authors = terms(db, "revision_authors", "authors", keys).await?;
    let mut drafts = HashMap::with_capacity(rows.len());
    for row in rows {
        let key = (row.insight_id, row.number);
        let mut translations = texts.remove(&key).unwrap_or_default();
        let text = translations.remove(&row.source_locale).ok_or(StoreError::Corrupt("a revision without its own text"))?;
        let draft = Draft {
            slug: Slug::parse(&row.slug),
            text,
            category: term_slug(&row.term_slug, &row.term_name),
            tags: tags.remove(&key).unwrap_or_default(),
            authors: authors.remove(&key).unwrap_or_default(),
            reading_minutes: row.reading_minutes,
            canonical_url: row.canonical_url,
            seo: serde_json::from_str(&row.seo).map_err(|_e| StoreError::Corrupt("revisions.seo"))?,
            extra: serde_json::from_str(&row.extra).map_err(|_e| StoreError::Corrupt("revisions.extra"))?,
            translations,
        };
        drafts.insert(key, (row.source_locale, draft));
    }
    Ok(drafts)
}

async fn terms(
    db: &impl ConnectionTrait,
    links: &str,
    terms: &str,
    keys: &[RevisionKey],
) -> Result<HashMap<RevisionKey, Vec<Slug>>, StoreError> {
    let columns =
        format!("SELECT l.insight_id, l.number, x.slug AS named, x.name FROM {links} l JOIN {terms} x ON x.id = l.term_id WHERE ");
    let mut slugs: HashMap<RevisionKey, Vec<Slug>> = HashMap::new();
    for TermSlugRow { insight_id, number, named, name } in of(db, &columns, keys, " ORDER BY l.place").all(db).await? {
        slugs.entry((insight_id, number)).or_default().push(term_slug(&named, &name));
    }
    Ok(slugs)
}

/// The slug of a term; of one that was deleted, the one that its name would get: its own was given free.
pub(super) fn term_slug(slug: &str, name: &str) -> Slug {
    Slug::parse(slug).unwrap_or_else(|| Slug::derive(name))
}

fn of(db: &impl ConnectionTrait, columns: &str, keys: &[RevisionKey], order: &str) -> Sql {
    let mut sql = Sql::new(db.get_database_backend(), columns);
    for (place, (insight_id, number)) in keys.iter().enumerate() {
        sql.push(if place == 0 { "(l.insight_id = " } else { " OR (l.insight_id = " }).bind(*insight_id);
        sql.push(" AND l.number = ").bind(*number).push(")");
    }
    sql.push(order);
    sql
}
