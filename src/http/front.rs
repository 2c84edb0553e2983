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

use super::api::Api;
use super::cache_key::{CacheKey, Spelled};
use super::envelope;
use super::finished::{Again, Finished};
use super::near::Near;
use super::problem::Problem;
use super::reply::{ForKeeping, Kept, ToKeep};
use super::request_id::{self, REQUEST_ID};
use crate::domain::clock::Timestamp;
use crate::projections::response_cache::{Answer, Making, Outcome, Turn};

/// What is left of a request's headers for whoever makes an answer: names for the log.
const TRACED: [HeaderName; 2] = [REQUEST_ID, HeaderName::from_static("traceparent")];

/// What readers are told while the database is away: the answer is one that was kept, and may be stale (RFC 9211).
const PERHAPS_STALE: HeaderValue = HeaderValue::from_static("insights; hit; detail=database-away");

pub(super) struct Front(pub(super) web::Data<Api>);

impl<S> Transform<S, ServiceRequest> for Front
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Transform = FrontService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, behind: S) -> Self::Future {
        ready(Ok(FrontService { behind: Rc::new(behind), near: Near::new(&self.0.answers), api: self.0.clone() }))
    }
}

pub(super) struct FrontService<S> {
    behind: Rc<S>,
    near: Near,
    api: web::Data<Api>,
}

type Answered = Result<ServiceResponse<BoxBody>, Error>;

impl<S> Service<ServiceRequest> for FrontService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = Either<Ready<Answered>, LocalBoxFuture<'static, Answered>>;

    forward_ready!(behind);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let spelled = Spelled::of(request.head()).filter(|_| self.api.answers.is_on());
        let Some(spelled) = spelled else { return Either::Right(Box::pin(self.behind.call(request))) };
        let now = self.api.now();
        let give = |answer: &Finished, sequence| given(&self.api, answer, request.headers(), (now, sequence));
        if let Some(response) = spelled.with_name(|name| self.near.find(&self.api.answers, name, now, give)) {
            return Either::Left(ready(Ok(request.into_response(response))));
        }
        let Some(key) = spelled.canonical() else { return Either::Right(Box::pin(self.behind.call(request))) };
        Either::Right(Box::pin(turn(self.behind.clone(), self.api.clone(), request, key)))
    }
}

/// An answer that was made before, for a reader with these headers.
fn given(api: &Api, answer: &Finished, headers: &HeaderMap, (now, sequence): (Timestamp, i64)) -> HttpResponse {
    let again = Again { sequence, next_transition: api.answers.next_transition() };
    let mut response = sent(answer, headers, (now, Some(&again)), request_id::header(headers, now));
    if api.answers.is_cut_off() {
        response.headers_mut().insert(header::CACHE_STATUS, PERHAPS_STALE);
    }
    response
}

fn sent(answer: &Finished, headers: &HeaderMap, (now, again): (Timestamp, Option<&Again>), id: Option<HeaderValue>) -> HttpResponse {
    let mut response = answer.respond(headers, now, again);
    let map = response.headers_mut();
    if let Some(id) = id {
        map.append(REQUEST_ID, id);
    }
    envelope::always(map);
    response
}

/// Makes the answer, or waits for whoever makes it.
async fn turn<S>(behind: Rc<S>, api: web::Data<Api>, request: ServiceRequest, key: CacheKey) -> Answered
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    let now = api.now();
    let mut outcome = match api.answers.join(&key.name, now) {
        Turn::Kept(answer, sequence) => {
            key.spelling.iter().for_each(|spelling| api.answers.alias(spelling, &key.name));
            let response = given(&api, &answer.value, request.headers(), (now, sequence));
            return Ok(request.into_response(response));
        }
        Turn::Alone => return behind.call(request).await,
        Turn::Mine(making) => {
            let made = make(behind, request, key, (making, now));
            // It goes on when the reader leaves: others may wait for it.
            return actix_web::rt::spawn(made).await.unwrap_or_else(|_panicked| Err(Problem::internal().into()));
        }
        Turn::Theirs(outcome) => outcome,
    };
    let outcome = outcome.wait_for(Option::is_some).await.map(|outcome| outcome.clone());
    match outcome {
        Ok(Some(Outcome::Made(answer))) if api.answers.is_good_for_waiters(&answer, api.now()) => {
            let now = api.now();
            let id = request_id::header(request.headers(), now);
            let response = sent(&answer.value, request.headers(), (now, None), id);
            Ok(request.into_response(response))
        }
        Ok(Some(Outcome::Failed)) => Ok(failed(&api, request)),
        // It is nobody else's, the clock has overtaken it, or whoever made it is gone.
        Ok(_) | Err(_) => behind.call(request).await,
    }
}

/// What those are told who waited for a computation that failed.
fn failed(api: &Api, request: ServiceRequest) -> ServiceResponse<BoxBody> {
    let problem = Problem::unavailable("the answer could not be made just now: try again in a moment");
    let id = request_id::of(request.headers(), api.now());
    let path = request.path().to_owned();
    envelope::finish(request.into_response(problem.error_response()), api, &path, &id)
}

async fn make<S>(behind: Rc<S>, mut request: ServiceRequest, key: CacheKey, (making, now): (Making<Finished>, Timestamp)) -> Answered
where
    S: Service<ServiceRequest, Response = ServiceResponse<BoxBody>, Error = Error> + 'static,
{
    let asked = rebuild(&mut request, &key);
    let mut response = match behind.call(request).await {
        Ok(response) => response,
        Err(error) => {
            making.finish(Outcome::Failed);
            return Err(error);
        }
    };
    let to_keep = response.response_mut().extensions_mut().remove::<ToKeep>();
    let Some(ToKeep { finished, kept }) = to_keep else {
        making.finish(if response.status().is_server_error() { Outcome::Failed } else { Outcome::NotKept });
        return Ok(response);
    };
    let Kept { made_at, until, names } = kept;
    let bytes = finished.bytes();
    let answer = Arc::new(Answer::new(finished, bytes, made_at, (now, until), names));
    making.finish(Outcome::Made(answer.clone()));
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
    request.extensions_mut().insert(ForKeeping);
    asked
}
