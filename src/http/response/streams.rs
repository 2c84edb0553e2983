//! Responses whose body is a stream. No cache stores them.

use std::convert::Infallible;

use actix_web::HttpResponse;
use actix_web::body::{BodyStream, BoxBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::web::Bytes;
use futures_util::Stream;

use crate::http::response::cache_control::CachePolicy;
use crate::http::response::headers::set_header;

/// Server-sent events (WHATWG HTML, section 9.2). The extra header keeps nginx from buffering them.
pub(crate) fn event_stream(events: impl Stream<Item = Result<Bytes, Infallible>> + 'static) -> HttpResponse {
    let mut response = stream("text/event-stream", BodyStream::new(events));
    set_header(response.headers_mut(), HeaderName::from_static("x-accel-buffering"), "no");
    response
}

/// Lines of JSON.
pub(crate) fn line_stream(lines: impl Stream<Item = Result<Bytes, std::io::Error>> + 'static) -> HttpResponse {
    stream("application/x-ndjson", BodyStream::new(lines))
}

fn stream<S, E>(content_type: &str, body: BodyStream<S>) -> HttpResponse
where
    S: Stream<Item = Result<Bytes, E>> + 'static,
    E: Into<Box<dyn std::error::Error>> + 'static,
{
    let mut response = HttpResponse::new(StatusCode::OK).set_body(BoxBody::new(body));
    let headers = response.headers_mut();
    set_header(headers, header::CONTENT_TYPE, content_type);
    set_header(headers, header::CACHE_CONTROL, &CachePolicy::Never.header());
    response
}
