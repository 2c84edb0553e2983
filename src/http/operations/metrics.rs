//! Metrics in the `OpenMetrics` text format (version 1.0). The request metrics follow `OpenTelemetry`'s semantic conventions for HTTP
//! servers.
//!
//! Invariant: nothing here reads the database, so that metrics are available when it is not.

use std::net::TcpListener;
use std::sync::atomic::Ordering;

use actix_web::dev::Server;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, get, web};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::http::request::query_params::Query;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Get the metrics
///
/// For Prometheus and other readers of `OpenMetrics`. With an address of its own for metrics, they are served only there, and this is a
/// 404.
#[utoipa::path(
    tag = "Operations",
    responses((status = 200, description = "The metrics.", body = String, content_type = "application/openmetrics-text")),
    security(()),
    extensions(("x-traits" = json!(["no-cache-control"])), ("x-problems" = json!(["not-found"]))),
)]
#[get("/metrics")]
pub(crate) async fn get_metrics(app: web::Data<AppState>, request: HttpRequest) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    if app.metrics.is_separate {
        return Err(Problem::not_found());
    }
    Ok(ResponseBuilder::from_bytes(encode_metrics(&app).into_bytes(), OPEN_METRICS))
}

/// Serves the metrics at an address of their own, as long as the process runs.
///
/// # Errors
/// The listener cannot be used.
pub(crate) fn serve(listener: TcpListener, app: web::Data<AppState>) -> std::io::Result<Server> {
    let respond = async |app: web::Data<AppState>| HttpResponse::Ok().content_type(OPEN_METRICS).body(encode_metrics(&app));
    let server = HttpServer::new(move || App::new().app_data(app.clone()).route("/metrics", web::get().to(respond)));
    Ok(server.workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

fn encode_metrics(app: &AppState) -> String {
    let mut text = String::new();
    // Writing into a string does not fail.
    let _ = encode(&mut text, &registry(app));
    text
}

fn registry(app: &AppState) -> Registry {
    let mut registry = Registry::default();
    registry.register_with_unit(
        "http_server_request_duration",
        "The duration of requests that the response cache did not answer",
        Unit::Seconds,
        app.metrics.durations.clone(),
    );
    let own = registry.sub_registry_with_prefix("insights");
    own.register("build", "The version of the service", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    let cache = app.cache.stats();
    let mut counter = |name: &str, help: &str, value: u64| own.register(name, help, ConstCounter::new(value));
    counter("cache_hits", "Responses served from the response cache", cache.hits);
    counter("cache_misses", "Responses computed and cached", cache.misses);
    counter("sql_statements", "Statements sent to the database", app.store.statements());
    let mut gauge = |name: &str, help: &str, value: i64| own.register(name, help, ConstGauge::new(value));
    gauge("cache_bytes", "Memory that the response cache uses", saturate(cache.bytes));
    gauge("requests_in_flight", "Requests in progress", saturate(app.in_flight.count()));
    gauge("event_streams", "Open event streams", saturate(app.events.open_streams()));
    gauge("content_sequence", "The newest public sequence that a response of this node has had", app.sequence.load(Ordering::Relaxed).0);
    let indexed = *app.search.progress().borrow();
    gauge("search_ready", "Whether the search index is open", i64::from(indexed.is_open()));
    let lag = (app.store.committed().sequence.0 - indexed.0.max(0)).max(0);
    gauge("search_lag_rows", "Rows that this node has written and search does not show yet", lag);
    let is_readable = i64::from(!app.cache.is_database_away());
    gauge("log_readable", "Whether the last read of the change log succeeded: 0 while the database is away", is_readable);
    registry
}

fn saturate<N>(number: N) -> i64
where
    i64: TryFrom<N>,
{
    i64::try_from(number).unwrap_or(i64::MAX)
}
