//! The SQL of a summary: its pieces, in the order in which [`summaries`](super::summaries) reads them.
//!
//! The members are those of a list item of the API, in its order.

use sea_orm::DbBackend;

use super::rows::revision::{DETAILS, SummaryMember};
use super::sql::Sql;

/// An expression of the summary's SQL, written for the database at hand.
#[derive(Clone, Copy)]
enum Expression {
    /// JSON, or text that needs no quotes, as it is.
    Raw(&'static str),
    /// A column as a JSON string or number.
    Quoted(&'static str),
    /// A column that holds a UUID, as text.
    Id(&'static str),
    /// The ids of the terms in a link table, divided by commas.
    Links(&'static str),
    /// The members of a JSON object, without its braces.
    Members(&'static [(&'static str, Expression)]),
    /// The details of the draft and the number of the revision, as members.
    DetailsAndRevision,
    /// The texts of each locale, as pieces each.
    Texts,
}

use Expression::{DetailsAndRevision, Id, Links, Members, Quoted, Raw, Texts};

/// The pieces of a summary, in the order in which [`Summary`](super::summaries::Summary) takes them.
const PIECES: [Expression; 9] = [
    Raw("r.number"),
    Id("r.category_id"),
    Links("revision_tags"),
    Links("revision_authors"),
    Members(&[("slug", Quoted("r.slug"))]),
    Members(&[("available_locales", Raw("r.locales"))]),
    DetailsAndRevision,
    Raw("r.source_locale"),
    Texts,
];

/// The pieces of a text in one locale.
const TEXT_PIECES: [Expression; 3] = [
    Raw("t.locale"),
    Members(&[("title", Quoted("t.title")), ("excerpt", Quoted("t.excerpt")), ("excerpt_source", Quoted("t.excerpt_source"))]),
    Members(&[
        ("reading_minutes", Raw("coalesce(r.reading_minutes, t.derived_minutes)")),
        ("reading_minutes_source", Raw("CASE WHEN r.reading_minutes IS NULL THEN '\"derived\"' ELSE '\"author\"' END")),
        ("word_count", Raw("t.word_count")),
    ]),
];

/// A subselect of the summary of a row of `insights`.
pub(super) fn push_summary(sql: &mut Sql) {
    push_pieces(sql.push("(SELECT "), &PIECES);
    sql.push(" FROM revisions r WHERE r.insight_id = insights.id AND r.number = insights.live_revision)");
}

fn push_pieces(sql: &mut Sql, pieces: &[Expression]) {
    for (index, piece) in pieces.iter().enumerate() {
        push_expression(sql.push(if index == 0 { "" } else { " || '\u{1f}' || " }), *piece);
    }
}

fn push_expression(sql: &mut Sql, expression: Expression) {
    let on_sqlite = sql.backend() == DbBackend::Sqlite;
    match expression {
        Raw(text) => {
            sql.push(text);
        }
        Quoted(column) if on_sqlite => {
            sql.push("json_quote(").push(column).push(")");
        }
        Quoted(column) => {
            sql.push("coalesce(to_json(").push(column).push(")::text, 'null')");
        }
        Id(column) if on_sqlite => {
            sql.push("hex(").push(column).push(")");
        }
        Id(column) => {
            sql.push(column).push("::text");
        }
        Links(table) => {
            push_expression(sql.push("coalesce((SELECT string_agg("), Id("l.term_id"));
            sql.push(", ',' ORDER BY l.place) FROM ").push_ident(table);
            sql.push(" l WHERE l.insight_id = r.insight_id AND l.number = r.number), '')");
        }
        Members(members) => {
            for (index, (name, value)) in members.iter().enumerate() {
                sql.push(if index == 0 { "'\"" } else { " || ',' || '\"" }).push(name).push("\":' || ");
                push_expression(sql, *value);
            }
        }
        DetailsAndRevision => {
            for (name, member) in DETAILS {
                match member {
                    SummaryMember::Separate => continue,
                    SummaryMember::Json => sql.push("'\"").push(name).push("\":' || r.").push(name),
                    SummaryMember::Quoted if on_sqlite => sql.push("'\"").push(name).push("\":' || json_quote(r.").push(name).push(")"),
                    SummaryMember::Quoted => {
                        sql.push("'\"").push(name).push("\":' || coalesce(to_json(r.").push(name).push(")::text, 'null')")
                    }
                };
                sql.push(" || ',' || ");
            }
            sql.push("'\"revision\":' || r.number");
        }
        Texts => {
            push_pieces(sql.push("(SELECT string_agg("), &TEXT_PIECES);
            sql.push(", '\u{1f}') FROM revision_texts t WHERE t.insight_id = r.insight_id AND t.number = r.number)");
        }
    }
}
