//! Whether the process is alive, and whether it can serve.

use std::time::Duration;

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::api::Api;
use super::problem::Problem;
use super::query::Query;
use super::reply::Reply;

/// Whoever asks wants to know now.
const PATIENCE: Duration = Duration::from_secs(2);

/// All is well.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Is the process alive?
///
/// Answers as long as the process can answer at all; it asks nobody else.
#[utoipa::path(
    tag = "Operations",
    responses((status = 200, description = "It is.", body = Health)),
    security(()),
)]
#[get("/health/live")]
pub(super) async fn get_liveness(request: HttpRequest) -> Result<Reply, Problem> {
    Query::none(&request)?;
    Ok(Reply::json(&Health { status: "ok" }))
}

/// Can the service serve?
///
/// Asks the database. 503 while it cannot be reached.
#[utoipa::path(
    tag = "Operations",
    responses((status = 200, description = "It can.", body = Health)),
    security(()),
)]
#[get("/health/ready")]
pub(super) async fn get_readiness(api: web::Data<Api>, request: HttpRequest) -> Result<Reply, Problem> {
    Query::none(&request)?;
    let answer = tokio::time::timeout(PATIENCE, api.store.ping()).await;
    answer.map_err(|_elapsed| Problem::unavailable("the database does not answer"))??;
    Ok(Reply::json(&Health { status: "ok" }))
}
