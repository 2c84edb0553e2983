//! `GET /v1/search`.

use std::time::Instant;

use actix_web::{HttpRequest, get, web};
use uuid::Uuid;

use super::params::SearchParams;
use super::view::{FacetsView, Highlights, ScoreExplanation, SearchHit, SearchMeta, SearchResult, facet};
use crate::domain::change::PublicSequence;
use crate::domain::clock::Timestamp;
use crate::domain::locale::Locale;
use crate::domain::page::{Cursor, KeyValue};
use crate::http::insights::view::InsightView;
use crate::http::request::auth::Reader;
use crate::http::request::query_params::QueryParams as _;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::cache_entry;
use crate::http::response::headers::CONTENT_SEQUENCE;
use crate::http::response::pagination;
use crate::http::response::pagination::PageInfo;
use crate::http::response::problem::{Problem, token_required};
use crate::http::response::problem_codes::ProblemCode;
use crate::http::state::app_state::AppState;
use crate::projections::search::{Highlighter, PreviousPage, SearchPage, SearchPosition, SearchRequest};
use crate::store::hits;
use crate::store::insight_rows::InsightRow;
use crate::store::list_query::Filters;

/// Search
///
/// The visible insights that match a query, best first: BM25 over stems, refined by exact spelling, proximity, title and a little by age;
/// titles that begin with the query come first. Technical tokens (`io_uring`, `C++`, `E0502`, `foo::bar`) match as a whole and in parts. A
/// word that no visible insight contains is replaced by the most similar ones, and `meta.fuzzy` and `meta.corrected_query` report it;
/// identifiers and numbers are never replaced.
#[utoipa::path(
    tag = "Search",
    params(SearchParams),
    responses((status = 200, description = "A page of hits.", body = SearchResult)),
    security((), ("bearer" = ["insights:write"])),
    extensions(("x-problems" = json!(["insufficient-scope"]))),
)]
#[get("/v1/search")]
pub(in crate::http) async fn search_insights(
    app: web::Data<AppState>,
    request: HttpRequest,
    reader: Reader,
) -> Result<ResponseBuilder, Problem> {
    let started = Instant::now();
    let ParsedSearch { request: search, locale, explain, identity } = ParsedSearch::from_params(SearchParams::parse(&request)?, &reader)?;
    let now = app.now();
    let freshness = app.freshness(now).await?;
    let chain = Locale::fallback_chain(locale.as_ref(), &freshness.default_locale);
    let found = app.search.find(search.clone(), chain.clone(), now).await?;
    let data = hits(&app, &found, &chain, explain, now).await?;
    let SearchPage { next, previous, facets, total, corrected, public_sequence: sequence, .. } = found;
    let page = PageInfo {
        limit: i64::try_from(search.limit).unwrap_or(0),
        next_cursor: next.map(|position| encode_cursor(Some(&position), &identity)),
        prev_cursor: match previous {
            PreviousPage::None => None,
            PreviousPage::First => Some(encode_cursor(None, &identity)),
            PreviousPage::After(position) => Some(encode_cursor(Some(&position), &identity)),
        },
    };
    let facets =
        FacetsView { category: facet(facets.categories, &chain), tag: facet(facets.tags, &chain), year: facet(facets.years, &chain) };
    let meta = SearchMeta { sequence, total, took_ms: 0, fuzzy: corrected.is_some(), corrected_query: corrected };
    let mut result = SearchResult { data, page, facets, meta };
    // The validator covers neither the duration nor changes elsewhere.
    let digested = SearchResult { meta: SearchMeta { sequence: PublicSequence::default(), ..result.meta.clone() }, ..result.clone() };
    result.meta.took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let response = ResponseBuilder::json(&result)
        .etag_prefix("l".to_owned())
        .cacheable_at(sequence, &freshness, cache_entry::ANY_INSIGHT_TAGS.iter().collect())
        .etag_from(&digested)
        .last_modified_if(freshness.sequence == sequence, freshness.last_modified)
        .header(CONTENT_SEQUENCE, sequence.to_string())
        .policy(reader.policy(now, &freshness))
        .cache_tag_header(&cache_entry::list_tags(&search.filters));
    Ok(pagination::add_links(response, &app, &request, &result.page))
}

/// What a query string requests.
struct ParsedSearch {
    request: SearchRequest,
    locale: Option<Locale>,
    explain: bool,
    /// What a cursor is bound to.
    identity: String,
}

impl ParsedSearch {
    fn from_params(params: SearchParams, reader: &Reader) -> Result<Self, Problem> {
        let SearchParams { q, limit, filters, locale, explain, cursor } = params;
        let filters = Filters::from(filters);
        let identity = format!("search {q:?} {filters:?} {locale:?}");
        if explain && reader.editor().is_none() {
            let detail = "the parameter explain needs a token with the scope insights:write";
            let missing = || Problem::new(ProblemCode::InsufficientScope, detail).with("required_scope", "insights:write");
            return Err(if reader.is_anonymous() { token_required(detail) } else { missing() });
        }
        let after = match pagination::read_cursor(cursor.as_deref(), &identity, true)? {
            Some(cursor) => decode_cursor(&cursor)?,
            None => None,
        };
        let request = SearchRequest { query: q, filters, limit: usize::try_from(limit).unwrap_or(0), after };
        Ok(Self { request, locale, explain, identity })
    }
}

/// A position as a cursor; `None` is the first page.
fn encode_cursor(position: Option<&SearchPosition>, identity: &str) -> String {
    let (key, id) = match position {
        Some(SearchPosition { is_reranked, title_rank, score, id }) => {
            (format!("{} {title_rank} {}", u8::from(*is_reranked), score.to_bits()), *id)
        }
        None => (String::new(), Uuid::nil()),
    };
    Cursor::new(KeyValue::Text(key), id, false, identity).encode()
}

/// The position of a cursor; `None` is the first page.
fn decode_cursor(cursor: &Cursor) -> Result<Option<SearchPosition>, Problem> {
    let KeyValue::Text(key) = &cursor.key else { return Err(pagination::invalid_cursor()) };
    if key.is_empty() {
        return Ok(None);
    }
    let numbers: Vec<u32> = key.split(' ').filter_map(|number| number.parse().ok()).collect();
    let [is_reranked, title_rank, score] = numbers.as_slice() else { return Err(pagination::invalid_cursor()) };
    let title_rank = u8::try_from(*title_rank).map_err(|_large| pagination::invalid_cursor())?;
    Ok(Some(SearchPosition { is_reranked: *is_reranked == 1, title_rank, score: f32::from_bits(*score), id: cursor.id }))
}

async fn hits(app: &AppState, found: &SearchPage, chain: &[String], explain: bool, now: Timestamp) -> Result<Vec<SearchHit>, Problem> {
    let ids: Vec<Uuid> = found.hits.iter().map(|hit| hit.id).collect();
    let rows = hits::find_with_plain_text(app.store.reader(), &ids, chain, now).await?;
    let (highlighter, hits) = (found.highlighter.clone(), found.hits.clone());
    let chain = chain.to_vec();
    let mark = move || {
        let hit = |(row, plain): (InsightRow, String)| {
            let hit = hits.iter().find(|hit| hit.id == row.id)?;
            let highlights = highlights(&highlighter, &row.title, &row.excerpt, &plain, &row.locale);
            let explanation = explain.then(|| ScoreExplanation::from(&hit.explanation));
            Some(SearchHit { insight: InsightView::to_object(row, None, &chain, now), score: hit.score, highlights, explanation })
        };
        rows.into_iter().filter_map(hit).collect()
    };
    Ok(app.search.offload(mark).await?)
}

fn highlights(highlighter: &Highlighter, title: &str, excerpt: &str, plain: &str, locale: &str) -> Highlights {
    Highlights {
        title: highlighter.highlight(title, locale),
        excerpt: highlighter.highlight(excerpt, locale),
        body: highlighter.snippet(plain, locale),
    }
}
