//! A finished answer: bytes and headers that can be sent again and again, in every encoding, without being made anew.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::OnceLock;

use actix_web::HttpResponse;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::web::Bytes;

use crate::domain::change::PublicSequence;
use crate::domain::clock::Timestamp;
use crate::http::response::cache_control;
use crate::http::response::cache_control::{CachePolicy, Encoding};

pub(crate) const CONTENT_SEQUENCE: HeaderName = HeaderName::from_static("content-sequence");

/// See the module.
pub struct BufferedResponse {
    pub(crate) status: StatusCode,
    pub(crate) policy: CachePolicy,
    cache_control: Option<HeaderValue>,
    /// None where there is no body.
    content_type: Option<HeaderValue>,
    is_worth_encoding: bool,
    vary: Option<HeaderValue>,
    /// One for each encoding.
    etags: Option<[HeaderValue; 3]>,
    last_modified: Option<(Timestamp, HeaderValue)>,
    sequence: Option<HeaderValue>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// As it is, then compressed: each once, when somebody asks for it first.
    body: Bytes,
    compressed: [OnceLock<Bytes>; 2],
    /// The bytes are encoded already.
    encoded: Option<&'static str>,
}

/// A token makes another answer of the same address: what a browser has of readers without one is not for its editors.
fn with_authorization(vary: Cow<'static, str>, policy: CachePolicy) -> Cow<'static, str> {
    match policy {
        CachePolicy::Public { .. } | CachePolicy::Revalidate => Cow::Owned(format!("{vary}, Authorization")),
        CachePolicy::Embedded | CachePolicy::Never => vary,
    }
}

/// When an answer is given once more.
pub(crate) struct RevalidationState {
    /// The public number that it is true at.
    pub(crate) sequence: PublicSequence,
    /// When the clock changes content next, by what is known now.
    pub(crate) next_transition: Option<Timestamp>,
}

/// What a finished answer is made of.
pub(crate) struct BufferedParts {
    pub(crate) status: StatusCode,
    pub(crate) policy: CachePolicy,
    pub(crate) content_type: &'static str,
    pub(crate) vary: Cow<'static, str>,
    pub(crate) validator: Option<String>,
    pub(crate) last_modified: Option<Timestamp>,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) encoded: Option<&'static str>,
}

thread_local! {
    static NUMBER: RefCell<(i64, HeaderValue)> = const { RefCell::new((0, HeaderValue::from_static("0"))) };
}

/// A number as a header, written once for as long as it stays the same.
fn number(value: i64) -> HeaderValue {
    NUMBER.with_borrow_mut(|(written, header)| {
        if *written != value {
            (*written, *header) = (value, HeaderValue::from(value));
        }
        header.clone()
    })
}

impl BufferedResponse {
    pub(crate) fn of(parts: BufferedParts) -> Self {
        let BufferedParts { status, policy, content_type, vary, validator, last_modified, headers, body, encoded } = parts;
        let value = |text: &str| HeaderValue::from_str(text).ok();
        let mut headers: Vec<(HeaderName, HeaderValue)> =
            headers.into_iter().filter_map(|(name, text)| Some((name, value(&text)?))).collect();
        let sequence = headers.iter().position(|(name, _)| *name == CONTENT_SEQUENCE).map(|place| headers.remove(place).1);
        let etag = |encoding: Encoding| value(&format!("\"{}{}\"", validator.as_ref()?, encoding.etag_suffix()));
        Self {
            status,
            policy,
            cache_control: value(&policy.header()),
            content_type: Some(HeaderValue::from_static(content_type)).filter(|value| !value.is_empty()),
            is_worth_encoding: encoded.is_none() && cache_control::is_worth_encoding(body.len(), content_type),
            vary: value(&with_authorization(vary, policy)),
            etags: etag(Encoding::Identity).zip(etag(Encoding::Brotli)).zip(etag(Encoding::Gzip)).map(|((a, b), c)| [a, b, c]),
            last_modified: last_modified.and_then(|at| Some((at, value(&at.http_date())?))),
            sequence,
            headers,
            body: body.into(),
            compressed: Default::default(),
            encoded,
        }
    }

    /// The same in bytes of its own.
    pub(crate) fn copied(&self) -> Self {
        let own = |value: &HeaderValue| HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_same| value.clone());
        let bytes = |bytes: &Bytes| Bytes::copy_from_slice(bytes);
        let Self {
            status,
            policy,
            cache_control,
            content_type,
            is_worth_encoding,
            vary,
            etags,
            last_modified,
            sequence,
            headers,
            body,
            compressed,
            encoded,
        } = self;
        Self {
            status: *status,
            policy: *policy,
            cache_control: cache_control.as_ref().map(own),
            content_type: content_type.clone(),
            is_worth_encoding: *is_worth_encoding,
            vary: vary.as_ref().map(own),
            etags: etags.as_ref().map(|etags| etags.each_ref().map(own)),
            last_modified: last_modified.as_ref().map(|(at, value)| (*at, own(value))),
            sequence: sequence.as_ref().map(own),
            headers: headers.iter().map(|(name, value)| (name.clone(), own(value))).collect(),
            body: bytes(body),
            compressed: compressed.each_ref().map(|kept| kept.get().map_or_else(OnceLock::new, |kept| OnceLock::from(bytes(kept)))),
            encoded: *encoded,
        }
    }

    /// What it takes in memory, its encodings included.
    pub(crate) fn bytes(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(_, value)| value.len() + 64).sum();
        self.body.len() * 2 + headers
    }

    fn body(&self, encoding: Encoding) -> Bytes {
        let place = match encoding {
            Encoding::Identity => return self.body.clone(),
            Encoding::Brotli => 0,
            Encoding::Gzip => 1,
        };
        self.compressed[place].get_or_init(|| encoding.encode(&self.body).into()).clone()
    }

    /// Whether the reader wants a state that this is not.
    pub(crate) fn is_unwanted(&self, asked: &HeaderMap) -> bool {
        let etag = self.etags.as_ref().map(|[etag, ..]| etag);
        self.status == StatusCode::OK && cache_control::is_unwanted(asked, etag, self.last_modified.as_ref().map(|(at, _)| *at))
    }

    /// What it is known by, whatever the encoding.
    pub(crate) fn etag(&self) -> Option<&str> {
        self.etags.as_ref().and_then(|[etag, ..]| etag.to_str().ok())
    }

    /// The answer for a reader who sent these headers.
    pub(crate) fn respond(&self, asked: &HeaderMap, now: Timestamp, again: Option<&RevalidationState>) -> HttpResponse {
        let encoding = if self.is_worth_encoding { cache_control::encoding(asked) } else { Encoding::Identity };
        let etag = self.etags.as_ref().map(|etags| &etags[encoding as usize]);
        let unmodified =
            self.status == StatusCode::OK && cache_control::is_unmodified(asked, etag, self.last_modified.as_ref().map(|(at, _)| *at));
        let mut response = HttpResponse::new(if unmodified { StatusCode::NOT_MODIFIED } else { self.status });
        let map = response.headers_mut();
        // A reader who has the answer has these too (RFC 9110, section 15.4.5).
        for (name, value) in self.headers.iter().filter(|_| !unmodified) {
            map.append(name.clone(), value.clone());
        }
        let later = again.and_then(|again| HeaderValue::from_str(&self.policy.changed_at(now, again.next_transition)?.header()).ok());
        if let Some(value) = later.or_else(|| self.cache_control.clone()) {
            map.append(header::CACHE_CONTROL, value);
        }
        if let Some(value) = again.map(|again| number(again.sequence.0)).or_else(|| self.sequence.clone()) {
            map.append(CONTENT_SEQUENCE, value);
        }
        if let Some(etag) = etag {
            map.append(header::ETAG, etag.clone());
        }
        if let Some((at, value)) = &self.last_modified {
            cache_control::note_dated(*at, now);
            map.append(header::LAST_MODIFIED, value.clone());
        }
        if let Some(value) = &self.vary {
            map.append(header::VARY, value.clone());
        }
        let Some(content_type) = &self.content_type else { return response };
        if unmodified {
            return response;
        }
        map.append(header::CONTENT_TYPE, content_type.clone());
        if let Some(name) = self.encoded.or(encoding.header()) {
            map.append(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
        response.set_body(BoxBody::new(self.body(encoding)))
    }
}
