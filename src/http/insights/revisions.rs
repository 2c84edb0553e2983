//! The history of an insight: what was written, by whom, and how it differs. Nothing here is ever rewritten; restoring appends.

use crate::http::response::made_by::MadeBy;
use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, get, post, web};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::naming;
use super::params::InsightPath;
use super::view::{InsightView, SeoView};
use super::write::{conclude, known};
use crate::domain::authority::Editor;
use crate::domain::clock::Timestamp;
use crate::domain::etag::insight_state;
use crate::editorial::insights;
use crate::http::request::params::IfMatchHeader;
use crate::http::request::params::PageParams;
use crate::http::request::preconditions::Preconditions;
use crate::http::request::query_params::Query;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::pagination;
use crate::http::response::pagination::{ListMeta, PageInfo};
use crate::http::response::problem::Problem;
use crate::http::response::write_outcome::WriteMode;
use crate::http::state::app_state::AppState;
use crate::store;
use crate::store::revisions::ListedRevision;
use crate::store::rows::insight;

/// One revision, without its texts.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RevisionSummary)]
pub(in crate::http) struct RevisionSummaryView {
    #[schema(minimum = 1)]
    pub number: i64,
    #[schema(format = DateTime)]
    pub created_at: String,
    pub made_by: MadeBy,
    /// Through what it came: `api`, `import`, `restore`, `cli`, `demo` or `system`.
    #[schema(example = "api")]
    pub origin: String,
    /// The earlier revision that it repeats, when its origin is `restore`.
    #[schema(required = true, minimum = 1)]
    pub restored_from: Option<i64>,
    pub slug: String,
    pub title: String,
    /// The locale of the insight's own texts.
    pub source_locale: String,
    pub locales: Vec<String>,
    /// The public sees this one, now or from a moment on.
    pub is_live: bool,
    /// The newest one.
    pub is_newest: bool,
}

/// A page of revisions, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RevisionList)]
pub(in crate::http) struct RevisionListView {
    pub data: Vec<RevisionSummaryView>,
    pub page: PageInfo,
    pub meta: ListMeta,
}

/// One revision, with everything that was written in it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revision)]
pub(in crate::http) struct RevisionView {
    #[serde(flatten)]
    pub summary: RevisionSummaryView,
    /// What a PUT would have to say to write the same again.
    #[schema(value_type = RevisionContentView)]
    pub content: Value,
}

/// The texts of one locale of a revision.
#[derive(ToSchema)]
#[schema(as = RevisionText)]
#[expect(dead_code, reason = "describes an answer to the document")]
pub(in crate::http) struct RevisionTextView {
    title: String,
    #[schema(required = true)]
    excerpt: Option<String>,
    body_markdown: String,
}

/// What an editor wrote, in the shape in which it is written.
#[derive(ToSchema)]
#[schema(as = RevisionContent)]
#[expect(dead_code, reason = "describes an answer to the document")]
pub(in crate::http) struct RevisionContentView {
    #[schema(required = true)]
    slug: Option<String>,
    title: String,
    #[schema(required = true)]
    excerpt: Option<String>,
    body_markdown: String,
    category: String,
    tags: Vec<String>,
    authors: Vec<String>,
    #[schema(required = true)]
    reading_minutes: Option<i64>,
    #[schema(required = true)]
    canonical_url: Option<String>,
    seo: SeoView,
    #[schema(value_type = Object)]
    extra: Map<String, Value>,
    translations: BTreeMap<String, RevisionTextView>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(in crate::http) struct RevisionPath {
    /// The insight's id, or its slug.
    #[param(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 100)]
    id_or_slug: String,
    /// The revision's number.
    #[param(minimum = 1, maximum = 2_147_483_647_i64)]
    number: i64,
}

/// List revisions
///
/// Everything that was ever written of an insight, newest first: who, when, with which token, through what.
#[utoipa::path(
    tag = "Editorial",
    params(InsightPath, PageParams),
    responses((status = 200, description = "A page of revisions.", body = RevisionListView)),
    security(("bearer" = ["insights:write"])),
)]
#[get("/v1/insights/{id_or_slug}/revisions")]
pub(in crate::http) async fn list_revisions(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<String>,
) -> Result<ResponseBuilder, Problem> {
    let mut query = Query::from_request(&request);
    let limit = query.limit();
    let insight = find(&app, &path, &editor).await;
    let identity = insight.as_ref().map_or_else(|_| String::new(), |insight| store::revisions::identity(insight.id));
    let cursor = pagination::read_cursor(&mut query, &identity, false);
    query.finish()?;
    let insight = insight?;
    let page = store::revisions::list(app.store.reader(), insight.id, cursor?.as_ref(), limit).await?;
    let sequence = app.freshness(app.now()).await?.sequence;
    let info = pagination::page_info(&page, limit);
    let data = page.rows.into_iter().map(|row| summary(row, &insight)).collect();
    let view = RevisionListView { data, page: info, meta: ListMeta { sequence, total: None } };
    let state = insight_state(insight.id, insight.head_revision, insight.pointer_version);
    Ok(pagination::add_links(ResponseBuilder::json(&view).etag_prefix(state), &app, &request, &view.page))
}

/// Get a revision
///
/// One revision with everything that was written in it, in every locale.
#[utoipa::path(
    tag = "Editorial",
    params(RevisionPath),
    responses((status = 200, description = "The revision.", body = RevisionView)),
    security(("bearer" = ["insights:write"])),
)]
#[get("/v1/insights/{id_or_slug}/revisions/{number}")]
pub(in crate::http) async fn get_revision(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<(String, String)>,
) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    let (name, text) = path.into_inner();
    let insight = find(&app, &name, &editor).await?;
    let number = number(&text)?;
    let db = app.store.reader();
    let row = store::revisions::find_listed(db, insight.id, number).await?.ok_or_else(Problem::not_found)?;
    let draft = store::drafts::find(db, insight.id, number).await?.ok_or_else(Problem::not_found)?;
    let view = RevisionView { summary: summary(row, &insight), content: draft.to_input() };
    Ok(ResponseBuilder::json(&view).etag_prefix(format!("n{number}")))
}

/// Restore a revision
///
/// Appends a revision that says what this one says. Nothing is lost: what was written since stays in the history. What the public sees stays as
/// it is until the new revision is published. Needs `If-Match`.
#[utoipa::path(
    tag = "Editorial",
    params(RevisionPath, IfMatchHeader),
    responses((status = 200, description = "The insight with its new revision.", body = InsightView)),
    security(("bearer" = ["insights:write"])),
    extensions(("x-problems" = json!(["slug-taken", "validation-failed"]))),
)]
#[post("/v1/insights/{id_or_slug}/revisions/{number}/restore")]
pub(in crate::http) async fn restore_revision(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<(String, String)>,
    preconditions: Preconditions,
) -> Result<ResponseBuilder, Problem> {
    let intent = WriteMode::from_request(&request)?;
    let now = app.now();
    let (name, text) = path.into_inner();
    let insight = find(&app, &name, &editor).await?;
    let number = number(&text)?;
    store::revisions::find(app.store.reader(), insight.id, number).await?.ok_or_else(Problem::not_found)?;
    let pending = insights::restore_revision(&app.store, &editor, (insight.id, number), &preconditions.required()?, now).await?;
    conclude(&app, intent, pending, now, StatusCode::OK).await
}

pub(super) async fn find(app: &AppState, name: &str, editor: &Editor) -> Result<insight::Model, Problem> {
    let name = naming::parse(name).ok_or_else(Problem::not_found)?;
    let id = known(app, &name, editor.principal()).await?;
    let insight = store::insights::find(app.store.reader(), &store::insights::InsightName::Id(id)).await?;
    let insight = insight.filter(|insight| insight.deleted_at.is_none()).ok_or_else(Problem::not_found)?;
    Ok(insight)
}

/// A number in a path; what is none names nothing.
pub(super) fn number(text: &str) -> Result<i64, Problem> {
    // One address for each revision: no signs, no leading zeros.
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    let number = text.parse().ok().filter(|number| plain && (1..=i64::from(i32::MAX)).contains(number));
    number.ok_or_else(Problem::not_found)
}

fn summary(row: ListedRevision, insight: &insight::Model) -> RevisionSummaryView {
    let ListedRevision { revision, title } = row;
    RevisionSummaryView {
        number: revision.number,
        created_at: Timestamp(revision.created_at).rfc3339(),
        made_by: MadeBy::from_revision(&revision),
        is_live: insight.live_revision == Some(revision.number),
        is_newest: insight.head_revision == revision.number,
        locales: revision.locales.0,
        origin: revision.origin,
        restored_from: revision.restored_from,
        slug: revision.slug,
        title,
        source_locale: revision.source_locale,
    }
}
