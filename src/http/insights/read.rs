//! `GET /v1/insights/{id_or_slug}`, in every representation.

use crate::http::insights::lookup::SlugPointerView;
use crate::http::insights::lookup::find;
use crate::http::insights::lookup::moved;
use crate::http::insights::lookup::pointer;
use crate::http::insights::lookup::redirect;
use crate::http::insights::represent::represent;
use crate::http::insights::represent::tags;
use actix_web::http::header;
use actix_web::{HttpRequest, get, web};

use super::naming;
use super::params;
use super::previews;
use super::related;
use super::view::InsightView;
use crate::domain::clock::Timestamp;
use crate::domain::locale::Locale;
use crate::http::request::auth::Reader;
use crate::http::request::negotiation;
use crate::http::request::negotiation::INSIGHT_MEDIA_TYPES;
use crate::http::request::query_params::Query;
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
/// newest one. A slug that the insight had before answers 308 with the present address; with `resolve=false`, it says where it leads instead.
/// With `preview`, the revision that the preview token is for. `Link` names the same insight in its other locales. Representations are negotiated by `Accept` or chosen
/// by a suffix: JSON, Markdown with front matter (`.md`), a sanitised HTML fragment (`.html`), plain text (`.txt`).
#[utoipa::path(
    tag = "Insights",
    params(params::ReadableInsightPath, crate::http::request::params::LocaleParam, params::DetailParams),
    responses(
        (status = 200, description = "The insight.", content(
            (InsightView = "application/json"), (String = "text/markdown"), (String = "text/html"), (String = "text/plain"),
            (SlugPointerView = "application/vnd.insights.pointer+json"),
        )),
        (status = 308, description = "The insight has another slug by now; `Location` leads there."),
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
    path: web::Path<String>,
    reader: Reader,
) -> Result<ResponseBuilder, Problem> {
    let mut query = Query::from_request(&request);
    let locale = query.locale();
    let with_related = query.one_of("include", &["related"]).is_some();
    let resolve = query.one_of("resolve", &["true", "false"]) != Some("false");
    let preview = query.text("preview");
    query.finish()?;
    let (name, suffix_form, suffix) = naming::parse_with_suffix(&path).ok_or_else(Problem::not_found)?;
    let now = app.now();
    let freshness = app.freshness(now).await?;
    let chain = Locale::fallback_chain(locale.as_ref(), &freshness.default_locale);
    let policy = reader.policy(now, &freshness);
    if let Some(token) = preview {
        let preview = previews::read(&app, (&name, &token), &chain, (form(&request, suffix_form)?, with_related), now).await?;
        return Ok(preview.not_older_than(freshness.last_modified));
    }
    let drafted = if reader.editor().is_some() { app.last_change_incl_drafts().await? } else { Timestamp(0) };
    let Some((row, body)) = find(&app, &name, &chain, &reader, now).await? else {
        return moved(&app, &name, (suffix, resolve), &request, (policy, &freshness), now).await;
    };
    if let InsightName::Slug(asked) = &name
        && *asked != row.slug
        && *asked != row.current_slug
    {
        let target = MovedSlug { id: row.id, slug: row.current_slug.clone() };
        let reply = if resolve { redirect(&app, &target.slug, suffix, &request) } else { pointer(&app, asked, target) };
        return Ok(reply.policy(policy).header(CONTENT_SEQUENCE, freshness.sequence.to_string()));
    }
    let form = form(&request, suffix_form)?;
    let mut cache_tags = tags(&row);
    let mut names: CacheTags = cache_tags.iter().collect();
    if let InsightName::Slug(slug) = &name {
        names.add(&["slug:", slug]);
    }
    let (mut similar, mut index) = (with_related.then(Vec::new), freshness.sequence);
    if with_related && form == INSIGHT_MEDIA_TYPES[0] {
        let (mut of_each, sequence) = related::of_many(&app, &[row.id], &chain, now).await?;
        similar = of_each.remove(&row.id).or(similar);
        index = sequence;
        names.extend(cache_entry::ANY_INSIGHT_TAGS);
        cache_tags.push("insights".to_owned());
    }
    // A renamed category changes the bytes too: what is public is no older than its last change.
    Ok(represent(&row, body, &chain, (form, similar), now)
        .not_older_than(freshness.last_modified.max(drafted))
        .header(CONTENT_SEQUENCE, freshness.sequence.to_string())
        .header(header::LINK, alternates(&app, &row, suffix))
        .policy(policy)
        .cacheable_at(index, &freshness, names)
        .cache_tag_header(&cache_tags))
}

/// The form that the suffix or `Accept` asks for.
fn form(request: &HttpRequest, suffix_form: Option<&'static str>) -> Result<&'static str, Problem> {
    let accept = negotiation::combined_header(request.headers(), &header::ACCEPT);
    suffix_form.or_else(|| negotiation::choose(accept.as_deref(), &INSIGHT_MEDIA_TYPES)).ok_or_else(not_acceptable)
}

/// Where the same insight is in each of its locales (RFC 8288, `hreflang`).
fn alternates(app: &AppState, row: &InsightRow, suffix: &str) -> String {
    let address = format!("{}/v1/insights/{}{suffix}", app.base_url, row.slug);
    let links = row.locales.0.iter().map(|locale| format!("<{address}?locale={locale}>; rel=\"alternate\"; hreflang=\"{locale}\""));
    links.chain([format!("<{address}>; rel=\"alternate\"; hreflang=\"x-default\"")]).collect::<Vec<_>>().join(", ")
}

fn not_acceptable() -> Problem {
    Problem::new(ProblemCode::NotAcceptable, format!("an insight can be had as {}", INSIGHT_MEDIA_TYPES.join(", ")))
        .with("accepted", INSIGHT_MEDIA_TYPES.to_vec())
}
