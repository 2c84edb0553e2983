//! Builds successful responses: bytes, their validator, their cache policy. A handler returns a [`ResponseBuilder`]; it sets no caching
//! header itself.

use std::borrow::Cow;

use actix_web::body::BoxBody;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, Responder, ResponseError as _, web};
use serde::Serialize;

use crate::domain::change::PublicSequence;
use crate::domain::clock::Timestamp;
use crate::http::response::buffered::{BufferedParts, BufferedResponse, RequestContext};
use crate::http::response::cache_control::CachePolicy;
use crate::http::response::cache_entry::{CacheFillRequest, CacheInsert, EntryLifetime};
use crate::http::response::etag::EtagSource;
use crate::http::response::headers::{CACHE_TAG, SURROGATE_KEY};
use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;
use crate::http::state::app_state::AppState;
use crate::projections::response_cache::CacheTags;
use crate::store::changes::Freshness;

pub(crate) struct ResponseBuilder {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
    pub(super) content_type: &'static str,
    pub(super) etag: EtagSource,
    pub(super) last_modified: Option<Timestamp>,
    policy: CachePolicy,
    pub(super) vary: Cow<'static, str>,
    pub(super) headers: Vec<(HeaderName, String)>,
    /// Set where the response may become a cache entry.
    lifetime: Option<EntryLifetime>,
}

/// Serialises into bytes that take no more memory than they need: a cache entry lives for long.
fn serialise(write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Err(error) = write(&mut bytes) {
        // Only for maps whose keys are no strings, and no response has one.
        tracing::error!(%error, "a response cannot be serialised");
        bytes.clear();
    }
    bytes.shrink_to_fit();
    bytes
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serialise(|out| serde_json::to_writer(out, value))
}

impl ResponseBuilder {
    pub(crate) fn from_bytes(body: Vec<u8>, content_type: &'static str) -> Self {
        Self {
            status: StatusCode::OK,
            body: body.into(),
            content_type,
            etag: EtagSource::default(),
            last_modified: None,
            policy: CachePolicy::Never,
            vary: Cow::Borrowed("Accept-Encoding"),
            headers: Vec::new(),
            lifetime: None,
        }
    }

    pub(crate) fn json(value: &impl Serialize) -> Self {
        Self::from_bytes(to_json(value), "application/json")
    }

    /// JSON that a function writes part by part.
    pub(crate) fn json_from_writer(write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>) -> Self {
        Self::from_bytes(serialise(write), "application/json")
    }

    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, ..Self::from_bytes(Vec::new(), "") }
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn is_status(&self, status: StatusCode) -> bool {
        self.status == status
    }

    pub(crate) fn content_type(mut self, content_type: &'static str) -> Self {
        self.content_type = content_type;
        self
    }

    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Gives the response a strong `ETag` that starts with this prefix; a digest follows.
    pub(crate) fn etag_prefix(mut self, prefix: String) -> Self {
        self.etag.prefix = Some(prefix);
        self
    }

    /// Digests this value for the `ETag` instead of the body: what an anonymous reader would get.
    pub(crate) fn etag_from(mut self, value: &impl Serialize) -> Self {
        self.etag.digest_input = Some(to_json(value));
        self
    }

    /// Leaves the sequence of the body out of the `ETag`.
    pub(crate) fn etag_without_sequence(mut self) -> Self {
        self.etag.exclude_sequence(&self.body);
        self
    }

    pub(crate) fn last_modified(mut self, at: Timestamp) -> Self {
        self.last_modified = Some(at);
        self
    }

    /// For responses from an index that may lag behind the content: an older response must not be dated like the newest.
    pub(crate) fn last_modified_if(self, current: bool, at: Timestamp) -> Self {
        if current { self.last_modified(at) } else { self }
    }

    /// Raises `Last-Modified` to this moment if it is earlier.
    pub(crate) fn not_older_than(mut self, at: Timestamp) -> Self {
        self.last_modified = self.last_modified.max(Some(at));
        self
    }

    pub(crate) fn policy(mut self, policy: CachePolicy) -> Self {
        self.policy = policy;
        self
    }

    pub(crate) fn vary(mut self, vary: &'static str) -> Self {
        self.vary = Cow::Borrowed(vary);
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Lets the response become a cache entry, until the clock or a change of one of these tags invalidates it. See
    /// [`crate::projections::response_cache`].
    pub(crate) fn cacheable(self, freshness: &Freshness, tags: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.cacheable_at(freshness.sequence, freshness, tags.into_iter().collect())
    }

    /// As [`ResponseBuilder::cacheable`], for a response from an index of this public sequence.
    pub(crate) fn cacheable_at(self, sequence: PublicSequence, freshness: &Freshness, tags: CacheTags) -> Self {
        let sequence = sequence.min(freshness.sequence);
        Self { lifetime: Some(EntryLifetime { sequence, expires_at: freshness.next_transition, tags }), ..self }
    }

    /// Adds the tags by which CDNs purge this response, where its policy lets them cache it.
    pub(crate) fn cache_tag_header(self, tags: &[String]) -> Self {
        if matches!(self.policy, CachePolicy::Public { .. } | CachePolicy::Revalidate) {
            self.header(CACHE_TAG, tags.join(",")).header(SURROGATE_KEY, tags.join(" "))
        } else {
            self
        }
    }
}

impl Responder for ResponseBuilder {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let Some(app) = request.app_data::<web::Data<AppState>>() else { return Problem::internal().error_response() };
        let etag = self.etag.value(&self.body);
        let Self { status, body, content_type, etag: _, last_modified, policy, vary, headers, lifetime } = self;
        let lifetime = lifetime.filter(|_| policy != CachePolicy::Never);
        let parts = BufferedParts { status, policy, content_type, vary, etag, last_modified, headers, body, body_encoding: None };
        let response = BufferedResponse::new(parts);
        if let Some(lifetime) = lifetime
            && request.extensions().contains::<CacheFillRequest>()
        {
            let mut carrier = HttpResponse::new(response.status);
            carrier.extensions_mut().insert(CacheInsert { response: response.reused(), lifetime });
            return carrier;
        }
        let context = app.request_context(request.headers());
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return response.respond(RequestContext { headers: &without_conditions(request.headers()), ..context }, None);
        }
        respond_to_read(&response, context)
    }
}

/// Sends a buffered response to a GET or HEAD request, if that does not require another state.
pub(crate) fn respond_to_read(response: &BufferedResponse, context: RequestContext<'_>) -> HttpResponse {
    if response.is_precondition_failed(context) {
        let problem = Problem::new(ProblemCode::StaleRevision, "it is not in the state that If-Match or If-Unmodified-Since requires");
        return problem.with("current_etag", response.etag()).error_response();
    }
    response.respond(context, None)
}

/// Conditions on reading do not apply to the response of a write.
fn without_conditions(headers: &HeaderMap) -> HeaderMap {
    let mut map = HeaderMap::new();
    for value in headers.get_all(header::ACCEPT_ENCODING) {
        map.append(header::ACCEPT_ENCODING, value.clone());
    }
    map
}
