//! The history of an insight: what was written, by whom, and how it differs. Revisions never change; a restore appends one.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, get, post, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::input::RevisionContent;
use super::path::{InsightPath, RevisionPath};
use super::view::InsightView;
use super::write_target::{commit_or_dry_run, find_authorized};
use crate::domain::authority::Editor;
use crate::domain::clock::Timestamp;
use crate::domain::etag::insight_state;
use crate::editorial::insights;
use crate::http::request::params::{IfMatchHeader, PageParams};
use crate::http::request::preconditions::Preconditions;
use crate::http::request::query_params::{Query, QueryParams as _};
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::made_by::MadeBy;
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
    /// How it was written: `api`, `import`, `restore`, `cli`, `demo` or `system`.
    #[schema(example = "api")]
    pub origin: String,
    /// The earlier revision that it repeats, if its origin is `restore`.
    #[schema(required = true, minimum = 1)]
    pub restored_from: Option<i64>,
    pub slug: String,
    pub title: String,
    /// The locale of the insight's own texts.
    pub source_locale: String,
    pub locales: Vec<String>,
    /// This revision is public, now or from its publication date on.
    pub is_live: bool,
    /// This is the newest revision.
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

/// One revision, with its complete content.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revision)]
pub(in crate::http) struct RevisionView {
    #[serde(flatten)]
    pub summary: RevisionSummaryView,
    /// The body of a PUT that would write the same again.
    #[schema(value_type = RevisionContent)]
    pub content: Value,
}

/// List revisions
///
/// The complete history of an insight, newest first: who wrote each revision, when, with which token, and how.
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
    path: web::Path<InsightPath>,
) -> Result<ResponseBuilder, Problem> {
    let PageParams { limit, cursor } = PageParams::parse(&request)?;
    let insight = find_authorized(&app, &path.id_or_slug, editor.principal()).await?;
    let cursor = pagination::read_cursor(cursor.as_deref(), &store::revisions::identity(insight.id), false)?;
    let page = store::revisions::list(app.store.reader(), insight.id, cursor.as_ref(), limit).await?;
    let sequence = app.freshness(app.now()).await?.sequence;
    let info = pagination::page_info(&page, limit);
    let data = page.rows.into_iter().map(|row| summary(row, &insight)).collect();
    let view = RevisionListView { data, page: info, meta: ListMeta { sequence, total: None } };
    let state = insight_state(insight.id, insight.head_revision, insight.pointer_version);
    Ok(pagination::add_links(ResponseBuilder::json(&view).etag_prefix(state), &app, &request, &view.page))
}

/// Get a revision
///
/// One revision with its complete content, in every locale.
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
    path: web::Path<RevisionPath>,
) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    let insight = find_authorized(&app, &path.id_or_slug, editor.principal()).await?;
    let number = path.number()?;
    let db = app.store.reader();
    let row = store::revisions::find_listed(db, insight.id, number).await?.ok_or_else(Problem::not_found)?;
    let draft = store::drafts::find(db, insight.id, number).await?.ok_or_else(Problem::not_found)?;
    let view = RevisionView { summary: summary(row, &insight), content: draft.to_input() };
    Ok(ResponseBuilder::json(&view).etag_prefix(format!("n{number}")))
}

/// Restore a revision
///
/// Appends a revision with the content of this one. Later revisions stay in the history. What the public sees does not change until the new
/// revision is published. Needs `If-Match`.
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
    path: web::Path<RevisionPath>,
    preconditions: Preconditions,
) -> Result<ResponseBuilder, Problem> {
    let mode = WriteMode::from_request(&request)?;
    let now = app.now();
    let insight = find_authorized(&app, &path.id_or_slug, editor.principal()).await?;
    let number = path.number()?;
    store::revisions::find(app.store.reader(), insight.id, number).await?.ok_or_else(Problem::not_found)?;
    let pending = insights::restore_revision(&app.store, &editor, (insight.id, number), &preconditions.required()?, now).await?;
    commit_or_dry_run(&app, mode, pending, now, StatusCode::OK).await
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
