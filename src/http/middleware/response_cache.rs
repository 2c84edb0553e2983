//! The response-cache middleware: valid cache entries are sent before routing; on a miss, one request fills the entry and the others wait.
//!
//! Only cacheable reads without a token are handled here; see [`RequestTarget::from_head`].
//!
//! Invariant: the request that fills an entry is rebuilt from the cache key alone. No header, spelling or encoding of one client can get
//! into the response of another.

use std::cell::RefCell;
use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::body::BoxBody;
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, Uri};
use actix_web::{Error, HttpMessage as _, HttpResponse, ResponseError as _, web};
use futures_util::future::{Either, LocalBoxFuture};

use crate::domain::change::PublicSequence;
use crate::domain::clock::Timestamp;
use crate::http::middleware::cache_key::{CacheKey, RequestTarget};
use crate::http::middleware::cors;
use crate::http::middleware::request_context;
use crate::http::request::request_id;
use crate::http::request::request_id::REQUEST_ID;
use crate::http::response::buffered::{BufferedResponse, RequestContext, RevalidationState};
use crate::http::response::cache_entry::{CacheFillRequest, CacheInsert, EntryLifetime};
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;
use crate::projections::response_cache::{CacheEntry, CacheFill, EntryOrigin, FlightOutcome, FlightReceiver, Lookup};

/// The headers of the client's request that the fill request keeps, for the log.
const TRACE_HEADERS: [HeaderName; 2] = [REQUEST_ID, HeaderName::from_static("traceparent")];

/// `Cache-Status` (RFC 9211) while the database is away: the entry may be stale.
const STALE_IF_ERROR: HeaderValue = HeaderValue::from_static("insights; hit; detail=database-away");

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

    fn new_transform(&self, inner: S) -> Self::Future {
        let hits = self.0.cache.register_hit_counter();
        ready(Ok(ResponseCacheService { inner: Rc::new(inner), hits, key_buffer: RefCell::default(), app: self.0.clone() }))
    }
}

/// The middleware of one worker.
pub(crate) struct ResponseCacheService<S> {
    inner: Rc<S>,
    /// Of this worker alone, so that workers do not contend for it.
    hits: Arc<AtomicU64>,
    key_buffer: RefCell<String>,
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

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let target = RequestTarget::from_head(request.head()).filter(|_| self.app.cache.is_enabled());
        let Some(target) = target else { return Either::Right(Box::pin(self.inner.call(request))) };
        let now = self.app.now();
        let hit = {
            let mut key = self.key_buffer.borrow_mut();
            target.write_key(&mut key);
            self.app.cache.find(&key, now)
        };
        if let Some((entry, sequence)) = hit {
            self.hits.fetch_add(1, Ordering::Relaxed);
            let response = serve_entry(&self.app, &entry.value, request.headers(), now, sequence);
            return Either::Left(ready(Ok(request.into_response(response))));
        }
        let Some(key) = target.canonicalise() else { return Either::Right(Box::pin(self.inner.call(request))) };
        Either::Right(Box::pin(respond_to_miss(self.inner.clone(), self.app.clone(), request, key)))
    }
}

/// The response from a valid entry.
fn serve_entry(app: &AppState, entry: &BufferedResponse, headers: &HeaderMap, now: Timestamp, sequence: PublicSequence) -> HttpResponse {
    let revalidation = RevalidationState { sequence, next_transition: app.cache.next_transition() };
    let context = RequestContext { now, ..app.request_context(headers) };
    let mut response = with_common_headers(entry.respond(context, Some(revalidation)), request_id::response_header(headers, now));
    if app.cache.is_database_away() {
        response.headers_mut().insert(header::CACHE_STATUS, STALE_IF_ERROR);
    }
    response
}

fn with_common_headers(mut response: HttpResponse, request_id: Option<HeaderValue>) -> HttpResponse {
    let headers = response.headers_mut();
    if let Some(id) = request_id {
        headers.append(REQUEST_ID, id);
    }
    cors::add_common_headers(headers);
    response
}

async fn respond_to_miss<S>(inner: Rc<S>, app: web::Data<AppState>, request: ServiceRequest, key: CacheKey) -> ServiceResult
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    let now = app.now();
    match app.cache.join(&key.key, now) {
        Lookup::Hit(entry, sequence) => {
            key.alias.iter().for_each(|alias| app.cache.insert_alias(alias, &key.key));
            let response = serve_entry(&app, &entry.value, request.headers(), now, sequence);
            Ok(request.into_response(response))
        }
        Lookup::Bypass => inner.call(request).await,
        Lookup::Leader(fill) => {
            let filled = fill_entry(inner, app, request, key, fill);
            // A task of its own: it continues when the client leaves, because followers may wait for it.
            actix_web::rt::spawn(filled).await.unwrap_or_else(|_panic| Err(Problem::internal().into()))
        }
        Lookup::Follower(outcome) => follow(inner, app, request, outcome).await,
    }
}

/// Waits for the leader.
async fn follow<S>(
    inner: Rc<S>,
    app: web::Data<AppState>,
    request: ServiceRequest,
    mut outcome: FlightReceiver<BufferedResponse>,
) -> ServiceResult
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    let outcome = outcome.wait_for(Option::is_some).await.map(|outcome| outcome.clone());
    match outcome {
        Ok(Some(FlightOutcome::Filled(entry))) if app.cache.is_fresh_for_followers(&entry, app.now()) => {
            let context = app.request_context(request.headers());
            let id = request_id::response_header(context.headers, context.now);
            let response = with_common_headers(entry.value.respond(context, None), id);
            Ok(request.into_response(response))
        }
        Ok(Some(FlightOutcome::Failed)) => Ok(failed_response(&app, request)),
        // Not cacheable, changed by the clock, or the leader has panicked.
        Ok(_) | Err(_) => inner.call(request).await,
    }
}

/// The response to a follower whose leader has failed.
fn failed_response(app: &AppState, request: ServiceRequest) -> ServiceResponse<BoxBody> {
    let problem = Problem::unavailable("the response could not be computed: try again in a moment");
    let id = request_id::get_or_generate(request.headers(), app.now());
    let path = request.path().to_owned();
    request_context::complete_response(request.into_response(problem.error_response()), app, &path, &id)
}

/// Computes the response as the leader, and fills the entry with it.
async fn fill_entry<S>(
    inner: Rc<S>,
    app: web::Data<AppState>,
    mut request: ServiceRequest,
    key: CacheKey,
    fill: CacheFill<BufferedResponse>,
) -> ServiceResult
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    let now = app.now();
    let client_headers = rebuild_from_key(&mut request, &key);
    let mut response = match inner.call(request).await {
        Ok(response) => response,
        Err(error) => {
            fill.finish(FlightOutcome::Failed);
            return Err(error);
        }
    };
    let insert = response.response_mut().extensions_mut().remove::<CacheInsert>();
    let Some(CacheInsert { response: buffered, lifetime }) = insert else {
        fill.finish(if response.status().is_server_error() { FlightOutcome::Failed } else { FlightOutcome::NotCacheable });
        return Ok(response);
    };
    let EntryLifetime { sequence, expires_at, tags } = lifetime;
    let bytes = buffered.memory_bytes();
    let origin = EntryOrigin { sequence, computed_at: now, expires_at };
    let entry = Arc::new(CacheEntry::new(buffered, bytes, origin, tags));
    fill.finish(FlightOutcome::Filled(entry.clone()));
    let id = response.headers_mut().remove(REQUEST_ID).next();
    let (request, _) = response.into_parts();
    let context = RequestContext { now, ..app.request_context(&client_headers) };
    Ok(ServiceResponse::new(request, with_common_headers(entry.value.respond(context, None), id)))
}

/// Rebuilds a request from the cache key alone. Returns the headers that the client sent.
fn rebuild_from_key(request: &mut ServiceRequest, key: &CacheKey) -> HeaderMap {
    if let Ok(uri) = Uri::try_from(key.address.as_str()) {
        request.head_mut().uri = uri;
    }
    request.head_mut().method = Method::GET;
    let client_headers = std::mem::replace(request.headers_mut(), HeaderMap::new());
    let headers = request.headers_mut();
    for name in TRACE_HEADERS {
        if let Some(value) = client_headers.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    headers.insert(header::ACCEPT, HeaderValue::from_static(key.media_type));
    request.extensions_mut().insert(CacheFillRequest);
    client_headers
}
