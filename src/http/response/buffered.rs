//! A buffered response: headers and bytes that can be sent any number of times, in every encoding, without computing them again.
//!
//! [`BufferedResponse::respond`] negotiates the encoding and answers conditional requests. It is the only place that writes caching headers
//! and validators.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;

use crate::domain::change::PublicSequence;
use crate::domain::clock::Timestamp;
use crate::http::response::cache_control::CachePolicy;
use crate::http::response::conditional;
use crate::http::response::conditional::{LastDated, Validators};
use crate::http::response::encoded_body::{BackgroundCompressor, EncodedBody};
use crate::http::response::encoding;
use crate::http::response::encoding::Encoding;
use crate::http::response::etag::EtagSource;
use crate::http::response::headers::CONTENT_SEQUENCE;

/// See the module.
pub struct BufferedResponse {
    pub(crate) status: StatusCode,
    policy: CachePolicy,
    cache_control: Option<HeaderValue>,
    /// None where there is no body.
    content_type: Option<HeaderValue>,
    is_compressible: bool,
    vary: Option<HeaderValue>,
    /// One for each encoding.
    etags: Option<[HeaderValue; 3]>,
    last_modified: Option<(Timestamp, HeaderValue)>,
    /// The public sequence at which it was computed.
    sequence: Option<(PublicSequence, HeaderValue)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: EncodedBody,
    /// Whether it is sent more than once, so that compressing a long body pays.
    is_reused: bool,
    /// The encoding that the body already has.
    body_encoding: Option<&'static str>,
}

/// What a buffered response is built from.
pub(crate) struct BufferedParts {
    pub(crate) status: StatusCode,
    pub(crate) policy: CachePolicy,
    pub(crate) content_type: &'static str,
    pub(crate) vary: Cow<'static, str>,
    /// Without quotes.
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<Timestamp>,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Bytes,
    pub(crate) body_encoding: Option<&'static str>,
}

/// The request that a buffered response is sent to.
#[derive(Clone, Copy)]
pub(crate) struct RequestContext<'r> {
    pub(crate) headers: &'r HeaderMap,
    pub(crate) now: Timestamp,
    pub(crate) last_dated: &'r LastDated,
    pub(crate) compressor: &'r BackgroundCompressor,
}

/// What is true of a cache entry at the moment at which it is served.
#[derive(Clone, Copy)]
pub(crate) struct RevalidationState {
    /// The public sequence at which the entry is valid.
    pub(crate) sequence: PublicSequence,
    /// When the clock changes content next.
    pub(crate) next_transition: Option<Timestamp>,
}

/// A token changes the response of an address: the copy that a browser has of the public one is not for editors.
fn vary_by_authorization(vary: Cow<'static, str>, policy: CachePolicy) -> Cow<'static, str> {
    match policy {
        CachePolicy::Public { .. } | CachePolicy::Revalidate => Cow::Owned(format!("{vary}, Authorization")),
        CachePolicy::Embedded | CachePolicy::Never => vary,
    }
}

impl BufferedResponse {
    pub(crate) fn new(parts: BufferedParts) -> Self {
        let BufferedParts { status, policy, content_type, vary, etag, last_modified, headers, body, body_encoding } = parts;
        let value = |text: &str| HeaderValue::from_str(text).ok();
        let mut headers: Vec<(HeaderName, HeaderValue)> =
            headers.into_iter().filter_map(|(name, text)| Some((name, value(&text)?))).collect();
        let sequence = headers.iter().position(|(name, _)| *name == CONTENT_SEQUENCE).map(|index| headers.remove(index).1);
        let sequence = sequence.and_then(|value| Some((PublicSequence(value.to_str().ok()?.parse().ok()?), value)));
        let etag = |encoding: Encoding| value(&format!("\"{}{}\"", etag.as_ref()?, encoding.etag_suffix()));
        Self {
            status,
            policy,
            cache_control: value(&policy.header()),
            content_type: Some(HeaderValue::from_static(content_type)).filter(|value| !value.is_empty()),
            is_compressible: body_encoding.is_none() && encoding::is_compressible(body.len(), content_type),
            vary: value(&vary_by_authorization(vary, policy)),
            etags: etag(Encoding::Identity).zip(etag(Encoding::Brotli)).zip(etag(Encoding::Gzip)).map(|((a, b), c)| [a, b, c]),
            last_modified: last_modified.and_then(|at| Some((at, value(&at.http_date())?))),
            sequence,
            headers,
            body: EncodedBody::new(body),
            is_reused: false,
            body_encoding,
        }
    }

    /// A response that is a part of the binary. Its bytes are shared by every request.
    pub(crate) fn embedded(body: Bytes, content_type: &'static str) -> Self {
        let etag = EtagSource::with_prefix("e").value(&body);
        let parts = BufferedParts {
            status: StatusCode::OK,
            policy: CachePolicy::Embedded,
            content_type,
            vary: Cow::Borrowed("Accept-Encoding"),
            etag,
            last_modified: None,
            headers: Vec::new(),
            body,
            body_encoding: None,
        };
        Self::new(parts).reused()
    }

    /// Says that the body already has this encoding.
    pub(crate) fn encoded_as(self, encoding: Encoding) -> Self {
        Self { body_encoding: encoding.token(), is_compressible: false, ..self }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    /// How much memory it takes, an estimate of its encodings included.
    pub(crate) fn memory_bytes(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(_, value)| value.len() + 64).sum();
        self.body.len() * 2 + headers
    }

    /// Marks a response that is sent more than once. A long body of another one is never compressed.
    pub(crate) fn reused(self) -> Self {
        Self { is_reused: true, ..self }
    }

    /// The encoding in which the body is sent to this request.
    fn encoding(&self, context: RequestContext<'_>) -> Encoding {
        let preferred = if self.is_compressible { Encoding::negotiate(context.headers) } else { Encoding::Identity };
        let available = self.body.available(preferred);
        if available != preferred && self.is_reused {
            self.body.prepare(preferred, context.compressor);
        }
        available
    }

    fn validators(&self, encoding: Encoding) -> Validators<'_> {
        let etag = self.etags.as_ref().map(|etags| &etags[encoding as usize]);
        Validators { etag, last_modified: self.last_modified.as_ref().map(|(at, _)| *at) }
    }

    /// Whether the request requires a state that this is not.
    pub(crate) fn is_precondition_failed(&self, context: RequestContext<'_>) -> bool {
        let validators = self.validators(Encoding::Identity);
        self.status == StatusCode::OK && conditional::is_precondition_failed(context.headers, validators, context.last_dated)
    }

    /// The strong validator of the identity encoding.
    pub(crate) fn etag(&self) -> Option<&str> {
        self.etags.as_ref().and_then(|[etag, ..]| etag.to_str().ok())
    }

    /// The sequence of now, or of the time when it was computed.
    fn sequence_header(&self, revalidation: Option<RevalidationState>) -> Option<HeaderValue> {
        let own = self.sequence.as_ref().filter(|(computed_at, _)| revalidation.is_none_or(|state| state.sequence == *computed_at));
        own.map(|(_, value)| value.clone()).or_else(|| revalidation.map(|state| HeaderValue::from(state.sequence.0)))
    }

    /// The response to a request: 304 if the client has it already. `revalidation` is given for a cache entry that was computed earlier.
    pub(crate) fn respond(&self, context: RequestContext<'_>, revalidation: Option<RevalidationState>) -> HttpResponse {
        let encoding = self.encoding(context);
        let validators = self.validators(encoding);
        let not_modified = self.status == StatusCode::OK && conditional::is_not_modified(context.headers, validators, context.last_dated);
        let mut response = HttpResponse::new(if not_modified { StatusCode::NOT_MODIFIED } else { self.status });
        let map = response.headers_mut();
        // A client that has the response has these too (RFC 9110, section 15.4.5).
        for (name, value) in self.headers.iter().filter(|_| !not_modified) {
            map.append(name.clone(), value.clone());
        }
        let limited = revalidation.and_then(|state| self.policy.limited_by_transition(context.now, state.next_transition));
        let cache_control = limited.and_then(|policy| HeaderValue::from_str(&policy.header()).ok()).or_else(|| self.cache_control.clone());
        if let Some(value) = cache_control {
            map.append(header::CACHE_CONTROL, value);
        }
        if let Some(value) = self.sequence_header(revalidation) {
            map.append(CONTENT_SEQUENCE, value);
        }
        if let Some(etag) = validators.etag {
            map.append(header::ETAG, etag.clone());
        }
        if let Some((at, value)) = &self.last_modified {
            context.last_dated.record(*at, context.now);
            map.append(header::LAST_MODIFIED, value.clone());
        }
        if let Some(value) = &self.vary {
            map.append(header::VARY, value.clone());
        }
        let Some(content_type) = self.content_type.as_ref().filter(|_| !not_modified) else { return response };
        map.append(header::CONTENT_TYPE, content_type.clone());
        if let Some(name) = self.body_encoding.or(encoding.token()) {
            map.append(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        response.set_body(BoxBody::new(self.body.bytes(encoding)))
    }
}
