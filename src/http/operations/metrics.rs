//! Figures for whoever watches the service, in the `OpenMetrics` text format (version 1.0). Requests are named as `OpenTelemetry`'s semantic
//! conventions for HTTP servers name them. Nothing here asks the database: the figures are there when it is not.

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

/// Get the figures
///
/// For Prometheus and whoever else reads `OpenMetrics`. With an address of its own for metrics, they are told there, and this is 404.
#[utoipa::path(
    tag = "Operations",
    responses((status = 200, description = "The figures.", body = String, content_type = "application/openmetrics-text")),
    security(()),
)]
#[get("/metrics")]
pub(crate) async fn get_metrics(app: web::Data<AppState>, request: HttpRequest) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    if app.metrics.apart {
        return Err(Problem::not_found());
    }
    Ok(ResponseBuilder::bytes(written(&app).into_bytes(), OPEN_METRICS))
}

/// Serves the figures alone, for as long as the process lives.
///
/// # Errors
/// When the listener cannot be used.
pub(crate) fn serve(listener: TcpListener, app: web::Data<AppState>) -> std::io::Result<Server> {
    let told = async |app: web::Data<AppState>| HttpResponse::Ok().content_type(OPEN_METRICS).body(written(&app));
    let server = HttpServer::new(move || App::new().app_data(app.clone()).route("/metrics", web::get().to(told)));
    Ok(server.workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

fn written(app: &AppState) -> String {
    let mut text = String::new();
    // Writing into a string does not fail.
    let _ = encode(&mut text, &registry(app));
    text
}

fn registry(app: &AppState) -> Registry {
    let mut registry = Registry::default();
    registry.register_with_unit(
        "http_server_request_duration",
        "How long requests took whose answers were not in memory",
        Unit::Seconds,
        app.metrics.durations.clone(),
    );
    let own = registry.sub_registry_with_prefix("insights");
    own.register("build", "Which release this is", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    let (from_memory, made, bytes) = app.cache.figures();
    let mut counter = |name: &str, help: &str, value: u64| own.register(name, help, ConstCounter::new(value));
    counter("answers_from_memory", "Answers given before a request was routed", from_memory);
    counter("answers_made", "Answers made and kept in memory", made);
    counter("sql_statements", "Statements sent to the database", app.store.statements());
    let mut gauge = |name: &str, help: &str, value: i64| own.register(name, help, ConstGauge::new(value));
    gauge("answers_kept_bytes", "Memory that kept answers take", signed(bytes));
    gauge("requests_in_flight", "Requests that are being answered", signed(app.in_flight.load(Ordering::Relaxed)));
    gauge("event_streams", "Event streams that are open", signed(app.events.open()));
    gauge("content_sequence", "The newest public change that this node has told", app.sequence.load(Ordering::Relaxed).0);
    let reached = *app.search.progress().borrow();
    gauge("search_ready", "Whether the search index is open", i64::from(reached.is_open()));
    gauge(
        "search_rows_behind",
        "Rows that this node has written and search does not show yet",
        (app.store.committed().sequence.0 - reached.0.max(0)).max(0),
    );
    gauge("log_readable", "Whether the change log could be read last: 0 while the database is away", i64::from(!app.cache.is_cut_off()));
    registry
}

fn signed<N>(number: N) -> i64
where
    i64: TryFrom<N>,
{
    i64::try_from(number).unwrap_or(i64::MAX)
}
