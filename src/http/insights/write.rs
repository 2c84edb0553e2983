//! Writing drafts: create, replace, patch, delete. The signature of each handler says which authority it needs.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, delete, patch, post, put, web};
use serde_json::Value;

use super::input::{InsightInput, InsightPatch};
use super::params::DeletionParams;
use super::path::{InsightPath, parse_name};
use super::view::InsightView;
use super::write_target::{WriteTarget, commit_or_dry_run, find_authorized};
use crate::domain::authority::{Admin, Editor};
use crate::domain::draft::Draft;
use crate::domain::field_errors::FieldError;
use crate::domain::fields;
use crate::domain::text::Refused;
use crate::editorial::error::EditorialError;
use crate::editorial::{insights, lifecycle};
use crate::http::request::auth::missing_scope;
use crate::http::request::body::Body;
use crate::http::request::params::{IfMatchHeader, IfNoneMatchHeader, OptionalIfMatchHeader};
use crate::http::request::preconditions::Preconditions;
use crate::http::request::query_params::{Query, QueryParams as _};
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::problem::Problem;
use crate::http::response::write_outcome::WriteMode;
use crate::http::state::app_state::AppState;
use crate::store::insights::InsightName;

/// Create an insight
///
/// Creates a draft, which only editors see until it is published. A slug in the input is used exactly or refused with suggestions; a slug
/// that is derived from the title gets the next free number.
#[utoipa::path(
    tag = "Editorial",
    request_body(content = InsightInput, content_type = "application/json"),
    responses((status = 201, description = "The draft.", body = InsightView)),
    security(("bearer" = ["insights:write"])),
    extensions(("x-problems" = json!(["slug-taken"]))),
)]
#[post("/v1/insights")]
pub(in crate::http) async fn create_insight(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let mode = WriteMode::from_request(&request)?;
    let now = app.now();
    let draft = body.parse(Draft::parse)?;
    let pending = insights::create(&app.store, &editor, draft, now).await?;
    commit_or_dry_run(&app, mode, pending, now, StatusCode::CREATED).await
}

/// Replace an insight
///
/// Appends a revision with exactly this input; what the public sees does not change until the revision is published. Needs `If-Match`. With
/// `If-None-Match: *` instead, creates the insight under the slug in the path.
#[utoipa::path(
    tag = "Editorial",
    params(InsightPath, OptionalIfMatchHeader, IfNoneMatchHeader),
    request_body(content = InsightInput, content_type = "application/json"),
    responses(
        (status = 200, description = "The insight with its new revision.", body = InsightView),
        (status = 201, description = "The new draft.", body = InsightView),
    ),
    security(("bearer" = ["insights:write"])),
    extensions(("x-problems" = json!(["slug-taken"]))),
)]
#[put("/v1/insights/{id_or_slug}")]
pub(in crate::http) async fn replace_insight(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<InsightPath>,
    preconditions: Preconditions,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let mode = WriteMode::from_request(&request)?;
    if preconditions.create_only() {
        return create_at_path(&app, mode, &editor, &path.id_or_slug, body).await;
    }
    let target = WriteTarget::find(&app, mode, &path.id_or_slug, editor.principal(), preconditions).await?;
    let draft = body.parse(Draft::parse)?;
    let pending = insights::revise(&app.store, &editor, target.id, &target.expected, |_| Ok(draft.clone()), target.now).await?;
    target.commit_or_dry_run(&app, pending).await
}

/// Patch an insight
///
/// Applies a merge patch (RFC 7396) to the newest revision and appends the result as another one; nothing is appended when nothing changes.
/// Needs `If-Match`.
#[utoipa::path(
    tag = "Editorial",
    params(InsightPath, IfMatchHeader),
    request_body(content = InsightPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The insight with its new revision.", body = InsightView)),
    security(("bearer" = ["insights:write"])),
    extensions(("x-problems" = json!(["slug-taken"]))),
)]
#[patch("/v1/insights/{id_or_slug}")]
pub(in crate::http) async fn patch_insight(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<InsightPath>,
    preconditions: Preconditions,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let mode = WriteMode::from_request(&request)?;
    let target = WriteTarget::find(&app, mode, &path.id_or_slug, editor.principal(), preconditions).await?;
    let merge = body.merge_patch()?;
    let revise = |old: &Draft| Draft::parse(merge(old.to_input())).map_err(EditorialError::Invalid);
    let pending = insights::revise(&app.store, &editor, target.id, &target.expected, revise, target.now).await?;
    target.commit_or_dry_run(&app, pending).await
}

/// Delete an insight
///
/// Moves it to the trash: no read shows it until it is restored. With `permanent=true` an administrator removes it permanently, with its
/// history and its slugs. Needs `If-Match`.
#[utoipa::path(
    tag = "Editorial",
    params(InsightPath, IfMatchHeader, DeletionParams),
    responses((status = 204, description = "It was deleted.")),
    security(("bearer" = ["insights:write"])),
)]
#[delete("/v1/insights/{id_or_slug}")]
pub(in crate::http) async fn delete_insight(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<InsightPath>,
    preconditions: Preconditions,
) -> Result<ResponseBuilder, Problem> {
    let mut query = Query::from_request(&request);
    let DeletionParams { permanent } = DeletionParams::read(&mut query);
    let mode = WriteMode::from_query(&request, query)?;
    let (target, pending) = if permanent {
        let admin = Admin::try_from_principal(editor.principal().clone()).map_err(missing_scope)?;
        let target = WriteTarget::find_anywhere(&app, mode, &path.id_or_slug, preconditions).await?;
        let pending = lifecycle::purge(&app.store, &admin, target.id, &target.expected, target.now).await?;
        (target, pending)
    } else {
        let target = WriteTarget::find(&app, mode, &path.id_or_slug, editor.principal(), preconditions).await?;
        let pending = lifecycle::delete(&app.store, &editor, target.id, &target.expected, target.now).await?;
        (target, pending)
    };
    target.mode.commit_or_dry_run(&app, pending, target.now, async |_, _| Ok(ResponseBuilder::empty(StatusCode::NO_CONTENT))).await
}

/// `PUT` with `If-None-Match: *`: creates the insight under the slug in the path.
async fn create_at_path(
    app: &AppState,
    mode: WriteMode,
    editor: &Editor,
    id_or_slug: &str,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let now = app.now();
    let at_slug = |Refused { code, detail }| FieldError { pointer: "/slug".to_owned(), code, detail };
    let name =
        parse_name(id_or_slug).map_err(|_not_found| Problem::invalid(fields::slug(id_or_slug).err().map(at_slug).into_iter().collect()))?;
    if let Ok(insight) = find_authorized(app, id_or_slug, editor.principal()).await {
        return Err(lifecycle::already_exists_error(&app.store, insight.id).await?.into());
    }
    let InsightName::Slug(slug) = name else { return Err(Problem::not_found()) };
    let draft = body.parse(|mut input| {
        if input.get("slug").is_none_or(Value::is_null) && input.is_object() {
            input["slug"] = Value::from(slug.as_str());
        }
        let draft = Draft::parse(input)?;
        if draft.slug.as_ref().is_some_and(|other| other.as_str() != slug) {
            let detail = "must be the slug in the path, or be left out".to_owned();
            return Err(FieldError { pointer: "/slug".to_owned(), code: "path-mismatch", detail }.into());
        }
        Ok(draft)
    })?;
    let pending = insights::create(&app.store, editor, draft, now).await?;
    commit_or_dry_run(app, mode, pending, now, StatusCode::CREATED).await
}
