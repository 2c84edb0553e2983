//! Finds the insight that a path names, and where old slugs lead.

use crate::domain::clock::Timestamp;
use crate::http::request::auth::Reader;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::cache_control::CachePolicy;
use crate::http::response::headers::CONTENT_SEQUENCE;
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;
use crate::store;
use crate::store::changes::Freshness;
use crate::store::insight_rows::{BodyRow, InsightRow};
use crate::store::insights::{InsightName, MovedSlug};
use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

pub(crate) async fn find(
    app: &AppState,
    name: &InsightName,
    chain: &[String],
    reader: &Reader,
    now: Timestamp,
) -> Result<Option<(InsightRow, BodyRow)>, Problem> {
    let db = app.store.reader();
    if let Some(editor) = reader.editor()
        && let Some(found) = store::insights::find_for_editor(db, name, chain, editor.limited_to_own()).await?
    {
        return Ok(Some(found));
    }
    Ok(store::insights::find_visible(db, name, chain, now).await?)
}

/// 308 to the present slug of a visible insight that had this one, else nothing is there.
pub(crate) async fn moved(
    app: &AppState,
    name: &InsightName,
    (suffix, resolve): (&str, bool),
    request: &HttpRequest,
    (policy, freshness): (CachePolicy, &Freshness),
    now: Timestamp,
) -> Result<ResponseBuilder, Problem> {
    let InsightName::Slug(slug) = name else { return Err(Problem::not_found()) };
    let moved = store::insights::find_moved(app.store.reader(), slug, now).await?.ok_or_else(Problem::not_found)?;
    let (tags, names) = ([format!("insight:{}", moved.id), "insights".to_owned()], led(&moved, slug));
    let reply = if resolve { redirect(app, &moved.slug, suffix, request) } else { pointer(app, slug, moved) };
    let reply = reply.policy(policy).cacheable(freshness, names).cache_tag_header(&tags).last_modified(freshness.last_modified);
    Ok(reply.header(CONTENT_SEQUENCE, freshness.sequence.to_string()))
}

/// What the lead of a slug to an insight is made of.
pub(crate) fn led(to: &MovedSlug, slug: &str) -> [String; 2] {
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

pub(crate) fn pointer(app: &AppState, slug: &str, moved: MovedSlug) -> ResponseBuilder {
    let MovedSlug { id, slug: current_slug } = moved;
    let url = format!("{}/v1/insights/{current_slug}", app.base_url);
    let state = format!("p{current_slug}").replace('-', "_");
    ResponseBuilder::json(&SlugPointerView { slug: slug.to_owned(), id, current_slug, url }).content_type(POINTER).etag_prefix(state)
}

pub(crate) fn redirect(app: &AppState, slug: &str, suffix: &str, request: &HttpRequest) -> ResponseBuilder {
    let query = if request.query_string().is_empty() { String::new() } else { format!("?{}", request.query_string()) };
    let location = app.location(&format!("/v1/insights/{slug}{suffix}{query}"));
    ResponseBuilder::empty(StatusCode::PERMANENT_REDIRECT).header(header::LOCATION, location)
}

/// The media type of what `resolve=false` answers.
pub(crate) const POINTER: &str = "application/vnd.insights.pointer+json";
