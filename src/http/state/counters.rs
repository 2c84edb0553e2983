//! The request metrics, labelled by method, route and status. Nothing here reads the database.

use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use std::time::Duration;

/// Metrics of requests that the response cache did not answer.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) durations: Family<RequestLabels, Histogram, fn() -> Histogram>,
    /// Whether metrics are served at an address of their own, and nowhere else.
    pub(crate) is_separate: bool,
}

impl Metrics {
    #[must_use]
    pub(crate) fn new(is_separate: bool) -> Self {
        Self { durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)), is_separate }
    }

    pub(crate) fn count<B>(&self, method: &Method, response: Result<&ServiceResponse<B>, &actix_web::Error>, duration: Duration) {
        let labels = RequestLabels {
            http_request_method: method_label(method),
            http_route: response.ok().and_then(|response| response.request().match_pattern()).unwrap_or_default(),
            http_response_status_code: response.map_or(500, |response| response.status().as_u16()),
        };
        self.durations.get_or_create(&labels).observe(duration.as_secs_f64());
    }
}

/// A caller cannot add more series than there are routes, methods and status codes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
#[expect(clippy::struct_field_names, reason = "the field names are the names of the labels")]
pub(crate) struct RequestLabels {
    http_request_method: &'static str,
    http_route: String,
    http_response_status_code: u16,
}

fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

/// Seconds: the buckets that `OpenTelemetry` advises, and two shorter ones.
const BUCKETS: [f64; 16] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
