//! What lists show of a live revision, kept with the pointers that they walk: a page of a public list is then one walk, and looks nothing up.
//!
//! A summary repeats one revision, and revisions never change: whoever moves the pointer writes it, in the same transaction. It names categories,
//! tags and authors by their ids, since those do change. One that is not of the live revision is not believed: `list` gives up, and the
//! revision's own rows are read.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::Store;
use super::changes::{self, Freshness};
use super::error::StoreError;
use super::insight_rows::{InsightRow, Json, Terms, Text};
use super::lists::{self, ListQuery};
use super::names::{self, Names};
use super::sql::{Number, Sql};
use crate::domain::clock::Timestamp;
use crate::domain::draft::Seo;

/// Stale summaries that are written together.
const BATCH: i64 = 500;

/// Writes the summaries of some insights anew, and takes away those of what is not live.
///
/// # Errors
/// The database's.
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
const STALE: &str = "live_revision IS NOT NULL AND (live_summary IS NULL OR live_summary NOT LIKE '[' || live_revision || ',%')";

/// How many are stale.
///
/// # Errors
/// The database's.
pub async fn count_stale(db: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT count(*) AS number FROM insights WHERE ");
    Ok(sql.push(STALE).one::<Number>(db).await?.map_or(0, |row| row.number))
}

/// Writes those that are stale anew, some at a time; answers how many.
///
/// # Errors
/// The database's; what was written stays so.
pub async fn renew(store: &Store) -> Result<usize, StoreError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    let (mut last, mut renewed) = (Uuid::nil(), 0);
    loop {
        let mut sql = Sql::new(store.reader().get_database_backend(), "SELECT id FROM insights WHERE ");
        sql.push(STALE).push(" AND id > ").bind(last).push(" ORDER BY id").limit(BATCH);
        let ids: Vec<Uuid> = sql.all::<Row>(store.reader()).await?.into_iter().map(|row| row.id).collect();
        let Some(newest) = ids.last() else { return Ok(renewed) };
        last = *newest;
        let txn = store.begin().await?;
        write(&txn, &ids).await?;
        store.commit_quietly(txn).await?;
        renewed += ids.len();
    }
}

/// A subselect that makes the summary of a row of `insights`.
fn push_summary(sql: &mut Sql) {
    let on_sqlite = sql.backend() == DbBackend::Sqlite;
    let links = |table: &str| {
        let of = format!("FROM {table} l WHERE l.insight_id = r.insight_id AND l.number = r.number");
        if on_sqlite {
            format!("json((SELECT json_group_array(hex(l.term_id) ORDER BY l.place) {of}))")
        } else {
            format!("(SELECT coalesce(json_agg(l.term_id ORDER BY l.place), '[]') {of})")
        }
    };
    let (tags, authors) = (links("revision_tags"), links("revision_authors"));
    let array = if on_sqlite { "json_array" } else { "json_build_array" };
    let json = |column: &str| if on_sqlite { format!("json({column})") } else { format!("{column}::json") };
    let [locales, seo, extra] = ["r.locales", "r.seo", "r.extra"].map(json);
    let text = "t.title, t.excerpt, t.excerpt_source, t.word_count, t.derived_minutes";
    let of = "FROM revision_texts t WHERE t.insight_id = r.insight_id AND t.number = r.number";
    let (category, texts) = if on_sqlite {
        ("hex(r.category_id)", format!("json((SELECT json_group_object(t.locale, json_array({text})) {of}))"))
    } else {
        ("r.category_id", format!("(SELECT json_object_agg(t.locale, json_build_array({text})) {of})"))
    };
    sql.push(&format!(
        "(SELECT {array}(r.number, r.slug, insights.sort_title, r.source_locale, {locales}, r.reading_minutes, r.canonical_url, \
         {seo}, {extra}, {category}, {tags}, {authors}, {texts})"
    ));
    sql.push(if on_sqlite { "" } else { "::text" });
    sql.push(" FROM revisions r WHERE r.insight_id = insights.id AND r.number = insights.live_revision)");
}

#[derive(FromQueryResult)]
struct Packed {
    terms_at: i64,
    lines: Option<String>,
}

/// The page of a public list without bodies, and how fresh it is. None when a summary or a name is missing, or cannot be read.
///
/// # Errors
/// The database's.
pub(super) async fn list(store: &Store, query: &ListQuery, now: Timestamp) -> Result<Option<(Freshness, Vec<InsightRow>)>, StoreError> {
    let db = store.reader();
    let row = statement(db.get_database_backend(), query, now).statement();
    let row = db.query_one_raw(row).await?.ok_or(StoreError::Corrupt("a list"))?;
    let freshness = changes::read_freshness(&row)?;
    let Packed { terms_at, lines } = Packed::from_query_result(&row, "")?;
    let names = names::current(store, terms_at).await?;
    let locales: Vec<&str> = query.locales.iter().chain([&freshness.default_locale]).map(String::as_str).collect();
    let lines = serde_json::Deserializer::from_str(lines.as_deref().unwrap_or_default()).into_iter::<Line<'_>>();
    let rows: Option<Vec<InsightRow>> = lines.map(|line| line.ok()?.row(&locales, &names)).collect();
    Ok(rows.map(|rows| (freshness, rows)))
}

/// One statement: how fresh it is, up to where names must be known, and the lines of the page.
pub(super) fn statement(backend: DbBackend, query: &ListQuery, now: Timestamp) -> Sql {
    let mut sql = Sql::new(backend, "SELECT ");
    changes::push_freshness(&mut sql, now);
    sql.push(", coalesce((SELECT sequence FROM changes").walk("changes_terms");
    sql.push(" WHERE resource IN ('category', 'tag', 'author') ORDER BY sequence DESC LIMIT 1), 0) AS terms_at, ");
    sql.push("(SELECT string_agg(line, ' ') FROM (SELECT format('[\"%s\",%s,%s,%s,%s,%s,%s,%s,%s,%s]', ");
    sql.push(match backend {
        DbBackend::Sqlite => "hex(i.id), coalesce(i.unpublish_at, 'null')",
        _ => "i.id, coalesce(i.unpublish_at::text, 'null')",
    });
    sql.push(
        ", i.published_at, i.position_at, i.live_updated_at, i.head_revision, i.live_revision, i.pointer_version, i.reading_minutes, ",
    );
    sql.push("coalesce(i.live_summary, 'null')) AS line FROM ");
    lists::page(&mut sql, query, now);
    sql.push(") p) AS lines");
    sql
}

/// An insight of the page as the statement writes it.
#[derive(Deserialize)]
struct Line<'l> {
    id: Uuid,
    unpublish_at: Option<i64>,
    published_at: i64,
    position_at: i64,
    updated_at: i64,
    head_revision: i64,
    live_revision: i64,
    pointer_version: i64,
    minutes: i64,
    #[serde(borrow)]
    summary: Option<Summary<'l>>,
}

/// The same fields in the same order as [`push_summary`] writes them. What is handed on is not read.
#[derive(Deserialize)]
struct Summary<'l> {
    number: i64,
    slug: String,
    sort_title: String,
    source_locale: &'l str,
    #[serde(borrow)]
    locales: &'l RawValue,
    minutes: Option<i64>,
    canonical_url: Option<String>,
    seo: Seo,
    #[serde(borrow)]
    extra: &'l RawValue,
    category: Uuid,
    tags: Vec<Uuid>,
    authors: Vec<Uuid>,
    /// By locale.
    #[serde(borrow)]
    texts: BTreeMap<&'l str, &'l RawValue>,
}

#[derive(Deserialize)]
struct WrittenText<'l> {
    #[serde(borrow)]
    title: &'l RawValue,
    #[serde(borrow)]
    excerpt: &'l RawValue,
    excerpt_source: String,
    word_count: i64,
    derived_minutes: i64,
}

impl Line<'_> {
    /// The row with the first of these locales that there is a text in, in the end its author's.
    fn row(self, locales: &[&str], names: &Names) -> Option<InsightRow> {
        let Self {
            id,
            unpublish_at,
            published_at,
            position_at,
            updated_at,
            head_revision,
            live_revision,
            pointer_version,
            minutes,
            summary,
        } = self;
        let Summary {
            number,
            slug,
            sort_title,
            source_locale,
            minutes: given_minutes,
            canonical_url,
            locales: all,
            seo,
            extra,
            category,
            tags,
            authors,
            texts,
        } = summary.filter(|summary| summary.number == live_revision)?;
        let (locale, text) = locales.iter().copied().chain([source_locale]).find_map(|locale| texts.get_key_value(locale))?;
        let WrittenText { title, excerpt, excerpt_source, word_count, derived_minutes } = serde_json::from_str(text.get()).ok()?;
        Some(InsightRow {
            id,
            current_slug: slug.clone(),
            slug,
            head_revision,
            live_revision: Some(live_revision),
            pointer_version,
            published_at: Some(published_at),
            unpublish_at,
            deleted_at: None,
            position_at,
            sort_title,
            shown_updated_at: updated_at,
            list_minutes: minutes,
            revision: number,
            locales: Json::Raw(all.to_owned()),
            given_minutes,
            canonical_url,
            seo: Json::Read(seo),
            extra: Json::Raw(extra.to_owned()),
            locale: (*locale).to_owned(),
            title: Text(Json::Raw(title.to_owned())),
            excerpt: Text(Json::Raw(excerpt.to_owned())),
            excerpt_source,
            word_count,
            derived_minutes,
            category: names.find(category)?,
            tags: Terms(names.find_all(&tags)?),
            authors: Terms(names.find_all(&authors)?),
        })
    }
}
