//! Revisions read back as the drafts that they were written from: one, or many in the same few statements.

use std::collections::{BTreeMap, HashMap};

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::error::StoreError;
use super::rows::revision;
use super::sql::Sql;
use crate::domain::draft::{Draft, LocalText};
use crate::domain::slug::Slug;

/// A revision's insight and number.
type RevisionKey = (Uuid, i64);

/// A draft, and the locale of its own texts.
#[derive(Clone, Debug, PartialEq)]
pub struct SourcedDraft {
    pub source_locale: String,
    pub draft: Draft,
}

/// The draft of a revision.
pub async fn find(db: &impl ConnectionTrait, insight_id: Uuid, number: i64) -> Result<Option<Draft>, StoreError> {
    Ok(find_with_locale(db, insight_id, number).await?.map(|sourced| sourced.draft))
}

/// The draft of a revision with its source locale.
pub async fn find_with_locale(db: &impl ConnectionTrait, insight_id: Uuid, number: i64) -> Result<Option<SourcedDraft>, StoreError> {
    Ok(find_all(db, &[(insight_id, number)]).await?.remove(&(insight_id, number)))
}

#[derive(FromQueryResult)]
struct CategoryRow {
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
    term_slug: String,
    term_name: String,
}

/// The drafts of these revisions.
pub async fn find_all(db: &impl ConnectionTrait, keys: &[RevisionKey]) -> Result<HashMap<RevisionKey, SourcedDraft>, StoreError> {
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let mut sql = Sql::new(db.get_database_backend(), "SELECT ");
    sql.push_columns::<revision::Entity>("l").push(", x.slug AS term_slug, x.name AS term_name FROM revisions l ");
    push_keys(sql.push("JOIN categories x ON x.id = l.category_id WHERE "), keys);
    let rows: Vec<(revision::Model, CategoryRow)> = sql.all_pairs(db).await?;
    let mut texts = find_texts(db, keys).await?;
    let mut tags = find_term_slugs(db, "revision_tags", "tags", keys).await?;
    let mut authors = find_term_slugs(db, "revision_authors", "authors", keys).await?;
    let mut drafts = HashMap::with_capacity(rows.len());
    for (revision, category) in rows {
        let key = (revision.insight_id, revision.number);
        let mut translations = texts.remove(&key).unwrap_or_default();
        let text = translations.remove(&revision.source_locale).ok_or(StoreError::Inconsistent("a revision has no text in its locale"))?;
        let source_locale = revision.source_locale.clone();
        let draft = Draft {
            slug: Slug::parse(&revision.slug),
            text,
            category: term_slug(&category.term_slug, &category.term_name),
            tags: tags.remove(&key).unwrap_or_default(),
            authors: authors.remove(&key).unwrap_or_default(),
            details: revision.into_details(),
            translations,
        };
        drafts.insert(key, SourcedDraft { source_locale, draft });
    }
    Ok(drafts)
}

async fn find_texts(
    db: &impl ConnectionTrait,
    keys: &[RevisionKey],
) -> Result<HashMap<RevisionKey, BTreeMap<String, LocalText>>, StoreError> {
    let text = "SELECT l.insight_id, l.number, l.locale, l.title, l.excerpt, l.excerpt_source, b.markdown FROM revision_texts l \
                JOIN revision_bodies b ON b.insight_id = l.insight_id AND b.number = l.number AND b.locale = l.locale WHERE ";
    let mut sql = Sql::new(db.get_database_backend(), text);
    push_keys(&mut sql, keys);
    let mut texts: HashMap<RevisionKey, BTreeMap<String, LocalText>> = HashMap::new();
    for TextRow { insight_id, number, locale, title, excerpt, excerpt_source, markdown } in sql.all(db).await? {
        let excerpt = (excerpt_source == "author").then_some(excerpt);
        texts.entry((insight_id, number)).or_default().insert(locale, LocalText { title, excerpt, body_markdown: markdown });
    }
    Ok(texts)
}

async fn find_term_slugs(
    db: &impl ConnectionTrait,
    links: &'static str,
    terms: &'static str,
    keys: &[RevisionKey],
) -> Result<HashMap<RevisionKey, Vec<Slug>>, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT l.insight_id, l.number, x.slug AS term_slug, x.name AS term_name FROM ");
    sql.push_ident(links).push(" l JOIN ").push_ident(terms).push(" x ON x.id = l.term_id WHERE ");
    push_keys(&mut sql, keys);
    let mut slugs: HashMap<RevisionKey, Vec<Slug>> = HashMap::new();
    for row in sql.push(" ORDER BY l.place").all(db).await? {
        let TermSlugRow { insight_id, number, term_slug: slug, term_name } = row;
        slugs.entry((insight_id, number)).or_default().push(term_slug(&slug, &term_name));
    }
    Ok(slugs)
}

/// The slug of a term. A deleted term has lost its slug: it gets the one that its name would get.
pub(super) fn term_slug(slug: &str, name: &str) -> Slug {
    Slug::parse(slug).unwrap_or_else(|| Slug::derive(name))
}

fn push_keys(sql: &mut Sql, keys: &[RevisionKey]) {
    for (index, (insight_id, number)) in keys.iter().enumerate() {
        sql.push(if index == 0 { "(l.insight_id = " } else { " OR (l.insight_id = " }).bind(*insight_id);
        sql.push(" AND l.number = ").bind(*number).push(")");
    }
}
