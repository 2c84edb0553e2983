//! [`InsightRow`]: an insight as every read selects it, and the columns and joins that fill it. A new column is one line of its list.

use std::ops::Deref;
use std::sync::Arc;

use sea_orm::{DbBackend, FromQueryResult};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::json_column::Json;
use super::rows::insight::TimeColumns;
use super::rows::revision::{DETAILS, DetailColumns};
use super::sql::Sql;
use crate::domain::clock::Timestamp;
use crate::domain::markdown::TocEntry;
use crate::domain::publication_times::PublicationTimes;
use crate::domain::status::Pointers;

/// Where a column of an [`InsightRow`] comes from: `i` is the insight, `r` its revision, `t` the revision's text.
#[derive(Clone, Copy)]
enum ColumnSource {
    Sql(&'static str),
    /// The details of the draft: a column each.
    Details,
    /// The times of the publication: a column each.
    Times,
    /// The time of the last change that the reader can notice.
    UpdatedAt,
    Category,
    /// The terms of a link table, in the author's order.
    Terms {
        links: &'static str,
        terms: &'static str,
    },
}

use ColumnSource::{Category, Details, Sql as Column, Terms, Times, UpdatedAt};

/// Defines [`InsightRow`] and the list of its columns.
macro_rules! insight_row {
    ($($(#[$attribute:meta])* $name:ident: $type:ty = $source:expr),+ $(,)?) => {
        /// An insight with one of its revisions in one locale.
        #[derive(Clone, Debug, FromQueryResult)]
        pub struct InsightRow {
            $($(#[$attribute])* pub $name: $type),+
        }

        const COLUMNS: [(&str, ColumnSource); [$(stringify!($name)),+].len()] = [$((stringify!($name), $source)),+];
    };
}

insight_row! {
    id: Uuid = Column("i.id"),
    /// The slug of the selected revision.
    slug: String = Column("r.slug"),
    /// The slug under which the public finds the insight.
    current_slug: String = Column("i.slug"),
    head_revision: i64 = Column("i.head_revision"),
    live_revision: Option<i64> = Column("i.live_revision"),
    pointer_version: i64 = Column("i.pointer_version"),
    #[sea_orm(nested)]
    times: TimeColumns = Times,
    deleted_at: Option<i64> = Column("i.deleted_at"),
    position_at: i64 = Column("i.position_at"),
    sort_title: String = Column("i.sort_title"),
    list_minutes: i64 = Column("i.reading_minutes"),
    shown_updated_at: i64 = UpdatedAt,
    revision: i64 = Column("r.number"),
    locales: Json<Vec<String>> = Column("r.locales"),
    /// `reading_minutes` is null when the minutes are derived from the text.
    #[sea_orm(nested)]
    details: DetailColumns = Details,
    locale: String = Column("t.locale"),
    title: String = Column("t.title"),
    excerpt: String = Column("t.excerpt"),
    excerpt_source: String = Column("t.excerpt_source"),
    word_count: i64 = Column("t.word_count"),
    derived_minutes: i64 = Column("t.derived_minutes"),
    category: Json<SharedTerm> = Category,
    tags: Json<Vec<SharedTerm>> = Terms { links: "revision_tags", terms: "tags" },
    authors: Json<Vec<SharedTerm>> = Terms { links: "revision_authors", terms: "authors" },
}

/// A category, tag or author of an insight.
#[derive(Clone, Debug, Deserialize)]
pub struct NamedTerm {
    pub slug: String,
    pub name: String,
    pub translations: Map<String, Value>,
}

/// A term that many insights share in memory.
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

/// The body of a text, which lists do not read.
#[derive(Clone, Debug, FromQueryResult)]
pub struct BodyRow {
    pub markdown: String,
    pub html: String,
    pub plain: String,
    pub toc: Json<Vec<TocEntry>>,
}

/// Which revision of an insight a read shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownRevision {
    /// The one that the public sees.
    Live,
    /// The newest, for editors.
    Head,
    Numbered(i64),
    /// The live one if there is one, else the newest: what editors' lists are ordered by.
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
        Pointers { live_revision: self.live_revision, times: self.times.to_times(), deleted_at: self.deleted_at.map(Timestamp) }
    }
}

/// `SELECT …` of an [`InsightRow`], and of a [`BodyRow`] if `with_body`.
pub(super) fn select(sql: &mut Sql, shown: ShownRevision, with_body: bool) {
    let on_sqlite = sql.backend() == DbBackend::Sqlite;
    for (index, (name, source)) in COLUMNS.into_iter().enumerate() {
        sql.push(if index == 0 { "SELECT " } else { ", " });
        match source {
            Details => {
                for (index, (detail, _)) in DETAILS.into_iter().enumerate() {
                    sql.push(if index == 0 { "r." } else { ", r." }).push_ident(detail);
                }
                continue;
            }
            Times => {
                for (index, time) in PublicationTimes::NAMES.into_iter().enumerate() {
                    sql.push(if index == 0 { "i." } else { ", i." }).push_ident(time);
                }
                continue;
            }
            Column(expression) => sql.push(expression),
            UpdatedAt if shown == ShownRevision::Live => sql.push("i.live_updated_at"),
            UpdatedAt => sql.push("i.updated_at"),
            Category if on_sqlite => sql.push("json_object('slug', c.slug, 'name', c.name, 'translations', json(c.translations))"),
            Category => sql.push("json_build_object('slug', c.slug, 'name', c.name, 'translations', c.translations::json)::text"),
            Terms { links, terms } => sql.push_terms_json(links, terms),
        };
        sql.push(" AS ").push_ident(name);
    }
    if with_body {
        sql.push(", b.markdown, b.html, b.plain, b.toc");
    }
}

/// ` JOIN …` from `i` to its revision, the text in the best locale, and its category. The fallback chain ends with the
/// site's default locale, then the source locale, which every revision has.
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

/// The one definition of *visible*: `published_at <= now`, not ended, not deleted, and a live revision.
///
/// `plus` is `+` where a list is ordered by something else than the date: the sign keeps both databases from walking the index by date.
pub(super) fn visible<'s>(sql: &'s mut Sql, now: Timestamp, plus: &'static str) -> &'s mut Sql {
    sql.push("i.live_revision IS NOT NULL AND i.deleted_at IS NULL AND ").push(plus).push("i.position_at <= ").bind(now.0);
    sql.push(" AND (i.unpublish_at IS NULL OR +i.unpublish_at > ").bind(now.0).push(")")
}
