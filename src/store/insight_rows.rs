//! The shape in which reads take an insight out of the database, and the columns and joins that fill it.

use std::ops::Deref;
use std::sync::Arc;

use sea_orm::{ColIdx, DbBackend, DbErr, FromQueryResult, QueryResult, TryGetError, TryGetable};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::error::StoreError;
use super::sql::Sql;
use crate::domain::clock::Timestamp;
use crate::domain::draft::Seo;
use crate::domain::status::Pointers;

/// An insight with one of its revisions in one locale, as lists show it.
#[derive(Clone, Debug, FromQueryResult, Deserialize)]
pub struct InsightRow {
    pub id: Uuid,
    /// The slug of the revision that is shown.
    pub slug: String,
    /// The slug under which the public finds it.
    pub current_slug: String,
    pub head_revision: i64,
    pub live_revision: Option<i64>,
    pub pointer_version: i64,
    pub published_at: Option<i64>,
    pub unpublish_at: Option<i64>,
    pub deleted_at: Option<i64>,
    pub position_at: i64,
    pub sort_title: String,
    pub shown_updated_at: i64,
    pub list_minutes: i64,
    pub revision: i64,
    pub locales: Json<Vec<String>>,
    pub given_minutes: Option<i64>,
    pub canonical_url: Option<String>,
    pub seo: Json<Seo>,
    pub extra: Json<Map<String, Value>>,
    pub locale: String,
    pub title: String,
    pub excerpt: String,
    pub excerpt_source: String,
    pub word_count: i64,
    pub derived_minutes: i64,
    pub category: Json<SharedTerm>,
    /// In the author's order, as the next.
    pub tags: Json<Vec<SharedTerm>>,
    pub authors: Json<Vec<SharedTerm>>,
}

/// A category, tag or author as it stands beside an insight.
#[derive(Clone, Debug, Deserialize)]
pub struct NamedTerm {
    pub slug: String,
    pub name: String,
    pub translations: Map<String, Value>,
}

/// The same term beside many insights is there once.
#[derive(Clone, Debug)]
pub struct SharedTerm(pub Arc<NamedTerm>);

impl<'de> Deserialize<'de> for SharedTerm {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        NamedTerm::deserialize(json).map(|term| Self(Arc::new(term)))
    }
}

impl Deref for SharedTerm {
    type Target = NamedTerm;

    fn deref(&self) -> &NamedTerm {
        &self.0
    }
}

/// A column of JSON.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> TryGetable for Json<T> {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        let json = String::try_get_by(row, index)?;
        serde_json::from_str(&json).map(Self).map_err(|_shape| TryGetError::DbErr(DbErr::Type("a column of another shape".to_owned())))
    }
}

/// The columns of [`InsightRow`] in its order, as they are written into a JSON array.
const PACKED: [&str; 28] = [
    "id",
    "slug",
    "current_slug",
    "head_revision",
    "live_revision",
    "pointer_version",
    "published_at",
    "unpublish_at",
    "deleted_at",
    "position_at",
    "sort_title",
    "shown_updated_at",
    "list_minutes",
    "revision",
    "locales",
    "given_minutes",
    "canonical_url",
    "seo",
    "extra",
    "locale",
    "title",
    "excerpt",
    "excerpt_source",
    "word_count",
    "derived_minutes",
    "category",
    "tags",
    "authors",
];
/// Those that are JSON already.
const NESTED: [&str; 6] = ["locales", "seo", "extra", "category", "tags", "authors"];

/// `(SELECT …) AS packed`: the rows of a statement without bodies as one value, which can stand beside others. `SQLite`'s driver hands each row
/// and each value over to another thread by itself.
pub(super) fn push_packed(sql: &mut Sql, rows: impl FnOnce(&mut Sql)) {
    let on_sqlite = sql.backend() == DbBackend::Sqlite;
    let columns = PACKED.map(|name| match (NESTED.contains(&name), on_sqlite) {
        (true, true) => format!("json({name})"),
        (true, false) => format!("{name}::json"),
        (false, true) if name == "id" => "hex(id)".to_owned(),
        (false, _) => name.to_owned(),
    });
    let columns = columns.join(", ");
    sql.push(&if on_sqlite {
        format!("(SELECT json_group_array(json_array({columns})) FROM (")
    } else {
        format!("(SELECT coalesce(json_agg(json_build_array({columns})), '[]')::text FROM (")
    });
    rows(sql);
    sql.push(") p) AS packed");
}

pub(super) fn unpack(row: &QueryResult) -> Result<Vec<InsightRow>, StoreError> {
    let packed: String = row.try_get("", "packed")?;
    serde_json::from_str(&packed).map_err(|_shape| StoreError::Corrupt("a list"))
}

/// The long half of a text.
#[derive(Clone, Debug, FromQueryResult)]
pub struct BodyRow {
    pub markdown: String,
    pub html: String,
    pub plain: String,
    pub toc: String,
}

/// Which revision of an insight a read shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownRevision {
    /// What the public sees.
    Live,
    /// The newest, for editors.
    Head,
    /// One in particular.
    Numbered(i64),
    /// The live one where there is one, else the newest: what editors' lists are ordered by.
    Listed,
}

impl InsightRow {
    /// Its category, tags and authors.
    #[must_use]
    pub fn terms(&self) -> (&SharedTerm, &[SharedTerm], &[SharedTerm]) {
        (&self.category.0, &self.tags.0, &self.authors.0)
    }

    #[must_use]
    pub fn pointers(&self) -> Pointers {
        Pointers {
            live_revision: self.live_revision,
            published_at: self.published_at.map(Timestamp),
            unpublish_at: self.unpublish_at.map(Timestamp),
            deleted_at: self.deleted_at.map(Timestamp),
        }
    }
}

/// `SELECT … ` of an [`InsightRow`], with the body's columns when they are wanted.
pub(super) fn select(sql: &mut Sql, shown: ShownRevision, with_body: bool) {
    let updated = if shown == ShownRevision::Live { "i.live_updated_at" } else { "i.updated_at" };
    sql.push(
        "SELECT i.id, r.slug, i.slug AS current_slug, i.head_revision, i.live_revision, i.pointer_version, i.published_at, i.unpublish_at, i.deleted_at, \
         i.position_at, i.sort_title, i.reading_minutes AS list_minutes, ",
    );
    sql.push(updated);
    sql.push(
        " AS shown_updated_at, r.number AS revision, r.locales, r.reading_minutes AS given_minutes, r.canonical_url, r.seo, r.extra, \
         t.locale, t.title, t.excerpt, t.excerpt_source, t.word_count, t.derived_minutes, ",
    );
    sql.push(match sql.backend() {
        DbBackend::Sqlite => "json_object('slug', c.slug, 'name', c.name, 'translations', json(c.translations)) AS category, ",
        _ => "json_build_object('slug', c.slug, 'name', c.name, 'translations', c.translations::json)::text AS category, ",
    });
    sql.push_terms_json("revision_tags", "tags").push(" AS tags, ");
    sql.push_terms_json("revision_authors", "authors").push(" AS authors");
    if with_body {
        sql.push(", b.markdown, b.html, b.plain, b.toc");
    }
}

/// ` JOIN …` from `i` to its revision, the best locale of it, and its category. The site's default ends every chain;
/// behind it is the locale that the author wrote in, which every revision has.
pub(super) fn join(sql: &mut Sql, shown: ShownRevision, chain: &[String], with_body: bool) {
    sql.push(" JOIN revisions r ON r.insight_id = i.id AND r.number = ");
    match shown {
        ShownRevision::Live => sql.push("i.live_revision"),
        ShownRevision::Head => sql.push("i.head_revision"),
        ShownRevision::Numbered(number) => sql.bind(number),
        ShownRevision::Listed => sql.push("coalesce(i.live_revision, i.head_revision)"),
    };
    sql.push(" JOIN revision_texts t ON t.insight_id = r.insight_id AND t.number = r.number AND t.locale = coalesce(");
    let has = "(SELECT x.locale FROM revision_texts x WHERE x.insight_id = r.insight_id AND x.number = r.number AND x.locale = ";
    for tag in chain {
        sql.push(has).bind(tag.as_str()).push("), ");
    }
    sql.push(has).push("(SELECT default_locale FROM site WHERE id = 1)), r.source_locale) JOIN categories c ON c.id = r.category_id");
    if with_body {
        sql.push(" JOIN revision_bodies b ON b.insight_id = t.insight_id AND b.number = t.number AND b.locale = t.locale");
    }
}

/// The one definition of *visible*: `published_at <= now`, not ended, not deleted, and something live.
///
/// `plus` is `+` where a list is ordered by something else than the date: the sign keeps both databases from walking the index by date.
pub(super) fn visible<'s>(sql: &'s mut Sql, now: Timestamp, plus: &str) -> &'s mut Sql {
    sql.push(&format!("i.live_revision IS NOT NULL AND i.deleted_at IS NULL AND {plus}i.position_at <= "))
        .bind(now.0)
        .push(" AND (i.unpublish_at IS NULL OR +i.unpublish_at > ")
        .bind(now.0)
        .push(")")
}
