//! One insight in the form that the reader asked for.

use crate::domain::clock::Timestamp;
use crate::domain::etag::insight_state;
use crate::exchange::quote;
use crate::http::insights::view::InsightView;
use crate::http::response::builder::ResponseBuilder;
use crate::store::insight_rows::{BodyRow, InsightRow, SharedTerm};
use actix_web::http::header;
use serde_json::Value;

/// One form of an insight, with its validator. The policy is the caller's to add.
pub(crate) fn represent(
    row: &InsightRow,
    body: BodyRow,
    chain: &[String],
    (form, related): (&'static str, Option<Vec<Value>>),
    now: Timestamp,
) -> ResponseBuilder {
    let modified = Timestamp(row.shown_updated_at.max(row.published_at.filter(|at| *at <= now.0).unwrap_or(0)));
    let state = insight_state(row.id, row.revision, row.pointer_version);
    let locale = row.locale.clone();
    let reply = match form {
        "text/markdown" => {
            let front_matter = front_matter(row, chain, now);
            ResponseBuilder::from_bytes(format!("{front_matter}{}", body.markdown).into_bytes(), "text/markdown; charset=utf-8")
        }
        "text/html" => ResponseBuilder::from_bytes(body.html.into_bytes(), "text/html; charset=utf-8"),
        "text/plain" => ResponseBuilder::from_bytes(body.plain.into_bytes(), "text/plain; charset=utf-8"),
        _ => ResponseBuilder::json(&InsightView { related, ..InsightView::of(row.clone(), Some(body), chain, now) }),
    };
    reply.etag_prefix(state).last_modified(modified).vary("Accept, Accept-Encoding").header(header::CONTENT_LANGUAGE, locale)
}

/// YAML front matter as static site generators read it, then a blank line; the body follows byte for byte.
pub(crate) fn front_matter(row: &InsightRow, chain: &[String], now: Timestamp) -> String {
    use std::fmt::Write as _;
    let view = InsightView::of(row.clone(), None, chain, now);
    let quoted = quote::string;
    let mut out = String::from("---\n");
    let slugs = |terms: &[super::view::TermReference]| terms.iter().map(|term| quoted(&term.slug)).collect::<Vec<_>>().join(", ");
    let _ = writeln!(
        out,
        "title: {}\nslug: {}\nlocale: {}\ncategory: {}",
        quoted(&view.title),
        quoted(&view.slug),
        quoted(&view.locale),
        quoted(&view.category.slug)
    );
    if let Some(at) = &view.published_at {
        let _ = writeln!(out, "published_at: {at}");
    }
    let _ = writeln!(out, "excerpt: {}\nreading_minutes: {}", quoted(&view.excerpt), view.reading_minutes);
    let _ = writeln!(out, "tags: [{}]\nauthors: [{}]\n---\n", slugs(&view.tags), slugs(&view.authors));
    out
}

/// What an answer that shows an insight is dropped by: itself, and every term beside it.
pub(crate) fn tags(row: &InsightRow) -> Vec<String> {
    [format!("insight:{}", row.id)].into_iter().chain(with_kinds(row.terms()).map(|(kind, term)| format!("{kind}:{}", term.slug))).collect()
}

/// The terms beside an insight, with their kind.
pub(crate) fn with_kinds<'n>(
    (category, tags, authors): (&'n SharedTerm, &'n [SharedTerm], &'n [SharedTerm]),
) -> impl Iterator<Item = (&'static str, &'n SharedTerm)> {
    let tags = tags.iter().map(|tag| ("tag", tag));
    let authors = authors.iter().map(|author| ("author", author));
    [("category", category)].into_iter().chain(tags).chain(authors)
}
