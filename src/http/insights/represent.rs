//! One insight in the requested representation.

use std::fmt::Write as _;

use actix_web::http::header;
use serde_json::Value;

use super::view::{InsightView, TermReference};
use crate::domain::clock::Timestamp;
use crate::domain::etag::insight_state;
use crate::exchange::quote;
use crate::http::response::builder::ResponseBuilder;
use crate::store::insight_rows::{BodyRow, InsightRow, SharedTerm};

/// A media type, and what the JSON includes beside the insight.
pub(super) struct Representation {
    pub(super) form: &'static str,
    pub(super) related: Option<Vec<Value>>,
}

impl Representation {
    pub(super) const JSON: Self = Self { form: "application/json", related: None };
}

/// The response with its validator. The caller adds the cache policy.
pub(super) fn represent(
    row: &InsightRow,
    body: BodyRow,
    chain: &[String],
    representation: Representation,
    now: Timestamp,
) -> ResponseBuilder {
    let Representation { form, related } = representation;
    let modified = Timestamp(row.shown_updated_at.max(row.times.published_at.filter(|at| *at <= now.0).unwrap_or(0)));
    let state = insight_state(row.id, row.revision, row.pointer_version);
    let response = match form {
        "text/markdown" => {
            let front_matter = front_matter(row, chain, now);
            ResponseBuilder::from_bytes(format!("{front_matter}{}", body.markdown).into_bytes(), "text/markdown; charset=utf-8")
        }
        "text/html" => ResponseBuilder::from_bytes(body.html.into_bytes(), "text/html; charset=utf-8"),
        "text/plain" => ResponseBuilder::from_bytes(body.plain.into_bytes(), "text/plain; charset=utf-8"),
        _ => ResponseBuilder::json(&InsightView { related, ..InsightView::from_row(row.clone(), Some(body), chain, now) }),
    };
    let locale = row.locale.clone();
    response.etag_prefix(state).last_modified(modified).vary("Accept, Accept-Encoding").header(header::CONTENT_LANGUAGE, locale)
}

/// YAML front matter as static site generators read it, then a blank line; the body follows byte for byte.
fn front_matter(row: &InsightRow, chain: &[String], now: Timestamp) -> String {
    let view = InsightView::from_row(row.clone(), None, chain, now);
    let quoted = quote::string;
    let slugs = |terms: &[TermReference]| terms.iter().map(|term| quoted(&term.slug)).collect::<Vec<_>>().join(", ");
    let mut out = String::from("---\n");
    let _ = writeln!(
        out,
        "title: {}\nslug: {}\nlocale: {}\ncategory: {}",
        quoted(&view.title),
        quoted(&view.slug),
        quoted(&view.locale),
        quoted(&view.category.slug)
    );
    // When a page goes offline is nothing that it shows.
    let times = row.times.to_times().as_of(now).members().into_iter().filter(|(name, _)| *name != "unpublish_at");
    for (name, at) in times {
        if let Some(at) = at {
            let _ = writeln!(out, "{name}: {}", at.rfc3339());
        }
    }
    let _ = writeln!(out, "excerpt: {}\nreading_minutes: {}", quoted(&view.excerpt), view.reading_minutes);
    let _ = writeln!(out, "tags: [{}]\nauthors: [{}]\n---\n", slugs(&view.tags), slugs(&view.authors));
    out
}

/// The cache tags of a response that shows an insight: the insight and each of its terms.
pub(super) fn insight_tags(row: &InsightRow) -> Vec<String> {
    [format!("insight:{}", row.id)].into_iter().chain(with_kinds(row.terms()).map(|(kind, term)| format!("{kind}:{}", term.slug))).collect()
}

/// The terms of an insight, each with its kind.
pub(super) fn with_kinds<'n>(
    (category, tags, authors): (&'n SharedTerm, &'n [SharedTerm], &'n [SharedTerm]),
) -> impl Iterator<Item = (&'static str, &'n SharedTerm)> {
    let tags = tags.iter().map(|tag| ("tag", tag));
    let authors = authors.iter().map(|author| ("author", author));
    [("category", category)].into_iter().chain(tags).chain(authors)
}
