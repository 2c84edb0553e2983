//! `GET /v1/insights/{id_or_slug}`, in every representation.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::naming::{self, FORMS};
use super::params;
use super::previews;
use super::related;
use super::view::InsightView;
use crate::domain::clock::Timestamp;
use crate::domain::etag::insight_state;
use crate::domain::exchange::quote;
use crate::domain::locale::Locale;
use crate::http::api::Api;
use crate::http::auth::Reader;
use crate::http::caching::CachePolicy;
use crate::http::negotiation;
use crate::http::problem::Problem;
use crate::http::problem_codes::Code;
use crate::http::query::Query;
use crate::http::reply::{self, CONTENT_SEQUENCE, Reply};
use crate::projections::response_cache::Names;
use crate::store;
use crate::store::changes::Freshness;
use crate::store::insight_rows::{BodyRow, InsightRow, Named};
use crate::store::insights::{Moved, Name};

/// The media type of what `resolve=false` answers.
const POINTER: &str = "application/vnd.insights.pointer+json";

/// Get an insight
///
/// One insight by id or slug, with its body. Anonymous readers get the published revision; with a token that has `insights:write`, the
/// newest one. A slug that the insight had before answers 308 with the present address; with `resolve=false`, it says where it leads instead.
/// With `preview`, the revision that the preview token is for. `Link` names the same insight in its other locales. Representations are negotiated by `Accept` or chosen
/// by a suffix: JSON, Markdown with front matter (`.md`), a sanitised HTML fragment (`.html`), plain text (`.txt`).
#[utoipa::path(
    tag = "Insights",
    params(params::ReadableInsightPath, params::LocaleParam, params::DetailParams),
    responses(
        (status = 200, description = "The insight.", content(
            (InsightView = "application/json"), (String = "text/markdown"), (String = "text/html"), (String = "text/plain"),
            (SlugPointerView = "application/vnd.insights.pointer+json"),
        )),
        (status = 308, description = "The insight has another slug by now; `Location` leads there."),
    ),
    security((), ("bearer" = ["insights:write"])),
)]
#[get("/v1/insights/{id_or_slug}")]
pub(in crate::http) async fn get_insight(
    api: web::Data<Api>,
    request: HttpRequest,
    path: web::Path<String>,
    reader: Reader,
) -> Result<Reply, Problem> {
    let mut query = Query::of(&request);
    let locale = query.locale();
    let with_related = query.one_of("include", &["related"]).is_some();
    let resolve = query.one_of("resolve", &["true", "false"]) != Some("false");
    let preview = query.text("preview");
    query.finish()?;
    let (name, suffix_form, suffix) = naming::parse_with_suffix(&path).ok_or_else(Problem::not_found)?;
    let now = api.now();
    let freshness = api.freshness(now).await?;
    let chain = Locale::fallback_chain(locale.as_ref(), &freshness.default_locale);
    let policy = reader.policy(now, &freshness);
    if let Some(token) = preview {
        let preview = previews::read(&api, (&name, &token), &chain, (form(&request, suffix_form)?, with_related), now).await?;
        return Ok(preview.not_older_than(freshness.last_modified));
    }
    let drafted = if reader.editor().is_some() { api.drafted().await? } else { Timestamp(0) };
    let Some((row, body)) = find(&api, &name, &chain, &reader, now).await? else {
        return moved(&api, &name, (suffix, resolve), &request, (policy, &freshness), now).await;
    };
    if let Name::Slug(asked) = &name
        && *asked != row.slug
        && *asked != row.current_slug
    {
        let target = Moved { id: row.id, slug: row.current_slug.clone() };
        let reply = if resolve { redirect(&api, &target.slug, suffix, &request) } else { pointer(&api, asked, target) };
        return Ok(reply.policy(policy).header(CONTENT_SEQUENCE, freshness.sequence.to_string()));
    }
    let form = form(&request, suffix_form)?;
    let mut cache_tags = tags(&row);
    let mut names: Names = cache_tags.iter().collect();
    if let Name::Slug(slug) = &name {
        names.add(&["slug:", slug]);
    }
    let (mut similar, mut index) = (with_related.then(Vec::new), freshness.sequence);
    if with_related && form == FORMS[0] {
        let (mut of_each, sequence) = related::of_many(&api, &[row.id], &chain, now).await?;
        similar = of_each.remove(&row.id).or(similar);
        index = sequence;
        names.extend(reply::EVERY_INSIGHT);
        cache_tags.push("insights".to_owned());
    }
    // A renamed category changes the bytes too: what is public is no older than its last change.
    Ok(represent(&row, body, &chain, (form, similar), now)
        .not_older_than(freshness.last_modified.max(drafted))
        .header(CONTENT_SEQUENCE, freshness.sequence.to_string())
        .header(header::LINK, alternates(&api, &row, suffix))
        .policy(policy)
        .kept_at(index, &freshness, names)
        .cache_tags(&cache_tags))
}

/// The form that the suffix or `Accept` asks for.
fn form(request: &HttpRequest, suffix_form: Option<&'static str>) -> Result<&'static str, Problem> {
    let accept = negotiation::lines(request.headers(), &header::ACCEPT);
    suffix_form.or_else(|| negotiation::choose(accept.as_deref(), &FORMS)).ok_or_else(not_acceptable)
}

/// Where the same insight is in each of its locales (RFC 8288, `hreflang`).
fn alternates(api: &Api, row: &InsightRow, suffix: &str) -> String {
    let address = format!("{}/v1/insights/{}{suffix}", api.base_url, row.slug);
    let links = row.locales.0.iter().map(|locale| format!("<{address}?locale={locale}>; rel=\"alternate\"; hreflang=\"{locale}\""));
    links.chain([format!("<{address}>; rel=\"alternate\"; hreflang=\"x-default\"")]).collect::<Vec<_>>().join(", ")
}

pub(super) async fn find(
    api: &Api,
    name: &Name,
    chain: &[String],
    reader: &Reader,
    now: Timestamp,
) -> Result<Option<(InsightRow, BodyRow)>, Problem> {
    let db = api.store.reader();
    if let Some(editor) = reader.editor()
        && let Some(found) = store::insights::find_for_editor(db, name, chain, editor.limited_to_own()).await?
    {
        return Ok(Some(found));
    }
    Ok(store::insights::find_visible(db, name, chain, now).await?)
}

/// 308 to the present slug of a visible insight that had this one, else nothing is there.
pub(super) async fn moved(
    api: &Api,
    name: &Name,
    (suffix, resolve): (&str, bool),
    request: &HttpRequest,
    (policy, freshness): (CachePolicy, &Freshness),
    now: Timestamp,
) -> Result<Reply, Problem> {
    let Name::Slug(slug) = name else { return Err(Problem::not_found()) };
    let moved = store::insights::find_moved(api.store.reader(), slug, now).await?.ok_or_else(Problem::not_found)?;
    let (tags, names) = ([format!("insight:{}", moved.id), "insights".to_owned()], led(&moved, slug));
    let reply = if resolve { redirect(api, &moved.slug, suffix, request) } else { pointer(api, slug, moved) };
    let reply = reply.policy(policy).kept(freshness, names).cache_tags(&tags).last_modified(freshness.last_modified);
    Ok(reply.header(CONTENT_SEQUENCE, freshness.sequence.to_string()))
}

/// What the lead of a slug to an insight is made of.
fn led(to: &Moved, slug: &str) -> [String; 2] {
    [format!("insight:{}", to.id), format!("slug:{slug}")]
}

/// Where a slug leads that is not the present one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SlugPointer)]
pub(in crate::http) struct SlugPointerView {
    /// The slug that was asked for.
    pub slug: String,
    /// The insight that it leads to.
    pub id: Uuid,
    /// The slug that the insight has now.
    pub current_slug: String,
    #[schema(format = "uri")]
    pub url: String,
}

fn pointer(api: &Api, slug: &str, moved: Moved) -> Reply {
    let Moved { id, slug: current_slug } = moved;
    let url = format!("{}/v1/insights/{current_slug}", api.base_url);
    let state = format!("p{current_slug}").replace('-', "_");
    Reply::json(&SlugPointerView { slug: slug.to_owned(), id, current_slug, url }).content_type(POINTER).state(state)
}

fn redirect(api: &Api, slug: &str, suffix: &str, request: &HttpRequest) -> Reply {
    let query = if request.query_string().is_empty() { String::new() } else { format!("?{}", request.query_string()) };
    let location = api.location(&format!("/v1/insights/{slug}{suffix}{query}"));
    Reply::empty(StatusCode::PERMANENT_REDIRECT).header(header::LOCATION, location)
}

fn not_acceptable() -> Problem {
    Problem::new(Code::NotAcceptable, format!("an insight can be had as {}", FORMS.join(", "))).with("accepted", FORMS.to_vec())
}

/// One form of an insight, with its validator. The policy is the caller's to add.
pub(super) fn represent(
    row: &InsightRow,
    body: BodyRow,
    chain: &[String],
    (form, related): (&'static str, Option<Vec<Value>>),
    now: Timestamp,
) -> Reply {
    let modified = Timestamp(row.shown_updated_at.max(row.published_at.filter(|at| *at <= now.0).unwrap_or(0)));
    let state = insight_state(row.id, row.revision, row.pointer_version);
    let locale = row.locale.clone();
    let reply = match form {
        "text/markdown" => {
            let front_matter = front_matter(row, chain, now);
            Reply::bytes(format!("{front_matter}{}", body.markdown).into_bytes(), "text/markdown; charset=utf-8")
        }
        "text/html" => Reply::bytes(body.html.into_bytes(), "text/html; charset=utf-8"),
        "text/plain" => Reply::bytes(body.plain.into_bytes(), "text/plain; charset=utf-8"),
        _ => Reply::json(&InsightView { related, ..InsightView::of(row.clone(), Some(body), chain, now) }),
    };
    reply.state(state).last_modified(modified).vary("Accept, Accept-Encoding").header(header::CONTENT_LANGUAGE, locale)
}

/// YAML front matter as static site generators read it, then a blank line; the body follows byte for byte.
fn front_matter(row: &InsightRow, chain: &[String], now: Timestamp) -> String {
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
fn tags(row: &InsightRow) -> Vec<String> {
    [format!("insight:{}", row.id)].into_iter().chain(with_kinds(row.terms()).map(|(kind, term)| format!("{kind}:{}", term.slug))).collect()
}

/// The terms beside an insight, with their kind.
pub(super) fn with_kinds<'n>(
    (category, tags, authors): (&'n Named, &'n [Named], &'n [Named]),
) -> impl Iterator<Item = (&'static str, &'n Named)> {
    let tags = tags.iter().map(|tag| ("tag", tag));
    let authors = authors.iter().map(|author| ("author", author));
    [("category", category)].into_iter().chain(tags).chain(authors)
}
