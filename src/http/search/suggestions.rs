//! `GET /v1/search/suggestions`.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::params::SuggestionParams;
use crate::domain::change::PublicSequence;
use crate::domain::locale::Locale;
use crate::domain::markdown::TocEntry;
use crate::http::request::auth::Reader;
use crate::http::request::query_params::QueryParams as _;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::cache_entry;
use crate::http::response::headers::CONTENT_SEQUENCE;
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;
use crate::projections::search::{Suggestion, TypedPrefix};
use crate::store::hits;
use crate::store::insight_rows::InsightRow;

/// What a suggestion is.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SuggestionKind {
    Title,
    Heading,
}

/// The insight of a suggestion.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct SuggestedInsight {
    id: Uuid,
    slug: String,
    title: String,
}

/// A title or a heading that matches what was typed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Suggestion)]
struct SuggestionView {
    /// The title or heading itself, as plain text.
    text: String,
    kind: SuggestionKind,
    insight: SuggestedInsight,
    /// The heading's anchor in the insight: `#anchor` on a page that shows `body.html`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    anchor: Option<String>,
}

/// Metadata of the list.
#[derive(Debug, Serialize, ToSchema)]
struct SuggestionMeta {
    /// The number of the newest change that the response takes into account.
    #[schema(value_type = i64, minimum = 0)]
    sequence: PublicSequence,
    /// Whether nothing matches exactly, and these match with one typo corrected.
    fuzzy: bool,
}

/// Suggestions, best first.
#[derive(Debug, Serialize, ToSchema)]
struct SuggestionList {
    data: Vec<SuggestionView>,
    meta: SuggestionMeta,
}

/// Suggest titles and headings
///
/// For search as you type: titles and headings of visible insights that begin with what was typed, then those that contain it. If there are
/// none, one typo after the first two letters of the last word is tolerated.
#[utoipa::path(
    tag = "Search",
    params(SuggestionParams),
    responses((status = 200, description = "Suggestions.", body = SuggestionList)),
    security((), ("bearer" = ["insights:write"])),
)]
#[get("/v1/search/suggestions")]
pub(in crate::http) async fn list_suggestions(
    app: web::Data<AppState>,
    request: HttpRequest,
    reader: Reader,
) -> Result<ResponseBuilder, Problem> {
    let SuggestionParams { q, limit, locale } = SuggestionParams::parse(&request)?;
    let now = app.now();
    let freshness = app.freshness(now).await?;
    let chain = Locale::fallback_chain(locale.as_ref(), &freshness.default_locale);
    let (prefix, sequence) = app.search.suggest(q, chain.clone(), now).await?;
    let rows = hits::find_with_toc(app.store.reader(), &prefix.insights, &chain, now).await?;
    let meta = SuggestionMeta { sequence, fuzzy: prefix.fuzzy };
    let view = SuggestionList { data: suggestions(&prefix, rows, usize::try_from(limit).unwrap_or(0)), meta };
    Ok(ResponseBuilder::json(&view)
        .etag_prefix("l".to_owned())
        .etag_without_sequence()
        .cacheable_at(sequence, &freshness, cache_entry::ANY_INSIGHT_TAGS.iter().collect())
        .last_modified_if(freshness.sequence == sequence, freshness.last_modified)
        .header(CONTENT_SEQUENCE, sequence.to_string())
        .policy(reader.policy(now, &freshness))
        .cache_tag_header(&["insights".to_owned()]))
}

fn suggestions(prefix: &TypedPrefix, rows: Vec<(InsightRow, Vec<TocEntry>)>, limit: usize) -> Vec<SuggestionView> {
    let mut list: Vec<(Suggestion, SuggestedInsight)> = Vec::new();
    for (row, headings) in rows {
        let insight = SuggestedInsight { id: row.id, slug: row.slug, title: row.title };
        for suggestion in prefix.matching_texts(&insight.title, &headings) {
            list.push((suggestion, insight.clone()));
        }
    }
    Suggestion::sort(&mut list);
    list.truncate(limit);
    let view = |(Suggestion { text, anchor, .. }, insight): (Suggestion, SuggestedInsight)| SuggestionView {
        text,
        kind: if anchor.is_some() { SuggestionKind::Heading } else { SuggestionKind::Title },
        insight,
        anchor,
    };
    list.into_iter().map(view).collect()
}
