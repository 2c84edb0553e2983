//! CORS: any origin may send requests, never with credentials. And the headers that every response has.

use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpResponse, ResponseError as _};

use crate::http::response::headers::set_header;
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;

const EXPOSED_HEADERS: &str = "ETag, Last-Modified, Link, Location, Content-Sequence, Content-Language, Cache-Tag, Cache-Status, \
                               Idempotency-Replayed, Retry-After, Allow, X-Request-Id, WWW-Authenticate";
const ALLOWED_HEADERS: &str = "Authorization, Content-Type, If-Match, If-None-Match, If-Modified-Since, Idempotency-Key, Accept, \
                               Last-Event-ID, X-Request-Id, traceparent";

/// The response to OPTIONS: the methods of a path, and the preflight answer for browsers, valid for a day.
pub(crate) fn preflight(app: &AppState, request: &ServiceRequest) -> HttpResponse {
    let Some(methods) = app.documents.get().routes.allowed_methods(request.path()) else { return Problem::not_found().error_response() };
    let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    set_header(headers, header::ALLOW, &methods);
    set_header(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &methods);
    set_header(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
    set_header(headers, header::ACCESS_CONTROL_MAX_AGE, "86400");
    set_header(headers, header::CACHE_CONTROL, "public, max-age=86400");
    response
}

/// Adds the headers that every response has.
pub(crate) fn add_common_headers(headers: &mut HeaderMap) {
    const ANY_ORIGIN: HeaderValue = HeaderValue::from_static("*");
    const EXPOSED: HeaderValue = HeaderValue::from_static(EXPOSED_HEADERS);
    const NO_SNIFFING: HeaderValue = HeaderValue::from_static("nosniff");
    headers.append(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY_ORIGIN);
    headers.append(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    headers.append(header::X_CONTENT_TYPE_OPTIONS, NO_SNIFFING);
}
