//! What requests are counted by. Nothing here asks the database.

use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use std::time::Duration;

/// How long answers took that were not given from memory.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) durations: Family<RequestLabels, Histogram, fn() -> Histogram>,
    /// Whether they are told at an address of their own, and nowhere else.
    pub(crate) apart: bool,
}

impl Metrics {
    #[must_use]
    pub(crate) fn new(apart: bool) -> Self {
        Self { durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)), apart }
    }

    pub(crate) fn count<B>(&self, method: &Method, answer: Result<&ServiceResponse<B>, &actix_web::Error>, duration: Duration) {
        let asked = RequestLabels {
            http_request_method: known(method),
            http_route: answer.ok().and_then(|answer| answer.request().match_pattern()).unwrap_or_default(),
            http_response_status_code: answer.map_or(500, |answer| answer.status().as_u16()),
        };
        self.durations.get_or_create(&asked).observe(duration.as_secs_f64());
    }
}

/// What requests are counted by. A caller cannot make more of them than there are routes, methods and status codes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
#[expect(clippy::struct_field_names, reason = "they are the labels' names")]
pub(crate) struct RequestLabels {
    http_request_method: &'static str,
    http_route: String,
    http_response_status_code: u16,
}

pub(crate) fn known(method: &Method) -> &'static str {
    let all = [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];
    let names = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    all.iter().zip(names).find(|(there, _)| *there == method).map_or("_OTHER", |(_, name)| name)
}

/// Seconds: those that `OpenTelemetry` advises, and two shorter ones.
pub(crate) const BUCKETS: [f64; 16] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
