//! Whether the process is alive, and whether it can serve.

use std::time::Duration;

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::request::query_params::Query;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;
use crate::store::changes;

/// Whoever asks wants to know now.
const PATIENCE: Duration = Duration::from_secs(2);

/// All is well.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
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
pub(crate) async fn get_liveness(request: HttpRequest) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    Ok(ResponseBuilder::json(&Health { status: "ok" }))
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
pub(crate) async fn get_readiness(app: web::Data<AppState>, request: HttpRequest) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    let answer = tokio::time::timeout(PATIENCE, app.store.ping()).await;
    answer.map_err(|_elapsed| Problem::unavailable("the database does not answer"))??;
    let committed = app.store.committed().sequence;
    let newest = tokio::time::timeout(PATIENCE, changes::newest(app.store.reader())).await;
    let newest = newest.map_err(|_elapsed| Problem::unavailable("the database does not answer"))??;
    if newest < committed {
        tracing::error!(%newest, %committed, "readers do not see what was committed");
        return Err(Problem::unavailable("readers do not see what was committed: restart this node"));
    }
    Ok(ResponseBuilder::json(&Health { status: "ok" }))
}
