//! What lists show of a live revision, kept with the pointers that they walk: a page of a public list is then one walk, and looks nothing up.
//!
//! A summary repeats one revision, and revisions never change: whoever moves the pointer writes it, in the same transaction. It is the object that
//! lists answer with, as JSON, in pieces: what changes without a new revision is put between them, the names of categories, tags and authors (which
//! it has by their ids) and times. One that is not of the live revision is not believed: `list` gives up, and the revision's own rows are read.

use std::ops::Range;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};
use uuid::Uuid;

use super::Store;
use super::changes::{self, Freshness};
use super::error::StoreError;
use super::insight_rows::SharedTerm;
use super::names;
use super::sql::{Number, Sql};
use crate::domain::clock::Timestamp;
use crate::domain::page::{KeyValue, SortKey};
use crate::store::list_query::ListQuery;
use crate::store::name_cache::TermNames;

/// Stands behind each piece of a line. JSON never has it, nor the next, as it is.
const PIECE: char = '\u{1f}';
/// Stands behind each line.
const LINE: char = '\u{1e}';

/// Stale summaries that are written together.
const BATCH: i64 = 500;

/// Writes the summaries of some insights anew, and takes away those of what is not live.
pub async fn write(txn: &DatabaseTransaction, insights: &[Uuid]) -> Result<(), StoreError> {
    if insights.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new(txn.get_database_backend(), "UPDATE insights SET live_summary = ");
    push_summary(&mut sql);
    sql.push(" WHERE id IN (").bind_all(insights.iter().copied()).push(")").run(txn).await?;
    Ok(())
}

/// A summary that is missing, or is of another revision: somebody who knows nothing of summaries has moved the pointer.
const STALE: &str = "live_revision IS NOT NULL AND (live_summary IS NULL OR live_summary NOT LIKE live_revision || '\u{1f}%')";

/// How many are stale.
pub async fn count_stale(db: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT count(*) AS number FROM insights WHERE ");
    Ok(sql.push(STALE).one::<Number>(db).await?.map_or(0, |row| row.number))
}

/// As [`renew`], when that of the newest insight is stale: after the service was replaced by another version, all are. To look for single ones
/// takes reading all.
///
/// # Errors
/// The database's; what was written stays so.
pub async fn renew_after_upgrade(store: &Store) -> Result<usize, StoreError> {
    let mut sql = Sql::new(store.reader().get_database_backend(), "SELECT count(*) AS number FROM (SELECT live_revision, live_summary ");
    sql.push("FROM insights").walk("insights_live").push(" WHERE live_revision IS NOT NULL AND deleted_at IS NULL ");
    sql.push("ORDER BY position_at DESC, id DESC LIMIT 1) i WHERE ").push(STALE);
    let newest = sql.one::<Number>(store.reader()).await?;
    if newest.is_some_and(|stale| stale.number > 0) { renew(store).await } else { Ok(0) }
}

/// Writes those that are stale anew, some at a time; answers how many.
///
/// # Errors
/// The database's; what was written stays so.
pub async fn renew(store: &Store) -> Result<usize, StoreError> {
    #[derive(FromQueryResult)]
    struct StaleRow {
        id: Uuid,
    }
    let (mut last, mut renewed) = (Uuid::nil(), 0);
    loop {
        let mut sql = Sql::new(store.reader().get_database_backend(), "SELECT id FROM insights WHERE ");
        sql.push(STALE).push(" AND id > ").bind(last).push(" ORDER BY id").limit(BATCH);
        let ids: Vec<Uuid> = sql.all::<StaleRow>(store.reader()).await?.into_iter().map(|row| row.id).collect();
        let Some(newest) = ids.last() else { return Ok(renewed) };
        last = *newest;
        let txn = store.begin().await?;
        write(&txn, &ids).await?;
        store.commit_quietly(txn).await?;
        renewed += ids.len();
    }
}

/// A subselect that makes the summary of a row of `insights`: a list of pieces, in the order in which [`Summary::read`] takes them.
fn push_summary(sql: &mut Sql) {
    let on_sqlite = sql.backend() == DbBackend::Sqlite;
    let quoted =
        |column: &str| if on_sqlite { format!("json_quote({column})") } else { format!("coalesce(to_json({column})::text, 'null')") };
    let id = |column: &str| if on_sqlite { format!("hex({column})") } else { format!("{column}::text") };
    let links = |table: &str| {
        let of = format!("FROM {table} l WHERE l.insight_id = r.insight_id AND l.number = r.number");
        format!("coalesce((SELECT string_agg({}, ',' ORDER BY l.place) {of}), '')", id("l.term_id"))
    };
    let of_text = joined(&[
        "t.locale".to_owned(),
        members(&[("title", quoted("t.title")), ("excerpt", quoted("t.excerpt")), ("excerpt_source", quoted("t.excerpt_source"))]),
        members(&[
            ("reading_minutes", "coalesce(r.reading_minutes, t.derived_minutes)".to_owned()),
            ("reading_minutes_source", "CASE WHEN r.reading_minutes IS NULL THEN '\"derived\"' ELSE '\"author\"' END".to_owned()),
            ("word_count", "t.word_count".to_owned()),
        ]),
    ]);
    let texts = "FROM revision_texts t WHERE t.insight_id = r.insight_id AND t.number = r.number";
    let summary = joined(&[
        "r.number".to_owned(),
        id("r.category_id"),
        links("revision_tags"),
        links("revision_authors"),
        members(&[("slug", quoted("r.slug"))]),
        members(&[("available_locales", "r.locales".to_owned())]),
        members(&[
            ("canonical_url", quoted("r.canonical_url")),
            ("seo", "r.seo".to_owned()),
            ("extra", "r.extra".to_owned()),
            ("revision", "r.number".to_owned()),
        ]),
        "r.source_locale".to_owned(),
        format!("(SELECT string_agg({of_text}, '{PIECE}') {texts})"),
    ]);
    sql.push("(SELECT ").push(&summary).push(" FROM revisions r WHERE r.insight_id = insights.id AND r.number = insights.live_revision)");
}

/// Members of an object, of expressions that are JSON each.
fn members(of: &[(&str, String)]) -> String {
    of.iter().map(|(name, json)| format!("'\"{name}\":' || {json}")).collect::<Vec<_>>().join(" || ',' || ")
}

fn joined(pieces: &[String]) -> String {
    pieces.join(&format!(" || '{PIECE}' || "))
}

#[derive(FromQueryResult)]
struct PackedSummary {
    terms_at: i64,
    lines: Option<String>,
}

/// An insight of a public list.
#[derive(Clone, Debug)]
pub struct Summary {
    pub id: Uuid,
    /// What the list is ordered by.
    pub key: KeyValue,
    pub published_at: Timestamp,
    pub unpublish_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub category: SharedTerm,
    pub tags: Vec<SharedTerm>,
    pub authors: Vec<SharedTerm>,
    /// The lines of the page, and where in them the pieces of this one are.
    lines: Arc<String>,
    pieces: Pieces,
}

#[derive(Clone, Debug)]
struct Pieces {
    slug: Range<usize>,
    locale: Range<usize>,
    available_locales: Range<usize>,
    text: Range<usize>,
    measures: Range<usize>,
    rest: Range<usize>,
}

/// The page of a public list without bodies, and how fresh it is. None when a summary or a name is missing, or cannot be read.
pub(super) async fn list(store: &Store, query: &ListQuery, now: Timestamp) -> Result<Option<(Freshness, Vec<Summary>)>, StoreError> {
    let db = store.reader();
    let row = statement(db.get_database_backend(), query, now).statement();
    let row = db.query_one_raw(row).await?.ok_or(StoreError::Corrupt("a list"))?;
    let freshness = changes::read_freshness(&row)?;
    let PackedSummary { terms_at, lines } = PackedSummary::from_query_result(&row, "")?;
    let names = names::current(store, terms_at).await?;
    let locales: Vec<&str> = query.locales.iter().chain([&freshness.default_locale]).map(String::as_str).collect();
    let lines = Arc::new(lines.unwrap_or_default());
    let ends = memchr::memchr_iter(LINE as u8, lines.as_bytes());
    let mut begins = 0;
    let each = ends.map(|end| SummaryReader { lines: &lines, at: std::mem::replace(&mut begins, end + 1), end });
    let rows: Option<Vec<Summary>> = each.map(|line| Summary::read(line, query.sort.key, &locales, &names)).collect();
    Ok(rows.map(|rows| (freshness, rows)))
}

/// One statement: how fresh it is, up to where names must be known, and the lines of the page.
pub(super) fn statement(backend: DbBackend, query: &ListQuery, now: Timestamp) -> Sql {
    let mut sql = Sql::new(backend, "SELECT ");
    changes::push_freshness(&mut sql, now);
    sql.push(", coalesce((SELECT sequence FROM changes").walk("changes_terms");
    sql.push(" WHERE resource IN ('category', 'tag', 'author') ORDER BY sequence DESC LIMIT 1), 0) AS terms_at, ");
    let (id, title) = match backend {
        DbBackend::Sqlite => ("hex(i.id)", "json_quote(i.sort_title)"),
        _ => ("i.id", "to_json(i.sort_title)"),
    };
    let key = match query.sort.key {
        SortKey::PublishedAt | SortKey::UpdatedAt => "''",
        SortKey::Title => title,
        SortKey::ReadingMinutes => "i.reading_minutes",
    };
    let pieces = [id, key, "i.published_at", "i.live_updated_at", "i.unpublish_at", "i.live_revision", "i.live_summary"];
    sql.push("(SELECT string_agg(line, '') FROM (SELECT concat(").push(&pieces.join(&format!(", '{PIECE}', ")));
    sql.push(&format!(", '{PIECE}{LINE}') AS line FROM "));
    crate::store::list_query::page(&mut sql, query, now);
    sql.push(") p) AS lines");
    sql
}

impl Summary {
    /// What the object has between its id and its category, as JSON.
    #[must_use]
    pub fn opening(&self) -> [&str; 7] {
        let Pieces { slug, locale, available_locales, text, .. } = &self.pieces;
        let [slug, locale, available_locales, text] = [slug, locale, available_locales, text].map(|piece| self.piece(piece));
        [slug, ",\"locale\":\"", locale, "\",", available_locales, ",", text]
    }

    /// What it has behind its times.
    #[must_use]
    pub fn closing(&self) -> [&str; 3] {
        [self.piece(&self.pieces.measures), ",", self.piece(&self.pieces.rest)]
    }

    fn piece(&self, piece: &Range<usize>) -> &str {
        self.lines.get(piece.clone()).unwrap_or_default()
    }

    /// A line of the statement, with the first of these locales that there is a text in, in the end its author's.
    fn read(mut line: SummaryReader<'_>, sort: SortKey, locales: &[&str], names: &TermNames) -> Option<Self> {
        let id = line.text()?.parse().ok()?;
        let key = line.text()?;
        let published_at = Timestamp(line.text()?.parse().ok()?);
        let updated_at = Timestamp(line.text()?.parse().ok()?);
        let unpublish_at = Some(line.text()?).filter(|at| !at.is_empty()).map(str::parse).transpose().ok()?.map(Timestamp);
        if line.text()? != line.text()? {
            return None;
        }
        let category = names.find(line.text()?)?;
        let [tags, authors] = [names.find_all(line.text()?)?, names.find_all(line.text()?)?];
        let [slug, available_locales, rest] = [line.piece()?, line.piece()?, line.piece()?];
        let source_locale = line.text()?;
        let [locale, text, measures] = locales.iter().copied().chain([source_locale]).find_map(|locale| line.text_in(locale))?;
        let key = match sort {
            SortKey::PublishedAt => KeyValue::Number(published_at.0),
            SortKey::UpdatedAt => KeyValue::Number(updated_at.0),
            SortKey::ReadingMinutes => KeyValue::Number(key.parse().ok()?),
            SortKey::Title => KeyValue::Text(serde_json::from_str(key).ok()?),
        };
        let pieces = Pieces { slug, locale, available_locales, text, measures, rest };
        Some(Self { id, key, published_at, unpublish_at, updated_at, category, tags, authors, lines: line.lines.clone(), pieces })
    }
}

/// What is left of a line.
#[derive(Clone)]
struct SummaryReader<'l> {
    lines: &'l Arc<String>,
    at: usize,
    end: usize,
}

impl<'l> SummaryReader<'l> {
    fn piece(&mut self) -> Option<Range<usize>> {
        let piece = self.at..self.at + memchr::memchr(PIECE as u8, self.lines.as_bytes().get(self.at..self.end)?)?;
        self.at = piece.end + 1;
        Some(piece)
    }

    fn text(&mut self) -> Option<&'l str> {
        self.piece().and_then(|piece| self.lines.get(piece))
    }

    /// The texts of each locale end a line: the one in this locale.
    fn text_in(&self, wanted: &str) -> Option<[Range<usize>; 3]> {
        let mut left = self.clone();
        loop {
            let text = [left.piece()?, left.piece()?, left.piece()?];
            if self.lines.get(text[0].clone())? == wanted {
                return Some(text);
            }
        }
    }
}
