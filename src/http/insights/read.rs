//! `GET /v1/insights/{id_or_slug}`, in every representation.

use actix_web::http::header;
use actix_web::{HttpRequest, get, web};

use super::lookup::{MovedTarget, ReadContext, SlugPointerView};
use super::params::DetailParams;
use super::path::{ReadTarget, ReadableInsightPath};
use super::previews::{self, PreviewRequest};
use super::related;
use super::represent::{Representation, insight_tags, represent};
use super::view::InsightView;
use crate::domain::clock::Timestamp;
use crate::http::request::auth::Reader;
use crate::http::request::negotiation;
use crate::http::request::negotiation::INSIGHT_MEDIA_TYPES;
use crate::http::request::query_params::QueryParams as _;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::cache_entry;
use crate::http::response::headers::CONTENT_SEQUENCE;
use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;
use crate::http::state::app_state::AppState;
use crate::projections::response_cache::CacheTags;
use crate::store::insight_rows::InsightRow;
use crate::store::insights::{InsightName, MovedSlug};

/// Get an insight
///
/// One insight by id or slug, with its body. Anonymous readers get the published revision; with a token that has `insights:write`, the
/// newest one. A slug that the insight had before answers 308 with the present address; with `resolve=false`, it answers a pointer instead.
/// With `preview`, the revision that the preview token is for. `Link` lists the same insight in its other locales. Representations are
/// negotiated by `Accept` or chosen by a suffix: JSON, Markdown with front matter (`.md`), a sanitised HTML fragment (`.html`), plain text
/// (`.txt`).
#[utoipa::path(
    tag = "Insights",
    params(ReadableInsightPath, DetailParams),
    responses(
        (status = 200, description = "The insight.", content(
            (InsightView = "application/json"), (String = "text/markdown"), (String = "text/html"), (String = "text/plain"),
            (SlugPointerView = "application/vnd.insights.pointer+json"),
        )),
        (status = 308, description = "The insight has another slug now; `Location` is its address."),
    ),
    security((), ("bearer" = ["insights:write"])),
    extensions(
        ("x-problems" = json!(["not-acceptable"])),
        ("x-headers" = json!({
            "Link": "The same insight in its other locales (`rel=alternate`, `hreflang`; RFC 8288).",
            "X-Robots-Tag": "Only with `preview`: search engines must not index it.",
            "Referrer-Policy": "Only with `preview`: the address, which holds the token, is not sent to other sites.",
        })),
    ),
)]
#[get("/v1/insights/{id_or_slug}")]
pub(in crate::http) async fn get_insight(
    app: web::Data<AppState>,
    request: HttpRequest,
    path: web::Path<ReadableInsightPath>,
    reader: Reader,
) -> Result<ResponseBuilder, Problem> {
    let DetailParams { locale, include, resolve, preview } = DetailParams::parse(&request)?;
    let ReadTarget { name, form: suffix_form, suffix } = path.parse()?;
    let with_related = include.is_some();
    let context = ReadContext::new(&app, &request, &reader, locale.as_ref()).await?;
    if let Some(token) = preview {
        let preview = PreviewRequest { name, token, form: form(&request, suffix_form)?, with_related };
        return Ok(previews::read(&context, preview).await?.not_older_than(context.freshness.last_modified));
    }
    let last_draft_change = if reader.editor().is_some() { app.last_change_incl_drafts().await? } else { Timestamp(0) };
    let moved_target = MovedTarget { suffix, redirect: resolve };
    let Some((row, body)) = context.find(&name).await? else { return context.respond_moved(&name, moved_target).await };
    let ReadContext { freshness, chain, now, .. } = &context;
    if let InsightName::Slug(slug) = &name
        && *slug != row.slug
        && *slug != row.current_slug
    {
        let moved = MovedSlug { id: row.id, slug: row.current_slug.clone() };
        let response = context.address(slug, moved, moved_target);
        return Ok(response.policy(context.policy()).header(CONTENT_SEQUENCE, freshness.sequence.to_string()));
    }
    let form = form(&request, suffix_form)?;
    let mut cache_tags = insight_tags(&row);
    let mut dependencies: CacheTags = cache_tags.iter().collect();
    if let InsightName::Slug(slug) = &name {
        dependencies.add(&["slug:", slug]);
    }
    let (mut related, mut index_sequence) = (with_related.then(Vec::new), freshness.sequence);
    if with_related && form == INSIGHT_MEDIA_TYPES[0] {
        let (mut by_id, sequence) = related::find_for_each(&app, &[row.id], chain, *now).await?;
        related = by_id.remove(&row.id).or(related);
        index_sequence = sequence;
        dependencies.extend(cache_entry::ANY_INSIGHT_TAGS);
        cache_tags.push("insights".to_owned());
    }
    // A renamed category changes the bytes too: a public response is not older than the last public change.
    Ok(represent(&row, body, chain, Representation { form, related }, *now)
        .not_older_than(freshness.last_modified.max(last_draft_change))
        .header(CONTENT_SEQUENCE, freshness.sequence.to_string())
        .header(header::LINK, alternates(&app, &row, suffix))
        .policy(context.policy())
        .cacheable_at(index_sequence, freshness, dependencies)
        .cache_tag_header(&cache_tags))
}

/// The representation that the suffix or `Accept` chooses.
fn form(request: &HttpRequest, suffix_form: Option<&'static str>) -> Result<&'static str, Problem> {
    let accept = negotiation::combined_header(request.headers(), &header::ACCEPT);
    suffix_form.or_else(|| negotiation::choose(accept.as_deref(), &INSIGHT_MEDIA_TYPES)).ok_or_else(not_acceptable)
}

/// Links to the same insight in each of its locales (RFC 8288, `hreflang`).
fn alternates(app: &AppState, row: &InsightRow, suffix: &str) -> String {
    let address = format!("{}/v1/insights/{}{suffix}", app.base_url, row.slug);
    let links = row.locales.0.iter().map(|locale| format!("<{address}?locale={locale}>; rel=\"alternate\"; hreflang=\"{locale}\""));
    links.chain([format!("<{address}>; rel=\"alternate\"; hreflang=\"x-default\"")]).collect::<Vec<_>>().join(", ")
}

fn not_acceptable() -> Problem {
    Problem::new(ProblemCode::NotAcceptable, format!("an insight is available as {}", INSIGHT_MEDIA_TYPES.join(", ")))
        .with("accepted", INSIGHT_MEDIA_TYPES.to_vec())
}
