//! What every request and every answer has in common: an id, a known caller, HEAD and OPTIONS, CORS, problems written out, and a line in
//! the log where one is worth it (failures, slow requests, writes; a line for every read would double its cost).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use actix_web::body::{BodySize, BodyStream, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _, web};
use futures_util::future::join;

use crate::domain::change::Sequence;
use crate::http::request::auth;
use crate::http::request::auth::Authentication;
use crate::http::request::request_id;
use crate::http::request::request_id::REQUEST_ID;
use crate::http::response::builder::{CONTENT_SEQUENCE, insert};
use crate::http::response::idempotency;
use crate::http::response::idempotency::KeyedRequest;
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;
use crate::store::changes;

const SLOW_MILLIS: u128 = 1_000;
const EXPOSED: &str = "ETag, Last-Modified, Link, Location, Content-Sequence, Content-Language, Cache-Tag, Cache-Status, Idempotency-Replayed, Retry-After, Allow, X-Request-Id, WWW-Authenticate";
const ALLOWED_HEADERS: &str = "Authorization, Content-Type, If-Match, If-None-Match, If-Modified-Since, Idempotency-Key, Accept, Last-Event-ID, X-Request-Id, traceparent";

/// The innermost request is always answered; errors become problems here.
pub(crate) async fn envelope(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let started = Instant::now();
    let Some(app) = request.app_data::<web::Data<AppState>>().cloned() else {
        return Err(actix_web::error::ErrorInternalServerError("no api"));
    };
    let method = request.method().clone();
    let answer = enveloped(request, next, (&app, started)).await;
    app.metrics.count(&method, answer.as_ref(), started.elapsed());
    answer
}

async fn enveloped(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    (app, started): (&web::Data<AppState>, Instant),
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let id = request_id::of(request.headers(), app.now());
    let trace = trace_id(request.headers());
    let (method, path) = (request.method().clone(), request.path().to_owned());
    if method == Method::OPTIONS {
        let response = preflight(app, &request);
        return Ok(finish(request.into_response(response), app, &path, &id));
    }
    let head = method == Method::HEAD;
    if head {
        // The connection remembers that this was a HEAD and sends the headers alone.
        request.head_mut().method = Method::GET;
    }
    let place = InFlightSlot::take(app);
    if place.is_none() && !path.starts_with("/health/") {
        let problem = Problem::unavailable("too many requests are being answered: try again in a moment");
        return Ok(finish(request.into_response(problem.error_response()), app, &path, &id));
    }
    let (response, caller) = match admitted(app, &mut request, &id).await {
        Err(problem) => (request.into_response(problem.error_response()), String::new()),
        Ok((caller, Some(KeyedRequest::Answered(response)))) => {
            findable(app).await;
            (request.into_response(response), caller)
        }
        Ok((caller, begun)) => match handled(app, request, next, (place, begun)).await {
            Ok(response) => (response?, caller),
            Err(panicked) => return Err(panic_answer(&panicked, app, &path, &id)),
        },
    };
    let is_stream = matches!(response.response().body().size(), BodySize::Stream);
    // Nobody reads the body of a HEAD: a stream would hold the connection until it ends.
    let response = if head && is_stream { response.map_body(|_, _| nothing_yet()) } else { response };
    let response = finish(response, app, &path, &id);
    log(&method, &path, response.status(), started, &CallerLabel { id, trace, name: caller });
    Ok(response)
}

/// A body of unknown length, as that of the stream is, and empty.
fn nothing_yet() -> BoxBody {
    BoxBody::new(BodyStream::new(futures_util::stream::empty::<Result<web::Bytes, std::convert::Infallible>>()))
}

/// Looks at the token and the key of a request. Answers who asks.
async fn admitted(app: &AppState, request: &mut ServiceRequest, id: &str) -> Result<(String, Option<KeyedRequest>), Problem> {
    let authentication = auth::authenticate(app, request.headers().get(header::AUTHORIZATION), id).await?;
    let (caller, begun) = match &authentication {
        Authentication::Known(principal) => (principal.name.clone(), idempotency::begin(app, request, principal).await?),
        Authentication::Anonymous | Authentication::Refused(_) => (String::new(), None),
    };
    request.extensions_mut().insert(authentication);
    request.extensions_mut().insert(RequestId(id.to_owned()));
    if let Some(KeyedRequest::First(claim, _)) = &begun {
        request.extensions_mut().insert(claim.clone());
    }
    Ok((caller, begun))
}

/// Runs the handler. Who is told that something was written finds it; a repetition is told no earlier than the first.
async fn handled(
    app: &AppState,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    (place, begun): (Option<InFlightSlot>, Option<KeyedRequest>),
) -> Result<Result<ServiceResponse<BoxBody>, actix_web::Error>, tokio::task::JoinError> {
    let writes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let (claim, turn) = match begun {
        Some(KeyedRequest::First(claim, turn)) => (Some(claim), Some(Arc::new(turn))),
        _ => (None, None),
    };
    let mut response = match answered(next, request, (place, turn.clone())).await? {
        Ok(response) => response,
        Err(error) => return Ok(Err(error)),
    };
    if let Some(claim) = claim.filter(|_| !response.status().is_success()) {
        response = kept_instead(app, &claim, response).await;
        if response.headers().contains_key(&idempotency::REPLAYED) {
            findable(app).await;
        }
    } else if writes && response.status().is_success() {
        shown(app, app.store.committed().sequence).await;
    }
    drop(turn);
    Ok(Ok(response))
}

/// Waits until what is answered once more can be found here, whichever node wrote it.
pub(crate) async fn findable(app: &AppState) {
    if let Ok(newest) = changes::newest(app.store.reader()).await {
        // It may be a draft's, which rang no bell.
        app.store.notify();
        shown(app, newest).await;
    }
}

/// Waits until searches and kept answers show what a row of the log says.
async fn shown(app: &AppState, sequence: Sequence) {
    join(app.search.wait_for(sequence), app.cache.wait_for(sequence)).await;
}

/// In a task of its own: when the connection is reset, the request's future is dropped, and with it a transaction half-way, which would poison a
/// pooled connection. The task goes on to its end, and keeps what it holds until then.
async fn answered<K: 'static>(
    next: Next<impl MessageBody + 'static>,
    request: ServiceRequest,
    kept: K,
) -> Result<Result<ServiceResponse<BoxBody>, actix_web::Error>, tokio::task::JoinError> {
    actix_web::rt::spawn(async move {
        let _kept = kept;
        next.call(request).await.map(ServiceResponse::map_into_boxed_body)
    })
    .await
}

/// A write that failed under a key: a rival with the same key may have been first, on another node, and what stood in this one's way is its own
/// work. Then the rival's answer is the answer.
async fn kept_instead(app: &AppState, claim: &idempotency::KeyClaim, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let (request, failed) = response.into_parts();
    let kept = idempotency::replay(&app.store, claim, &request, app.now()).await;
    ServiceResponse::new(request, kept.unwrap_or(None).unwrap_or(failed))
}

/// The id of a request, for whoever writes it down.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(String);

impl RequestId {
    pub(crate) fn of(request: &HttpRequest) -> String {
        request.extensions().get::<Self>().map(|id| id.0.clone()).unwrap_or_default()
    }
}

/// What a handler's panic is told as; the log has the cause. The request went with the handler: the answer is made without it.
fn panic_answer(panicked: &tokio::task::JoinError, app: &AppState, path: &str, id: &str) -> actix_web::Error {
    tracing::error!(%path, request_id = id, error = %panicked, "a handler panicked");
    let body = Problem::internal().body(&app.base_url, path, id).to_string();
    let mut response = HttpResponse::new(StatusCode::INTERNAL_SERVER_ERROR).set_body(BoxBody::new(body));
    let headers = response.headers_mut();
    insert(headers, header::CONTENT_TYPE, "application/problem+json");
    insert(headers, header::CACHE_CONTROL, "private, no-store");
    insert(headers, REQUEST_ID, id);
    insert(headers, CONTENT_SEQUENCE, &app.sequence.load(Ordering::Relaxed).to_string());
    InternalError::from_response("a handler panicked", response).into()
}

/// One of the places of requests in flight, given back when the answer is finished, whoever still waits for it.
struct InFlightSlot(web::Data<AppState>);

impl InFlightSlot {
    fn take(app: &web::Data<AppState>) -> Option<Self> {
        let place = Self(app.clone());
        (app.in_flight.fetch_add(1, Ordering::Relaxed) < app.limits.requests).then_some(place)
    }
}

impl Drop for InFlightSlot {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Who asked, for the log.
struct CallerLabel {
    id: String,
    trace: String,
    name: String,
}

/// The trace that the caller says this request belongs to (W3C Trace Context, `traceparent`).
fn trace_id(headers: &HeaderMap) -> String {
    let given = headers.get("traceparent").and_then(|value| value.to_str().ok());
    let id = given.and_then(|text| text.split('-').nth(1)).filter(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()));
    id.unwrap_or_default().to_owned()
}

/// OPTIONS: what an address takes, and for browsers that any origin may ask (never with credentials; a day's worth).
fn preflight(app: &AppState, request: &ServiceRequest) -> HttpResponse {
    let methods = app.documents.get().routes.allowed(request.path());
    let Some(methods) = methods else { return Problem::not_found().error_response() };
    let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
    let headers = response.headers_mut();
    insert(headers, header::ALLOW, &methods);
    insert(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &methods);
    insert(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
    insert(headers, header::ACCESS_CONTROL_MAX_AGE, "86400");
    insert(headers, header::CACHE_CONTROL, "public, max-age=86400");
    response
}

pub(crate) fn finish(mut response: ServiceResponse<BoxBody>, app: &AppState, path: &str, id: &str) -> ServiceResponse<BoxBody> {
    let problem = response.response().extensions().get::<Problem>().cloned();
    if let Some(problem) = problem {
        let body = problem.body(&app.base_url, path, id).to_string();
        response.response_mut().headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.response_mut().headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        response = response.map_body(|_, _| BoxBody::new(body));
    }
    let sequence = app.sequence.load(Ordering::Relaxed).to_string();
    let headers = response.headers_mut();
    insert(headers, REQUEST_ID, id);
    always(headers);
    if !headers.contains_key(CONTENT_SEQUENCE) {
        insert(headers, CONTENT_SEQUENCE, &sequence);
    }
    response
}

/// What every answer has, and none has before.
pub(crate) fn always(headers: &mut HeaderMap) {
    const ANY: HeaderValue = HeaderValue::from_static("*");
    const NAMES: HeaderValue = HeaderValue::from_static(EXPOSED);
    const NO_SNIFFING: HeaderValue = HeaderValue::from_static("nosniff");
    headers.append(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    headers.append(header::ACCESS_CONTROL_EXPOSE_HEADERS, NAMES);
    headers.append(header::X_CONTENT_TYPE_OPTIONS, NO_SNIFFING);
}

fn log(method: &Method, path: &str, status: StatusCode, started: Instant, caller: &CallerLabel) {
    let CallerLabel { id, trace, name } = caller;
    let millis = started.elapsed().as_millis();
    let status = status.as_u16();
    let read = matches!(*method, Method::GET | Method::HEAD);
    if status >= 500 {
        tracing::error!(%method, path, status, millis, request_id = id, trace_id = trace, caller = name, "failed");
    } else if millis >= SLOW_MILLIS {
        tracing::warn!(%method, path, status, millis, request_id = id, trace_id = trace, caller = name, "slow");
    } else if !read {
        tracing::info!(%method, path, status, millis, request_id = id, trace_id = trace, caller = name, "write");
    } else {
        tracing::debug!(%method, path, status, millis, request_id = id, trace_id = trace, caller = name, "read");
    }
}
