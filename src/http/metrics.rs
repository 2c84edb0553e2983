//! Figures for whoever watches the service, in the `OpenMetrics` text format (version 1.0). Requests are named as `OpenTelemetry`'s semantic
//! conventions for HTTP servers name them. Nothing here asks the database: the figures are there when it is not.

use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::dev::{Server, ServiceResponse};
use actix_web::http::Method;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, get, web};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::api::Api;
use super::problem::Problem;
use super::query::Query;
use super::reply::Reply;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Seconds: those that `OpenTelemetry` advises, and two shorter ones.
const BUCKETS: [f64; 16] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// What requests are counted by. A caller cannot make more of them than there are routes, methods and status codes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
#[expect(clippy::struct_field_names, reason = "they are the labels' names")]
struct Asked {
    http_request_method: &'static str,
    http_route: String,
    http_response_status_code: u16,
}

/// How long answers took that were not given from memory.
#[derive(Debug)]
pub struct Metrics {
    durations: Family<Asked, Histogram, fn() -> Histogram>,
    /// Whether they are told at an address of their own, and nowhere else.
    pub(super) apart: bool,
}

impl Metrics {
    #[must_use]
    pub fn new(apart: bool) -> Self {
        Self { durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)), apart }
    }

    pub(super) fn count<B>(&self, method: &Method, answer: Result<&ServiceResponse<B>, &actix_web::Error>, duration: Duration) {
        let asked = Asked {
            http_request_method: known(method),
            http_route: answer.ok().and_then(|answer| answer.request().match_pattern()).unwrap_or_default(),
            http_response_status_code: answer.map_or(500, |answer| answer.status().as_u16()),
        };
        self.durations.get_or_create(&asked).observe(duration.as_secs_f64());
    }
}

fn known(method: &Method) -> &'static str {
    let all = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    let names = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    all.iter().zip(names).find(|(there, _)| *there == method).map_or("_OTHER", |(_, name)| name)
}

/// Get the figures
///
/// For Prometheus and whoever else reads `OpenMetrics`. With an address of its own for metrics, they are told there, and this is 404.
#[utoipa::path(
    tag = "Operations",
    responses((status = 200, description = "The figures.", body = String, content_type = "application/openmetrics-text")),
    security(()),
)]
#[get("/metrics")]
pub(super) async fn get_metrics(api: web::Data<Api>, request: HttpRequest) -> Result<Reply, Problem> {
    Query::none(&request)?;
    if api.metrics.apart {
        return Err(Problem::not_found());
    }
    Ok(Reply::bytes(written(&api).into_bytes(), OPEN_METRICS))
}

/// Serves the figures alone, for as long as the process lives.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve(listener: TcpListener, api: web::Data<Api>) -> std::io::Result<Server> {
    let told = async |api: web::Data<Api>| HttpResponse::Ok().content_type(OPEN_METRICS).body(written(&api));
    let server = HttpServer::new(move || App::new().app_data(api.clone()).route("/metrics", web::get().to(told)));
    Ok(server.workers(1).disable_signals().shutdown_timeout(1).listen(listener)?.run())
}

fn written(api: &Api) -> String {
    let mut text = String::new();
    // Writing into a string does not fail.
    let _ = encode(&mut text, &registry(api));
    text
}

fn registry(api: &Api) -> Registry {
    let mut registry = Registry::default();
    registry.register_with_unit(
        "http_server_request_duration",
        "How long requests took whose answers were not in memory",
        Unit::Seconds,
        api.metrics.durations.clone(),
    );
    let own = registry.sub_registry_with_prefix("insights");
    own.register("build", "Which release this is", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
    let (from_memory, made, bytes) = api.answers.figures();
    let mut counter = |name: &str, help: &str, value: u64| own.register(name, help, ConstCounter::new(value));
    counter("answers_from_memory", "Answers given before a request was routed", from_memory);
    counter("answers_made", "Answers made and kept in memory", made);
    counter("sql_statements", "Statements sent to the database", api.store.statements());
    let mut gauge = |name: &str, help: &str, value: i64| own.register(name, help, ConstGauge::new(value));
    gauge("answers_kept_bytes", "Memory that kept answers take", signed(bytes));
    gauge("requests_in_flight", "Requests that are being answered", signed(api.in_flight.load(Ordering::Relaxed)));
    gauge("event_streams", "Event streams that are open", signed(api.events.open()));
    gauge("content_sequence", "The newest public change that this node has told", api.sequence.load(Ordering::Relaxed));
    let reached = *api.search.progress().borrow();
    gauge("search_ready", "Whether the search index is open", i64::from(reached >= 0));
    gauge(
        "search_rows_behind",
        "Rows that this node has written and search does not show yet",
        (api.store.committed().row - reached.max(0)).max(0),
    );
    gauge("log_readable", "Whether the change log could be read last: 0 while the database is away", i64::from(!api.answers.is_cut_off()));
    registry
}

fn signed<N>(number: N) -> i64
where
    i64: TryFrom<N>,
{
    i64::try_from(number).unwrap_or(i64::MAX)
}
