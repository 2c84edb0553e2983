//! What every routed request has: an id, an authenticated caller, a slot among the requests in flight, HEAD and OPTIONS, problems as
//! bodies, metrics and a log line.
//!
//! Invariant: a handler runs in a task of its own and is never cancelled. When a client closes its connection, the future of its request is
//! dropped, and with it a transaction half-way, which would leave a broken connection in the pool.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use actix_web::body::{BodySize, BodyStream, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, ResponseError as _, web};
use futures_util::future::join;
use tokio::task::JoinError;

use crate::domain::change::Sequence;
use crate::http::middleware::access_log::{LoggedRequest, log_request, trace_id};
use crate::http::middleware::cors;
use crate::http::request::auth;
use crate::http::request::auth::Authentication;
use crate::http::request::request_id;
use crate::http::request::request_id::REQUEST_ID;
use crate::http::response::headers::{CONTENT_SEQUENCE, set_header};
use crate::http::response::idempotency;
use crate::http::response::idempotency::KeyedRequest;
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;
use crate::http::state::in_flight::InFlightSlot;
use crate::store::changes;

type HandlerResult = Result<ServiceResponse<BoxBody>, actix_web::Error>;

/// The id of a request, for handlers that store it.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(String);

impl RequestId {
    pub(crate) fn from_request(request: &HttpRequest) -> String {
        request.extensions().get::<Self>().map(|id| id.0.clone()).unwrap_or_default()
    }
}

/// What a request has been granted before its handler runs.
struct Admission {
    slot: Option<InFlightSlot>,
    keyed: Option<KeyedRequest>,
}

/// The middleware. Every problem becomes a response here.
pub(crate) async fn request_context(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> HandlerResult {
    let started = Instant::now();
    let Some(app) = request.app_data::<web::Data<AppState>>().cloned() else {
        return Err(actix_web::error::ErrorInternalServerError("no application state"));
    };
    let method = request.method().clone();
    let response = respond(request, next, &app, started).await;
    app.metrics.count(&method, response.as_ref(), started.elapsed());
    response
}

async fn respond(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    app: &web::Data<AppState>,
    started: Instant,
) -> HandlerResult {
    let logged = LoggedRequest {
        method: request.method().clone(),
        path: request.path().to_owned(),
        request_id: request_id::get_or_generate(request.headers(), app.now()),
        trace_id: trace_id(request.headers()),
    };
    let (path, id) = (&logged.path, &logged.request_id);
    if logged.method == Method::OPTIONS {
        let response = cors::preflight(app, &request);
        return Ok(complete_response(request.into_response(response), app, path, id));
    }
    let is_head = logged.method == Method::HEAD;
    if is_head {
        // The connection remembers that this was a HEAD and sends only the headers.
        request.head_mut().method = Method::GET;
    }
    let slot = app.in_flight.try_acquire(app.limits.requests);
    if slot.is_none() && !path.starts_with("/health/") {
        let problem = Problem::unavailable("too many requests are in progress: try again in a moment");
        return Ok(complete_response(request.into_response(problem.error_response()), app, path, id));
    }
    let (response, caller) = match identify_caller(app, &mut request, id).await {
        Err(problem) => (request.into_response(problem.error_response()), String::new()),
        Ok((caller, Some(KeyedRequest::Replayed(response)))) => {
            wait_for_latest_write(app).await;
            (request.into_response(response), caller)
        }
        Ok((caller, keyed)) => match run_handler(app, request, next, Admission { slot, keyed }).await {
            Ok(response) => (response?, caller),
            Err(panic) => return Err(panic_response(&panic, app, path, id)),
        },
    };
    let is_stream = matches!(response.response().body().size(), BodySize::Stream);
    // Nothing reads the body of a HEAD: a stream would hold the connection until it ends.
    let response = if is_head && is_stream { response.map_body(|_, _| empty_stream()) } else { response };
    let response = complete_response(response, app, path, id);
    log_request(&logged, response.status(), started, &caller);
    Ok(response)
}

/// An empty body of unknown length: the headers of a HEAD are those of the GET.
fn empty_stream() -> BoxBody {
    BoxBody::new(BodyStream::new(futures_util::stream::empty::<Result<web::Bytes, Infallible>>()))
}

/// Checks the token and the `Idempotency-Key` of a request. Returns the caller's name, for the log.
async fn identify_caller(app: &AppState, request: &mut ServiceRequest, id: &str) -> Result<(String, Option<KeyedRequest>), Problem> {
    let authentication = auth::authenticate(app, request.headers().get(header::AUTHORIZATION), id).await?;
    let (caller, keyed) = match &authentication {
        Authentication::Authenticated(principal) => (principal.name.clone(), idempotency::begin(app, request, principal).await?),
        Authentication::Anonymous | Authentication::Refused(_) => (String::new(), None),
    };
    request.extensions_mut().insert(authentication);
    request.extensions_mut().insert(RequestId(id.to_owned()));
    if let Some(KeyedRequest::First(claim, _)) = &keyed {
        request.extensions_mut().insert(claim.clone());
    }
    Ok((caller, keyed))
}

/// Runs the handler. A successful write is answered when searches and cache entries show it; a repeated request, not before the first one.
async fn run_handler(
    app: &AppState,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    admission: Admission,
) -> Result<HandlerResult, JoinError> {
    let is_write = !matches!(*request.method(), Method::GET | Method::HEAD);
    let (claim, key_lock) = match admission.keyed {
        Some(KeyedRequest::First(claim, lock)) => (Some(claim), Some(Arc::new(lock))),
        _ => (None, None),
    };
    // The task holds both until it ends, whether or not the client still waits.
    let held = (admission.slot, key_lock.clone());
    let task = actix_web::rt::spawn(async move {
        let _held = held;
        next.call(request).await.map(ServiceResponse::map_into_boxed_body)
    });
    let mut response = match task.await? {
        Ok(response) => response,
        Err(error) => return Ok(Err(error)),
    };
    if let Some(claim) = claim.filter(|_| !response.status().is_success()) {
        response = replay_instead(app, &claim, response).await;
        if response.headers().contains_key(&idempotency::REPLAYED) {
            wait_for_latest_write(app).await;
        }
    } else if is_write && response.status().is_success() {
        wait_for_projections(app, app.store.committed().sequence).await;
    }
    drop(key_lock);
    Ok(Ok(response))
}

/// Waits until searches and cache entries show the newest write, whichever node made it.
pub(crate) async fn wait_for_latest_write(app: &AppState) {
    if let Ok(newest) = changes::newest(app.store.reader()).await {
        // A row of another node may be a draft's, of which there was no notification.
        app.store.notify();
        wait_for_projections(app, newest).await;
    }
}

async fn wait_for_projections(app: &AppState, row: Sequence) {
    join(app.search.wait_for(row), app.cache.wait_for(row)).await;
}

/// A write with a key has failed. If another node has meanwhile completed a request with the same key, its own write is what made this one
/// fail, and its response is the response.
async fn replay_instead(app: &AppState, claim: &idempotency::KeyClaim, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let (request, failed) = response.into_parts();
    let stored = idempotency::replay(&app.store, claim, &request, app.now()).await;
    ServiceResponse::new(request, stored.unwrap_or(None).unwrap_or(failed))
}

/// The response when a handler has panicked. The request is lost with the handler, so the response is built without it.
fn panic_response(panic: &JoinError, app: &AppState, path: &str, id: &str) -> actix_web::Error {
    tracing::error!(path, request_id = id, error = %panic, "handler panicked");
    let body = Problem::internal().body(&app.base_url, path, id).to_string();
    let mut response = HttpResponse::new(StatusCode::INTERNAL_SERVER_ERROR).set_body(BoxBody::new(body));
    let headers = response.headers_mut();
    set_header(headers, header::CONTENT_TYPE, "application/problem+json");
    set_header(headers, header::CACHE_CONTROL, "private, no-store");
    set_header(headers, REQUEST_ID, id);
    set_header(headers, CONTENT_SEQUENCE, &app.sequence.load(Ordering::Relaxed).to_string());
    InternalError::from_response("handler panicked", response).into()
}

/// Writes the body of a problem, and adds the headers that every response has.
pub(crate) fn complete_response(mut response: ServiceResponse<BoxBody>, app: &AppState, path: &str, id: &str) -> ServiceResponse<BoxBody> {
    let problem = response.response().extensions().get::<Problem>().cloned();
    if let Some(problem) = problem {
        let body = problem.body(&app.base_url, path, id).to_string();
        response.response_mut().headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.response_mut().headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
        response = response.map_body(|_, _| BoxBody::new(body));
    }
    let sequence = app.sequence.load(Ordering::Relaxed).to_string();
    let headers = response.headers_mut();
    set_header(headers, REQUEST_ID, id);
    cors::add_common_headers(headers);
    if !headers.contains_key(CONTENT_SEQUENCE) {
        set_header(headers, CONTENT_SEQUENCE, &sequence);
    }
    response
}
