//! Summaries: what public lists show of a live revision, stored in the row that they walk. A page is then one index walk without joins.
//!
//! A summary repeats one revision, and revisions never change: the transaction that moves the live pointer writes it
//! (`write`). It is the JSON object of a list item, in pieces. What changes without a new revision is inserted
//! between the pieces at read: times, and the names of categories, tags and authors, whose ids it holds. A summary of
//! another revision than the live one is ignored: `list` returns None, and the caller reads the revision's own rows.

use std::ops::Range;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};
use uuid::Uuid;

use super::Store;
use super::changes::{self, Freshness};
use super::error::StoreError;
use super::insight_rows::SharedTerm;
use super::list_query::{self, ListQuery};
use super::sql::{Number, Sql};
use super::summary_sql::push_summary;
use super::term_name_cache;
use super::term_names::TermNames;
use crate::domain::change::Sequence;
use crate::domain::clock::Timestamp;
use crate::domain::page::{KeyValue, SortKey};
use crate::domain::publication_times::PublicationTimes;

/// Ends each piece of a line: a character that JSON always escapes, as the next.
const PIECE: char = '\u{1f}';
/// Ends each line.
const LINE: char = '\u{1e}';

/// How many stale summaries one transaction writes.
const BATCH: i64 = 500;

/// Writes the summaries of these insights; removes those of insights that are not live.
pub async fn write(txn: &DatabaseTransaction, insights: &[Uuid]) -> Result<(), StoreError> {
    if insights.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new(txn.get_database_backend(), "UPDATE insights SET live_summary = ");
    push_summary(&mut sql);
    sql.push(" WHERE id IN (").bind_all(insights.iter().copied()).push(")").run(txn).await?;
    Ok(())
}

/// A summary that is missing, or of another revision: an older version of the service has moved the pointer.
const STALE: &str = "live_revision IS NOT NULL AND (live_summary IS NULL OR live_summary NOT LIKE live_revision || '\u{1f}%')";

/// How many summaries are stale.
pub async fn count_stale(db: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT count(*) AS number FROM insights WHERE ");
    Ok(sql.push(STALE).one::<Number>(db).await?.map_or(0, |row| row.number))
}

/// As [`renew`], if the summary of the newest insight is stale: after an upgrade all are. To look for single ones means to read all.
///
/// # Errors
/// The database's; what was written stays so.
pub async fn renew_after_upgrade(store: &Store) -> Result<usize, StoreError> {
    let mut sql = Sql::new(store.reader().get_database_backend(), "SELECT count(*) AS number FROM (SELECT live_revision, live_summary ");
    sql.push("FROM insights").indexed_by("insights_live").push(" WHERE live_revision IS NOT NULL AND deleted_at IS NULL ");
    sql.push("ORDER BY position_at DESC, id DESC LIMIT 1) i WHERE ").push(STALE);
    let newest = sql.one::<Number>(store.reader()).await?;
    if newest.is_some_and(|stale| stale.number > 0) { renew(store).await } else { Ok(0) }
}

/// Writes the stale summaries, a batch per transaction. Returns how many.
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

#[derive(FromQueryResult)]
struct PackedSummary {
    terms_at: Sequence,
    lines: Option<String>,
}

/// An insight of a public list.
#[derive(Clone, Debug)]
pub struct Summary {
    pub id: Uuid,
    /// The value that the list is ordered by.
    pub key: KeyValue,
    pub times: PublicationTimes,
    pub updated_at: Timestamp,
    pub category: SharedTerm,
    pub tags: Vec<SharedTerm>,
    pub authors: Vec<SharedTerm>,
    /// All lines of the page, and where the pieces of this one are in them.
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

/// The page of a public list without bodies, and how fresh it is. None when a summary or a name is missing, stale or malformed.
pub(super) async fn list(store: &Store, query: &ListQuery, now: Timestamp) -> Result<Option<(Freshness, Vec<Summary>)>, StoreError> {
    let db = store.reader();
    let row = statement(db.get_database_backend(), query, now).statement();
    let row = db.query_one_raw(row).await?.ok_or(StoreError::Inconsistent("a list has no row"))?;
    let freshness = changes::read_freshness(&row)?;
    let PackedSummary { terms_at, lines } = PackedSummary::from_query_result(&row, "")?;
    let names = term_name_cache::current(store, terms_at).await?;
    let locales: Vec<&str> = query.locales.iter().chain([&freshness.default_locale]).map(String::as_str).collect();
    let lines = Arc::new(lines.unwrap_or_default());
    let ends = memchr::memchr_iter(LINE as u8, lines.as_bytes());
    let mut begins = 0;
    let each = ends.map(|end| SummaryReader { lines: &lines, at: std::mem::replace(&mut begins, end + 1), end });
    let rows: Option<Vec<Summary>> = each.map(|line| Summary::read(line, query.sort.key, &locales, &names)).collect();
    Ok(rows.map(|rows| (freshness, rows)))
}

/// One statement: how fresh the page is, the newest change of a term, and the lines of the page.
pub(super) fn statement(backend: DbBackend, query: &ListQuery, now: Timestamp) -> Sql {
    let mut sql = Sql::new(backend, "SELECT ");
    changes::push_freshness(&mut sql, now);
    sql.push(", coalesce((SELECT sequence FROM changes").indexed_by("changes_terms");
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
    sql.push("(SELECT string_agg(line, '') FROM (SELECT concat(");
    for piece in [id, key] {
        sql.push(piece).push(", '\u{1f}', ");
    }
    for time in PublicationTimes::NAMES {
        sql.push("i.").push_ident(time).push(", '\u{1f}', ");
    }
    for piece in ["i.live_updated_at", "i.live_revision"] {
        sql.push(piece).push(", '\u{1f}', ");
    }
    sql.push("i.live_summary, '\u{1f}\u{1e}') AS line FROM ");
    list_query::page(&mut sql, query, now);
    sql.push(") p) AS lines");
    sql
}

impl Summary {
    /// The JSON of the object between its id and its category.
    #[must_use]
    pub fn opening(&self) -> [&str; 7] {
        let Pieces { slug, locale, available_locales, text, .. } = &self.pieces;
        let [slug, locale, available_locales, text] = [slug, locale, available_locales, text].map(|piece| self.piece(piece));
        [slug, ",\"locale\":\"", locale, "\",", available_locales, ",", text]
    }

    /// The JSON of the object after its times.
    #[must_use]
    pub fn closing(&self) -> [&str; 3] {
        [self.piece(&self.pieces.measures), ",", self.piece(&self.pieces.rest)]
    }

    fn piece(&self, piece: &Range<usize>) -> &str {
        self.lines.get(piece.clone()).unwrap_or_default()
    }

    /// Reads a line of the statement. The text is that in the first of these locales that exists, else in the source locale.
    fn read(mut line: SummaryReader<'_>, sort: SortKey, locales: &[&str], names: &TermNames) -> Option<Self> {
        let id = line.text()?.parse().ok()?;
        let key = line.text()?;
        let times = PublicationTimes::try_from_fn(|_| line.time())?;
        let updated_at = line.time()??;
        if line.text()? != line.text()? {
            return None;
        }
        let category = names.find(line.text()?)?;
        let [tags, authors] = [names.find_all(line.text()?)?, names.find_all(line.text()?)?];
        let [slug, available_locales, rest] = [line.piece()?, line.piece()?, line.piece()?];
        let source_locale = line.text()?;
        let [locale, text, measures] = locales.iter().copied().chain([source_locale]).find_map(|locale| line.text_in(locale))?;
        let key = match sort {
            SortKey::PublishedAt => KeyValue::Number(times.published_at?.0),
            SortKey::UpdatedAt => KeyValue::Number(updated_at.0),
            SortKey::ReadingMinutes => KeyValue::Number(key.parse().ok()?),
            SortKey::Title => KeyValue::Text(serde_json::from_str(key).ok()?),
        };
        let pieces = Pieces { slug, locale, available_locales, text, measures, rest };
        Some(Self { id, key, times, updated_at, category, tags, authors, lines: line.lines.clone(), pieces })
    }
}

/// The unread rest of a line.
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

    /// A time, or the empty text of one that is not set.
    #[expect(clippy::option_option, reason = "the outer one is None for a malformed line")]
    fn time(&mut self) -> Option<Option<Timestamp>> {
        match self.text()? {
            "" => Some(None),
            millis => Some(Some(Timestamp(millis.parse().ok()?))),
        }
    }

    /// The text in this locale. The texts of all locales end a line.
    fn text_in(&self, wanted: &str) -> Option<[Range<usize>; 3]> {
        let mut rest = self.clone();
        loop {
            let text = [rest.piece()?, rest.piece()?, rest.piece()?];
            if self.lines.get(text[0].clone())? == wanted {
                return Some(text);
            }
        }
    }
}
