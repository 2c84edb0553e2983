//! What the public sees: publish, unpublish, restore.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, post, web};
use serde_json::Value;

use super::input::PublicationInput;
use super::naming;
use super::params;
use super::view::InsightView;
use super::write::{conclude, known};
use crate::domain::authority::Publisher;
use crate::domain::fields::{FieldError, FieldReader};
use crate::editorial::lifecycle::{self, Publication};
use crate::http::request::body::Body;
use crate::http::request::preconditions::Preconditions;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::problem::Problem;
use crate::http::response::write_outcome::WriteMode;
use crate::http::state::app_state::AppState;
use crate::store;

/// Publish an insight
///
/// Makes a revision live: the newest now, or another, or later (`publish_at` in the future schedules), or until `unpublish_at`. Visibility is
/// a comparison with the clock at every read, so a schedule cannot be missed. Needs `If-Match`.
#[utoipa::path(
    tag = "Editorial",
    params(params::InsightPath, crate::http::request::params::IfMatchHeader),
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
    path: web::Path<String>,
    preconditions: Preconditions,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let intent = WriteMode::from_request(&request)?;
    let now = app.now();
    let name = naming::parse(&path).ok_or_else(Problem::not_found)?;
    let id = known(&app, &name, publisher.principal()).await?;
    let expected = preconditions.required()?;
    let publication = body.parse_optional(Publication::parse)?;
    let pending = lifecycle::publish(&app.store, &publisher, id, &expected, publication, now).await?;
    conclude(&app, intent, pending, now, StatusCode::OK).await
}

/// Unpublish an insight
///
/// Takes it away from the public at once; its revisions stay, and it is a draft again. Needs `If-Match`.
#[utoipa::path(
    tag = "Editorial",
    params(params::InsightPath, crate::http::request::params::IfMatchHeader),
    responses((status = 200, description = "The insight as it is now.", body = InsightView)),
    security(("bearer" = ["insights:publish"])),
    extensions(("x-problems" = json!(["slug-taken", "validation-failed"]))),
)]
#[post("/v1/insights/{id_or_slug}/unpublish")]
pub(in crate::http) async fn unpublish_insight(
    app: web::Data<AppState>,
    request: HttpRequest,
    publisher: Publisher,
    path: web::Path<String>,
    preconditions: Preconditions,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let intent = WriteMode::from_request(&request)?;
    let now = app.now();
    let name = naming::parse(&path).ok_or_else(Problem::not_found)?;
    let id = known(&app, &name, publisher.principal()).await?;
    let expected = preconditions.required()?;
    body.parse_optional(nothing)?;
    let pending = lifecycle::unpublish(&app.store, &publisher, id, &expected, now).await?;
    conclude(&app, intent, pending, now, StatusCode::OK).await
}

/// Restore an insight
///
/// Takes it out of the trash, exactly as it was: a published one is published again. The `ETag` from before the deletion is still the one to
/// send as `If-Match`.
#[utoipa::path(
    tag = "Editorial",
    params(params::InsightPath, crate::http::request::params::IfMatchHeader),
    responses((status = 200, description = "The insight as it is now.", body = InsightView)),
    security(("bearer" = ["insights:publish"])),
)]
#[post("/v1/insights/{id_or_slug}/restore")]
pub(in crate::http) async fn restore_insight(
    app: web::Data<AppState>,
    request: HttpRequest,
    publisher: Publisher,
    path: web::Path<String>,
    preconditions: Preconditions,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let intent = WriteMode::from_request(&request)?;
    let now = app.now();
    let name = naming::parse(&path).ok_or_else(Problem::not_found)?;
    let id = store::insights::find(app.store.reader(), &name).await?.ok_or_else(Problem::not_found)?.id;
    let expected = preconditions.required()?;
    body.parse_optional(nothing)?;
    let pending = lifecycle::restore(&app.store, &publisher, id, &expected, now).await?;
    conclude(&app, intent, pending, now, StatusCode::OK).await
}

/// A body in which there is nothing to say: whatever is in it is not known.
fn nothing(input: Value) -> Result<(), Vec<FieldError>> {
    FieldReader::new(input, "")?.finish(())
}
