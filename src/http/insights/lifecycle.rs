//! What the public sees: publish, unpublish, restore.

use actix_web::{HttpRequest, post, web};
use serde_json::Value;

use super::input::PublicationInput;
use super::path::InsightPath;
use super::view::InsightView;
use super::write_target::WriteTarget;
use crate::domain::authority::Publisher;
use crate::domain::field_errors::FieldErrors;
use crate::domain::fields::FieldReader;
use crate::editorial::lifecycle::{self, Publication};
use crate::http::request::body::Body;
use crate::http::request::params::IfMatchHeader;
use crate::http::request::preconditions::Preconditions;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::problem::Problem;
use crate::http::response::write_outcome::WriteMode;
use crate::http::state::app_state::AppState;

/// Publish an insight
///
/// Makes a revision live: the newest now, or another one, or later (`publish_at` in the future schedules), or until `unpublish_at`. Every
/// read compares these dates with the clock, so a schedule cannot be missed. Needs `If-Match`.
#[utoipa::path(
    tag = "Editorial",
    params(InsightPath, IfMatchHeader),
    request_body(content = Option<PublicationInput>, content_type = "application/json"),
    responses((status = 200, description = "The insight as it is now.", body = InsightView)),
    security(("bearer" = ["insights:publish"])),
    extensions(("x-problems" = json!(["slug-taken"]))),
)]
#[post("/v1/insights/{id_or_slug}/publish")]
pub(in crate::http) async fn publish_insight(
    app: web::Data<AppState>,
    request: HttpRequest,
    publisher: Publisher,
    path: web::Path<InsightPath>,
    preconditions: Preconditions,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let mode = WriteMode::from_request(&request)?;
    let target = WriteTarget::find(&app, mode, &path.id_or_slug, publisher.principal(), preconditions).await?;
    let publication = body.parse_optional(Publication::parse)?;
    let pending = lifecycle::publish(&app.store, &publisher, target.id, &target.expected, publication, target.now).await?;
    target.commit_or_dry_run(&app, pending).await
}

/// Unpublish an insight
///
/// Hides it from the public at once; its revisions stay, and it is a draft again. Needs `If-Match`.
#[utoipa::path(
    tag = "Editorial",
    params(InsightPath, IfMatchHeader),
    responses((status = 200, description = "The insight as it is now.", body = InsightView)),
    security(("bearer" = ["insights:publish"])),
    extensions(("x-problems" = json!(["slug-taken", "validation-failed"]))),
)]
#[post("/v1/insights/{id_or_slug}/unpublish")]
pub(in crate::http) async fn unpublish_insight(
    app: web::Data<AppState>,
    request: HttpRequest,
    publisher: Publisher,
    path: web::Path<InsightPath>,
    preconditions: Preconditions,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let mode = WriteMode::from_request(&request)?;
    let target = WriteTarget::find(&app, mode, &path.id_or_slug, publisher.principal(), preconditions).await?;
    body.parse_optional(require_empty)?;
    let pending = lifecycle::unpublish(&app.store, &publisher, target.id, &target.expected, target.now).await?;
    target.commit_or_dry_run(&app, pending).await
}

/// Restore an insight
///
/// Moves it out of the trash, exactly as it was: a published one is published again. The `ETag` from before the deletion is still the one
/// to send as `If-Match`.
#[utoipa::path(
    tag = "Editorial",
    params(InsightPath, IfMatchHeader),
    responses((status = 200, description = "The insight as it is now.", body = InsightView)),
    security(("bearer" = ["insights:publish"])),
)]
#[post("/v1/insights/{id_or_slug}/restore")]
pub(in crate::http) async fn restore_insight(
    app: web::Data<AppState>,
    request: HttpRequest,
    publisher: Publisher,
    path: web::Path<InsightPath>,
    preconditions: Preconditions,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let mode = WriteMode::from_request(&request)?;
    let target = WriteTarget::find_anywhere(&app, mode, &path.id_or_slug, preconditions).await?;
    body.parse_optional(require_empty)?;
    let pending = lifecycle::restore(&app.store, &publisher, target.id, &target.expected, target.now).await?;
    target.commit_or_dry_run(&app, pending).await
}

/// The body of an operation without input: every field is unknown.
fn require_empty(input: Value) -> Result<(), FieldErrors> {
    FieldReader::new(input, "")?.finish(())
}
