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
use crate::domain::fields::{FieldError, Fields};
use crate::editorial::lifecycle::{self, Publication};
use crate::http::api::Api;
use crate::http::extract::{Body, Preconditions};
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::writes::Intent;
use crate::store;

/// Publish an insight
///
/// Makes a revision live: the newest now, or another, or later (`publish_at` in the future schedules), or until `unpublish_at`. Visibility is
/// a comparison with the clock at every read, so a schedule cannot be missed. Needs `If-Match`.
#[utoipa::path(
    tag = "Editorial",
    params(params::InsightPath, params::IfMatchHeader),
    request_body(content = Option<PublicationInput>, content_type = "application/json"),
    responses((status = 200, description = "The insight as it is now.", body = InsightView)),
    security(("bearer" = ["insights:publish"])),
)]
#[post("/v1/insights/{id_or_slug}/publish")]
pub(in crate::http) async fn publish_insight(
    api: web::Data<Api>,
    request: HttpRequest,
    publisher: Publisher,
    path: web::Path<String>,
    preconditions: Preconditions,
    body: Body,
) -> Result<Reply, Problem> {
    let intent = Intent::of(&request)?;
    let now = api.now();
    let name = naming::parse(&path).ok_or_else(Problem::not_found)?;
    let id = known(&api, &name, publisher.principal()).await?;
    let expected = preconditions.required()?;
    let publication = body.parse_optional(Publication::parse)?;
    let pending = lifecycle::publish(&api.store, &publisher, id, &expected, publication, now).await?;
    conclude(&api, intent, pending, now, StatusCode::OK).await
}

/// Unpublish an insight
///
/// Takes it away from the public at once; its revisions stay, and it is a draft again. Needs `If-Match`.
#[utoipa::path(
    tag = "Editorial",
    params(params::InsightPath, params::IfMatchHeader),
    responses((status = 200, description = "The insight as it is now.", body = InsightView)),
    security(("bearer" = ["insights:publish"])),
)]
#[post("/v1/insights/{id_or_slug}/unpublish")]
pub(in crate::http) async fn unpublish_insight(
    api: web::Data<Api>,
    request: HttpRequest,
    publisher: Publisher,
    path: web::Path<String>,
    preconditions: Preconditions,
    body: Body,
) -> Result<Reply, Problem> {
    let intent = Intent::of(&request)?;
    let now = api.now();
    let name = naming::parse(&path).ok_or_else(Problem::not_found)?;
    let id = known(&api, &name, publisher.principal()).await?;
    let expected = preconditions.required()?;
    body.parse_optional(nothing)?;
    let pending = lifecycle::unpublish(&api.store, &publisher, id, &expected, now).await?;
    conclude(&api, intent, pending, now, StatusCode::OK).await
}

/// Restore an insight
///
/// Takes it out of the trash, exactly as it was: a published one is published again. The `ETag` from before the deletion is still the one to
/// send as `If-Match`.
#[utoipa::path(
    tag = "Editorial",
    params(params::InsightPath, params::IfMatchHeader),
    responses((status = 200, description = "The insight as it is now.", body = InsightView)),
    security(("bearer" = ["insights:publish"])),
)]
#[post("/v1/insights/{id_or_slug}/restore")]
pub(in crate::http) async fn restore_insight(
    api: web::Data<Api>,
    request: HttpRequest,
    publisher: Publisher,
    path: web::Path<String>,
    preconditions: Preconditions,
    body: Body,
) -> Result<Reply, Problem> {
    let intent = Intent::of(&request)?;
    let now = api.now();
    let name = naming::parse(&path).ok_or_else(Problem::not_found)?;
    let id = store::insights::find(api.store.reader(), &name).await?.ok_or_else(Problem::not_found)?.id;
    let expected = preconditions.required()?;
    body.parse_optional(nothing)?;
    let pending = lifecycle::restore(&api.store, &publisher, id, &expected, now).await?;
    conclude(&api, intent, pending, now, StatusCode::OK).await
}

/// A body in which there is nothing to say: whatever is in it is not known.
fn nothing(input: Value) -> Result<(), Vec<FieldError>> {
    Fields::of(input, "")?.finish(())
}
