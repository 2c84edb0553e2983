//! Successful answers: bytes, their validator, their cache policy. Nobody else writes these headers.

use std::borrow::Cow;
use std::cell::RefCell;
use std::convert::Infallible;
use std::ops::Range;

use actix_web::body::{BodyStream, BoxBody};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{self, Bytes};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, Responder, ResponseError as _};
use futures_util::Stream;
use serde::{Deserialize, Serialize};

use crate::domain::change::PublicSequence;
use crate::domain::clock::Timestamp;
use crate::domain::secret;
pub(crate) use crate::http::response::buffered::CONTENT_SEQUENCE;
use crate::http::response::buffered::{BufferedParts, BufferedResponse};
use crate::http::response::cache_control::CachePolicy;
use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;
use crate::http::state::app_state::AppState;
use crate::projections::response_cache::CacheTags;
use crate::store::changes::Freshness;

pub(crate) const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
pub(crate) const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

pub(crate) struct ResponseBuilder {
    status: StatusCode,
    body: Vec<u8>,
    content_type: &'static str,
    /// What the validator says before the digest of the bytes.
    state: Option<String>,
    /// The validator without its quotes, of an answer that was made before.
    etag: Option<String>,
    /// What the digest is made of, when it is not the bytes themselves.
    digested: Option<Vec<u8>>,
    /// The part of the body that the digest is not made of.
    undigested: Range<usize>,
    last_modified: Option<Timestamp>,
    policy: CachePolicy,
    vary: Cow<'static, str>,
    /// The bytes are encoded already.
    encoded: Option<&'static str>,
    headers: Vec<(HeaderName, String)>,
    /// The public number that it is true at, and the names under which it is dropped, where it may be given to others.
    kept: Option<EntryLifetime>,
}

/// So much room is kept between answers.
const MOST_ROOM: usize = 65_536;

/// Bytes that take as much memory as they are: they are written where the answers before were, and copied from there.
fn written(write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>) -> Vec<u8> {
    thread_local! {
        static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    ROOM.with_borrow_mut(|room| {
        let bytes = write(room).map(|()| room.clone()).unwrap_or_default();
        room.clear();
        room.shrink_to(MOST_ROOM);
        bytes
    })
}

fn as_json(value: &impl Serialize) -> Vec<u8> {
    written(|room| serde_json::to_writer(room, value))
}

impl ResponseBuilder {
    pub(crate) fn bytes(body: Vec<u8>, content_type: &'static str) -> Self {
        Self {
            status: StatusCode::OK,
            body,
            content_type,
            state: None,
            etag: None,
            digested: None,
            undigested: 0..0,
            last_modified: None,
            policy: CachePolicy::Never,
            vary: Cow::Borrowed("Accept-Encoding"),
            encoded: None,
            headers: Vec::new(),
            kept: None,
        }
    }

    pub(crate) fn json(value: &impl Serialize) -> Self {
        Self::bytes(as_json(value), "application/json")
    }

    /// JSON that is put together piece by piece.
    pub(crate) fn of_pieces(write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>) -> Self {
        Self::bytes(written(write), "application/json")
    }

    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, ..Self::bytes(Vec::new(), "") }
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    pub(crate) fn is_status(&self, status: StatusCode) -> bool {
        self.status == status
    }

    /// The answer to a write, to be given again later.
    pub(crate) fn frozen(&self) -> StoredResponse {
        StoredResponse {
            status: self.status.as_u16(),
            json: !self.content_type.is_empty(),
            etag: self.validator(),
            last_modified: self.last_modified.map(|at| at.0),
            vary: self.vary.to_string(),
            headers: self.headers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect(),
            body: String::from_utf8_lossy(&self.body).into_owned(),
        }
    }

    pub(crate) fn thawed(frozen: StoredResponse) -> Self {
        let StoredResponse { status, json, etag, last_modified, vary, headers, body } = frozen;
        let headers = headers.into_iter().filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, value))).collect();
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::OK),
            etag,
            last_modified: last_modified.map(Timestamp),
            vary: Cow::Owned(vary),
            headers,
            ..Self::bytes(body.into_bytes(), if json { "application/json" } else { "" })
        }
    }

    /// The strong validator, without its quotes.
    fn validator(&self) -> Option<String> {
        let digest = || {
            let of_body = || secret::sha256_of(&[&self.body[..self.undigested.start], &self.body[self.undigested.end..]]);
            secret::hex(&self.digested.as_deref().map_or_else(of_body, secret::sha256)[..8])
        };
        self.etag.clone().or_else(|| self.state.as_ref().map(|state| format!("{state}-{}", digest())))
    }

    pub(crate) fn content_type(mut self, content_type: &'static str) -> Self {
        self.content_type = content_type;
        self
    }

    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The answer gets a strong `ETag` that begins with this state.
    pub(crate) fn state(mut self, state: String) -> Self {
        self.state = Some(state);
        self
    }

    /// Digest these bytes for the `ETag` instead of the body: what an anonymous reader would get.
    pub(crate) fn digest_of(mut self, value: &impl Serialize) -> Self {
        self.digested = Some(as_json(value));
        self
    }

    pub(crate) fn last_modified(mut self, at: Timestamp) -> Self {
        self.last_modified = Some(at);
        self
    }

    /// For answers made of an index that may be behind the content: an older answer must not be dated like the newest.
    pub(crate) fn last_modified_if(self, current: bool, at: Timestamp) -> Self {
        if current { self.last_modified(at) } else { self }
    }

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

    pub(crate) fn encoded(mut self, encoding: &'static str) -> Self {
        self.encoded = Some(encoding);
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Others may be given it too, until the clock or something of these names changes it. See [`crate::projections::response_cache`].
    pub(crate) fn kept(self, freshness: &Freshness, names: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.kept_at(freshness.sequence, freshness, names.into_iter().collect())
    }

    /// As [`ResponseBuilder::kept`], of what was made of an index at this public number.
    pub(crate) fn kept_at(self, sequence: PublicSequence, freshness: &Freshness, names: CacheTags) -> Self {
        let made_at = sequence.min(freshness.sequence);
        Self { kept: Some(EntryLifetime { made_at, until: freshness.next_transition, names }), ..self }
    }

    /// The validator is about everything but the sequence, which goes on with what does not concern this answer: the same content has the same one
    /// on every node.
    pub(crate) fn digest_without_sequence(mut self) -> Self {
        const NAME: &[u8] = b"\"sequence\":";
        if let Some(place) = self.body.windows(NAME.len()).rposition(|window| window == NAME) {
            let digits = self.body[place + NAME.len()..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            self.undigested = place..place + NAME.len() + digits;
        }
        self
    }

    /// The names under which caches in front drop this answer.
    pub(crate) fn cache_tags(self, tags: &[String]) -> Self {
        if matches!(self.policy, CachePolicy::Public { .. } | CachePolicy::Revalidate) {
            self.header(CACHE_TAG, tags.join(",")).header(SURROGATE_KEY, tags.join(" "))
        } else {
            self
        }
    }
}

/// An answer to a write as it is kept. Its cache policy is that of every write: nobody keeps it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredResponse {
    status: u16,
    json: bool,
    etag: Option<String>,
    last_modified: Option<i64>,
    vary: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// Says that an answer is to be kept: whoever asked for it gives it out.
pub(crate) struct CacheFillRequest;

/// What an answer is made of that any insight, and any term, can change.
pub(crate) const EVERY_INSIGHT: [&str; 2] = ["insights", "terms"];

/// How long an answer may be given to others.
pub(crate) struct EntryLifetime {
    /// The public number that it was made at.
    pub(crate) made_at: PublicSequence,
    /// When the clock changes it.
    pub(crate) until: Option<Timestamp>,
    /// It is dropped when something of these names changes.
    pub(crate) names: CacheTags,
}

/// An answer to be kept.
pub(crate) struct CacheInsert {
    pub(crate) finished: BufferedResponse,
    pub(crate) kept: EntryLifetime,
}

impl Responder for ResponseBuilder {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let validator = self.validator();
        let Self {
            status,
            body,
            content_type,
            state: _,
            etag: _,
            digested: _,
            undigested: _,
            last_modified,
            policy,
            vary,
            encoded,
            headers,
            kept,
        } = self;
        let kept = kept.filter(|_| policy != CachePolicy::Never);
        let finished =
            BufferedResponse::of(BufferedParts { status, policy, content_type, vary, validator, last_modified, headers, body, encoded });
        if let Some(kept) = kept
            && request.extensions().contains::<CacheFillRequest>()
        {
            let mut response = HttpResponse::new(finished.status);
            response.extensions_mut().insert(CacheInsert { finished, kept });
            return response;
        }
        let now = request.app_data::<web::Data<AppState>>().map_or(Timestamp(0), |app| app.now());
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return finished.respond(&without_conditions(request.headers()), now, None);
        }
        if finished.is_unwanted(request.headers()) {
            let problem = Problem::new(ProblemCode::StaleRevision, "it is not in the state that If-Match or If-Unmodified-Since asks for");
            return problem.with("current_etag", finished.etag()).error_response();
        }
        finished.respond(request.headers(), now, None)
    }
}

/// Conditions on reading say nothing of a write's answer.
fn without_conditions(headers: &HeaderMap) -> HeaderMap {
    let mut map = HeaderMap::new();
    for value in headers.get_all(header::ACCEPT_ENCODING) {
        map.append(header::ACCEPT_ENCODING, value.clone());
    }
    map
}

/// Events as they come (WHATWG HTML, section 9.2): nobody keeps them, and no proxy holds them back.
pub(crate) fn event_stream(events: impl Stream<Item = Result<Bytes, Infallible>> + 'static) -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::OK).set_body(BoxBody::new(BodyStream::new(events)));
    let headers = response.headers_mut();
    insert(headers, header::CONTENT_TYPE, "text/event-stream");
    insert(headers, header::CACHE_CONTROL, &CachePolicy::Never.header());
    insert(headers, HeaderName::from_static("x-accel-buffering"), "no");
    response
}

/// Lines of JSON as they are read. Nobody keeps them.
pub(crate) fn line_stream(lines: impl Stream<Item = Result<Bytes, std::io::Error>> + 'static) -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::OK).set_body(BoxBody::new(BodyStream::new(lines)));
    let headers = response.headers_mut();
    insert(headers, header::CONTENT_TYPE, "application/x-ndjson");
    insert(headers, header::CACHE_CONTROL, &CachePolicy::Never.header());
    response
}

pub(crate) fn insert(map: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        map.insert(name, value);
    }
}
