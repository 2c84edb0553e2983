//! In front of everything: finished answers are given out before a request is routed, and one request for each makes it.
//!
//! Only reads without a token come in, of addresses whose answers may be kept. Whoever makes an answer is given a request that was put together
//! here, of what the key says and nothing else: no header, spelling or encoding of one reader can get into the answer of another.

use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use actix_web::{Error, HttpMessage as _, HttpResponse, ResponseError as _, web};
use futures_util::future::{Either, LocalBoxFuture};

use crate::domain::change::PublicSequence;
use crate::domain::clock::Timestamp;
use crate::http::middleware::cache_key::{CacheKey, RequestTarget};
use crate::http::middleware::request_context;
use crate::http::middleware::worker_cache::WorkerCache;
use crate::http::request::request_id;
use crate::http::request::request_id::REQUEST_ID;
use crate::http::response::buffered::{BufferedResponse, RevalidationState};
use crate::http::response::builder::{CacheFillRequest, CacheInsert, EntryLifetime};
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;
use crate::projections::response_cache::{CacheEntry, CacheFill, FlightOutcome, Lookup};

/// What is left of a request's headers for whoever makes an answer: names for the log.
const TRACED: [HeaderName; 2] = [REQUEST_ID, HeaderName::from_static("traceparent")];

/// What readers are told while the database is away: the answer is one that was kept, and may be stale (RFC 9211).
const PERHAPS_STALE: HeaderValue = HeaderValue::from_static("insights; hit; detail=database-away");

pub(crate) struct ResponseCacheMiddleware(pub(crate) web::Data<AppState>);

impl<S> Transform<S, ServiceRequest> for ResponseCacheMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Transform = ResponseCacheService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, behind: S) -> Self::Future {
        ready(Ok(ResponseCacheService { behind: Rc::new(behind), near: WorkerCache::new(&self.0.cache), app: self.0.clone() }))
    }
}

pub(crate) struct ResponseCacheService<S> {
    behind: Rc<S>,
    near: WorkerCache,
    app: web::Data<AppState>,
}

type ServiceResult = Result<ServiceResponse<BoxBody>, Error>;

impl<S> Service<ServiceRequest> for ResponseCacheService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = Either<Ready<ServiceResult>, LocalBoxFuture<'static, ServiceResult>>;

    forward_ready!(behind);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let spelled = RequestTarget::of(request.head()).filter(|_| self.app.cache.is_on());
        let Some(spelled) = spelled else { return Either::Right(Box::pin(self.behind.call(request))) };
        let now = self.app.now();
        let give = |answer: &BufferedResponse, sequence| given(&self.app, answer, request.headers(), (now, sequence));
        if let Some(response) = spelled.with_name(|name| self.near.find(&self.app.cache, name, now, give)) {
            return Either::Left(ready(Ok(request.into_response(response))));
        }
        let Some(key) = spelled.canonical() else { return Either::Right(Box::pin(self.behind.call(request))) };
        Either::Right(Box::pin(turn(self.behind.clone(), self.app.clone(), request, key)))
    }
}

/// An answer that was made before, for a reader with these headers.
fn given(app: &AppState, answer: &BufferedResponse, headers: &HeaderMap, (now, sequence): (Timestamp, PublicSequence)) -> HttpResponse {
    let again = RevalidationState { sequence, next_transition: app.cache.next_transition() };
    let mut response = sent(answer, headers, (now, Some(&again)), request_id::header(headers, now));
    if app.cache.is_cut_off() {
        response.headers_mut().insert(header::CACHE_STATUS, PERHAPS_STALE);
    }
    response
}

fn sent(
    answer: &BufferedResponse,
    headers: &HeaderMap,
    (now, again): (Timestamp, Option<&RevalidationState>),
    id: Option<HeaderValue>,
) -> HttpResponse {
    let mut response = answer.respond(headers, now, again);
    let map = response.headers_mut();
    if let Some(id) = id {
        map.append(REQUEST_ID, id);
    }
    request_context::always(map);
    response
}

/// Makes the answer, or waits for whoever makes it.
async fn turn<S>(behind: Rc<S>, app: web::Data<AppState>, request: ServiceRequest, key: CacheKey) -> ServiceResult
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    let now = app.now();
    let mut outcome = match app.cache.join(&key.name, now) {
        Lookup::Kept(answer, sequence) => {
            key.spelling.iter().for_each(|spelling| app.cache.alias(spelling, &key.name));
            let response = given(&app, &answer.value, request.headers(), (now, sequence));
            return Ok(request.into_response(response));
        }
        Lookup::Alone => return behind.call(request).await,
        Lookup::Mine(making) => {
            let made = make(behind, request, key, (making, now));
            // It goes on when the reader leaves: others may wait for it.
            return actix_web::rt::spawn(made).await.unwrap_or_else(|_panicked| Err(Problem::internal().into()));
        }
        Lookup::Theirs(outcome) => outcome,
    };
    let outcome = outcome.wait_for(Option::is_some).await.map(|outcome| outcome.clone());
    match outcome {
        Ok(Some(FlightOutcome::Made(answer))) if app.cache.is_good_for_waiters(&answer, app.now()) => {
            let now = app.now();
            let id = request_id::header(request.headers(), now);
            let response = sent(&answer.value, request.headers(), (now, None), id);
            Ok(request.into_response(response))
        }
        Ok(Some(FlightOutcome::Failed)) => Ok(failed(&app, request)),
        // It is nobody else's, the clock has overtaken it, or whoever made it is gone.
        Ok(_) | Err(_) => behind.call(request).await,
    }
}

/// What those are told who waited for a computation that failed.
fn failed(app: &AppState, request: ServiceRequest) -> ServiceResponse<BoxBody> {
    let problem = Problem::unavailable("the answer could not be made just now: try again in a moment");
    let id = request_id::of(request.headers(), app.now());
    let path = request.path().to_owned();
    request_context::finish(request.into_response(problem.error_response()), app, &path, &id)
}

async fn make<S>(
    behind: Rc<S>,
    mut request: ServiceRequest,
    key: CacheKey,
    (making, now): (CacheFill<BufferedResponse>, Timestamp),
) -> ServiceResult
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    let asked = rebuild(&mut request, &key);
    let mut response = match behind.call(request).await {
        Ok(response) => response,
        Err(error) => {
            making.finish(FlightOutcome::Failed);
            return Err(error);
        }
    };
    let to_keep = response.response_mut().extensions_mut().remove::<CacheInsert>();
    let Some(CacheInsert { finished, kept }) = to_keep else {
        making.finish(if response.status().is_server_error() { FlightOutcome::Failed } else { FlightOutcome::NotKept });
        return Ok(response);
    };
    let EntryLifetime { made_at, until, names } = kept;
    let bytes = finished.bytes();
    let answer = Arc::new(CacheEntry::new(finished, bytes, made_at, (now, until), names));
    making.finish(FlightOutcome::Made(answer.clone()));
    let id = response.headers_mut().remove(REQUEST_ID).next();
    let (request, _) = response.into_parts();
    let response = sent(&answer.value, &asked, (now, None), id);
    Ok(ServiceResponse::new(request, response))
}

/// Makes a request of the key alone. Answers the headers that the reader sent.
fn rebuild(request: &mut ServiceRequest, key: &CacheKey) -> HeaderMap {
    if let Ok(uri) = Uri::try_from(key.address.as_str()) {
        request.head_mut().uri = uri;
    }
    request.head_mut().method = Method::GET;
    let asked = std::mem::replace(request.headers_mut(), HeaderMap::new());
    let headers = request.headers_mut();
    for name in TRACED {
        if let Some(value) = asked.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    headers.insert(header::ACCEPT, HeaderValue::from_static(key.form));
    request.extensions_mut().insert(CacheFillRequest);
    asked
}
