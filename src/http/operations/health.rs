//! Health checks: liveness and readiness.

use std::time::Duration;

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::request::query_params::Query;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;
use crate::store::changes;

/// A health check must fail fast.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// The service is healthy.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Is the process alive?
///
/// Responds as long as the process can respond at all; it uses no database.
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

/// Can the service serve requests?
///
/// Queries the database. 503 while it cannot be reached.
#[utoipa::path(
    tag = "Operations",
    responses((status = 200, description = "It can.", body = Health)),
    security(()),
)]
#[get("/health/ready")]
pub(crate) async fn get_readiness(app: web::Data<AppState>, request: HttpRequest) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    let timed_out = |_elapsed| Problem::unavailable("the database does not respond");
    let committed = app.store.committed().sequence;
    let newest = tokio::time::timeout(READ_TIMEOUT, changes::newest(app.store.reader())).await.map_err(timed_out)??;
    if newest < committed {
        tracing::error!(%newest, %committed, "reads do not see the last committed write");
        return Err(Problem::unavailable("reads do not see the last committed write: restart this node"));
    }
    Ok(ResponseBuilder::json(&Health { status: "ok" }))
}
