//! The query of a list of insights, and the SQL that walks one index for it.

use crate::domain::clock::Timestamp;
use crate::domain::page::{Cursor, KeyValue, Sort, SortKey};
use crate::domain::status::Status;
use crate::store::insight_rows::{self, ShownRevision};
use crate::store::sql::Sql;
use uuid::Uuid;

/// Filters of lists and searches: slugs, times and minutes.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    pub categories: Vec<String>,
    pub tags: Vec<String>,
    pub authors: Vec<String>,
    pub published_after: Option<Timestamp>,
    pub published_before: Option<Timestamp>,
    pub min_minutes: Option<i64>,
    pub max_minutes: Option<i64>,
}

/// Which insights, in which order, from which row.
#[derive(Clone, Debug)]
pub struct ListQuery {
    pub audience: Audience,
    pub filters: Filters,
    pub sort: Sort,
    pub limit: i64,
    pub cursor: Option<Cursor>,
    /// The preferred locales of the texts, best first; the site's default follows.
    pub locales: Vec<String>,
    pub with_body: bool,
    /// Identifies filters and sort: a cursor belongs to one identity.
    pub identity: String,
}

/// Who reads a list. Only [`Audience::Editors`] sees what is not visible.
#[derive(Clone, Debug)]
pub enum Audience {
    Public,
    Editors {
        /// None: every status but deleted.
        status: Option<Status>,
        /// Only what this user created.
        own: Option<Uuid>,
    },
}

/// The rows of the page, as `i`.
pub(crate) fn page(sql: &mut Sql, query: &ListQuery, now: Timestamp) {
    from_and_where(sql, query, walked_index(query), now);
    order_and_limit(sql, query);
}

/// The rows of the page with their texts. The page is limited first, by a walk along one index; only its rows are then joined. Otherwise
/// PostgreSQL's estimate of the join is so far off that it reads everything.
pub(crate) fn rows(sql: &mut Sql, query: &ListQuery, now: Timestamp) {
    let shown = if matches!(query.audience, Audience::Public) { ShownRevision::Live } else { ShownRevision::Listed };
    insight_rows::select(sql, shown, query.with_body);
    sql.push(" FROM (SELECT i.* FROM ");
    page(sql, query, now);
    sql.push(") i");
    insight_rows::join(sql, shown, &query.locales, query.with_body);
}

/// The index that a list of visible insights walks; the planner decides for editors' other lists.
pub(crate) fn walked_index(query: &ListQuery) -> Option<&'static str> {
    let public = match query.audience {
        Audience::Public => true,
        Audience::Editors { status: Some(Status::Published), .. } => false,
        Audience::Editors { .. } => return None,
    };
    match (query.sort.key, query.filters.categories.as_slice()) {
        (SortKey::PublishedAt, [_]) => Some("insights_live_category"),
        (SortKey::PublishedAt, _) => Some("insights_live"),
        (SortKey::Title, _) => Some("insights_live_title"),
        (SortKey::UpdatedAt, _) => public.then_some("insights_live_updated"),
        (SortKey::ReadingMinutes, _) => Some("insights_live_minutes"),
    }
}

/// A link table that a list walks instead of the insights.
pub(crate) struct WalkedLink<'q> {
    links: &'static str,
    terms: &'static str,
    slug: &'q str,
}

/// A list by a single tag or author in the order of publication walks the link table; every other walks the insights.
pub(crate) fn walked_link(query: &ListQuery) -> Option<WalkedLink<'_>> {
    if !matches!(query.audience, Audience::Public) || query.sort.key != SortKey::PublishedAt {
        return None;
    }
    match (query.filters.tags.as_slice(), query.filters.authors.as_slice()) {
        ([tag], _) => Some(WalkedLink { links: "live_tags", terms: "tags", slug: tag }),
        ([], [author]) => Some(WalkedLink { links: "live_authors", terms: "authors", slug: author }),
        _ => None,
    }
}

pub(crate) fn from_and_where(sql: &mut Sql, query: &ListQuery, index: Option<&'static str>, now: Timestamp) {
    let link = walked_link(query);
    match (&link, index) {
        (Some(WalkedLink { links, .. }), _) => sql.push_ident(*links).push(" w JOIN insights i ON i.id = w.insight_id"),
        (None, Some(index)) => sql.push("insights i").indexed_by(index),
        (None, None) => sql.push("insights i"),
    };
    sql.push(" WHERE ");
    if let Some(WalkedLink { terms, slug, .. }) = &link {
        sql.push("w.term_id = (SELECT id FROM ").push_ident(*terms).push(" WHERE slug = ").bind(*slug).push(") AND ");
        sql.push(until_now(query)).push("w.position_at <= ").bind(now.0).push(" AND ");
    }
    audience(sql, query, now);
    filters(sql, query, link.map(|link| link.links));
    if let Some(cursor) = &query.cursor {
        let (key, id) = order_columns(query);
        sql.push(" AND (").push(key).push(", ").push(id).push(") ").push(beyond(query)).push(" (");
        match &cursor.key {
            KeyValue::Number(number) => sql.bind(*number),
            KeyValue::Text(text) => sql.bind(text.as_str()),
        };
        sql.push(", ").bind(cursor.id).push(")");
    }
}

pub(crate) fn audience(sql: &mut Sql, query: &ListQuery, now: Timestamp) {
    let plus = until_now(query);
    let Audience::Editors { status, own } = &query.audience else {
        insight_rows::visible(sql, now, plus);
        return;
    };
    let live = "i.live_revision IS NOT NULL AND i.deleted_at IS NULL";
    match status {
        None => sql.push("i.deleted_at IS NULL"),
        Some(Status::Deleted) => sql.push("i.deleted_at IS NOT NULL"),
        Some(Status::Draft) => sql.push("i.live_revision IS NULL AND i.deleted_at IS NULL"),
        Some(Status::Scheduled) => sql.push(live).push(" AND ").push(from_now(query)).push("i.position_at > ").bind(now.0),
        Some(Status::Expired) => sql.push(live).push(" AND i.unpublish_at IS NOT NULL AND +i.unpublish_at <= ").bind(now.0),
        Some(Status::Published) => insight_rows::visible(sql, now, plus),
    };
    if let Some(user) = own {
        sql.push(" AND i.created_by = ").bind(*user);
    }
}

pub(crate) fn filters(sql: &mut Sql, query: &ListQuery, walked: Option<&str>) {
    match query.filters.categories.as_slice() {
        [] => {}
        [one] => {
            sql.push(" AND i.category_id = (SELECT id FROM categories WHERE slug = ").bind(one.as_str()).push(")");
        }
        many => {
            sql.push(" AND i.category_id IN (SELECT id FROM categories WHERE slug IN (").bind_all(slugs(many)).push("))");
        }
    }
    let public = matches!(query.audience, Audience::Public);
    let position = if walked.is_some() { "w.position_at" } else { "i.position_at" };
    for (slugs_wanted, live, links, terms) in [
        (&query.filters.tags, "live_tags", "revision_tags", "tags"),
        (&query.filters.authors, "live_authors", "revision_authors", "authors"),
    ] {
        if slugs_wanted.is_empty() || walked == Some(live) {
            continue;
        }
        let table = if public { live } else { links };
        sql.push(" AND EXISTS (SELECT 1 FROM ").push_ident(table).push(" f JOIN ").push_ident(terms);
        sql.push(" g ON g.id = f.term_id WHERE f.insight_id = i.id AND ");
        // The whole key of a link but its term: without it, SQLite may pass over every link of the term for each insight.
        if public {
            sql.push("f.position_at = ").push(position);
        } else {
            sql.push("f.number = coalesce(i.live_revision, i.head_revision)");
        }
        sql.push(" AND g.slug IN (").bind_all(slugs(slugs_wanted)).push("))");
    }
    for (key, column, comparison, value) in [
        (SortKey::PublishedAt, position, ">", query.filters.published_after.map(|at| at.0)),
        (SortKey::PublishedAt, position, "<", query.filters.published_before.map(|at| at.0)),
        (SortKey::ReadingMinutes, "i.reading_minutes", ">=", query.filters.min_minutes),
        (SortKey::ReadingMinutes, "i.reading_minutes", "<=", query.filters.max_minutes),
    ] {
        if let Some(value) = value {
            let plus = beside_cursor(query, key, comparison);
            sql.push(" AND ").push(plus).push(column).push(" ").push(comparison).push(" ").bind(value);
        }
    }
}

/// Whether the walk descends: a page that ends before a row is read backwards.
pub(crate) fn descends(query: &ListQuery) -> bool {
    query.sort.descending != query.cursor.as_ref().is_some_and(|cursor| cursor.backward)
}

/// The comparison that holds for the rows on the page's side of the cursor.
pub(crate) fn beyond(query: &ListQuery) -> &'static str {
    if descends(query) { "<" } else { ">" }
}

/// An index walk begins at one bound. If that is the cursor, `+` hides another bound on the same side from the planner: a walk from there
/// would pass over every page before this one.
pub(crate) fn beside_cursor(query: &ListQuery, key: SortKey, comparison: &str) -> &'static str {
    let walk = query.cursor.as_ref().map(|_| beyond(query));
    if query.sort.key == key && walk.is_some_and(|walk| comparison.starts_with(walk)) { "+" } else { "" }
}

/// "Not before its time" excludes so little that it bounds a walk only where nothing else does.
pub(crate) fn until_now(query: &ListQuery) -> &'static str {
    let alone = query.sort.key == SortKey::PublishedAt && query.filters.published_before.is_none();
    if alone { beside_cursor(query, SortKey::PublishedAt, "<") } else { "+" }
}

/// "Not yet its time", which few are.
pub(crate) fn from_now(query: &ListQuery) -> &'static str {
    if query.sort.key == SortKey::PublishedAt { beside_cursor(query, SortKey::PublishedAt, ">") } else { "+" }
}

pub(crate) fn slugs(list: &[String]) -> impl Iterator<Item = &str> {
    list.iter().map(String::as_str)
}

pub(crate) fn order_columns(query: &ListQuery) -> (&'static str, &'static str) {
    if walked_link(query).is_some() {
        return ("w.position_at", "w.insight_id");
    }
    let public = matches!(query.audience, Audience::Public);
    let key = match query.sort.key {
        SortKey::PublishedAt => "i.position_at",
        SortKey::Title => "i.sort_title",
        SortKey::UpdatedAt if public => "i.live_updated_at",
        SortKey::UpdatedAt => "i.updated_at",
        SortKey::ReadingMinutes => "i.reading_minutes",
    };
    (key, "i.id")
}

pub(crate) fn order_and_limit(sql: &mut Sql, query: &ListQuery) {
    let (key, id) = order_columns(query);
    let direction = if descends(query) { " DESC" } else { " ASC" };
    sql.push(" ORDER BY ").push(key).push(direction).push(", ").push(id).push(direction).limit(query.limit + 1);
}
