//! The log line of a request: failures, slow requests and writes. A line for every read would double its cost, so reads are `debug`.

use std::time::{Duration, Instant};

use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};

const SLOW_REQUEST: Duration = Duration::from_secs(1);

/// A request as the log describes it.
pub(crate) struct LoggedRequest {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) request_id: String,
    /// Empty without a `traceparent`.
    pub(crate) trace_id: String,
}

/// The trace that a request belongs to (W3C Trace Context, `traceparent`); empty if there is none.
pub(crate) fn trace_id(headers: &HeaderMap) -> String {
    let value = headers.get("traceparent").and_then(|value| value.to_str().ok());
    let id = value.and_then(|text| text.split('-').nth(1)).filter(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    id.unwrap_or_default().to_owned()
}

/// Writes the line. `caller` is empty for an anonymous request.
pub(crate) fn log_request(request: &LoggedRequest, status: StatusCode, started: Instant, caller: &str) {
    let LoggedRequest { method, path, request_id, trace_id } = request;
    let elapsed = started.elapsed();
    let (status, duration_ms) = (status.as_u16(), elapsed.as_millis());
    if status >= 500 {
        tracing::error!(%method, path, status, duration_ms, request_id, trace_id, caller, "request failed");
    } else if elapsed >= SLOW_REQUEST {
        tracing::warn!(%method, path, status, duration_ms, request_id, trace_id, caller, "slow request");
    } else if matches!(*method, Method::GET | Method::HEAD) {
        tracing::debug!(%method, path, status, duration_ms, request_id, trace_id, caller, "read");
    } else {
        tracing::info!(%method, path, status, duration_ms, request_id, trace_id, caller, "write");
    }
}
