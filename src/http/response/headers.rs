//! Names of the headers that this service adds, and how a header is set.

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const CONTENT_SEQUENCE: HeaderName = HeaderName::from_static("content-sequence");
pub(crate) const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
pub(crate) const SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// Sets a header; a value that no header can hold is left out.
pub(crate) fn set_header(map: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        map.insert(name, value);
    }
}
