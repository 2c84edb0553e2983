//! Cache keys: requests that get the same response have the same key. A key is the media type and the address, with its parameters sorted
//! and without defaults.
//!
//! [`RequestTarget::from_head`] recognises cacheable requests; [`RequestTarget::canonicalise`] normalises them into a [`CacheKey`].

use std::sync::Arc;

use actix_web::dev::RequestHead;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName};

use crate::domain::page::{DEFAULT_LIMIT, Sort};
use crate::http::request::negotiation::INSIGHT_MEDIA_TYPES;
use crate::http::request::{negotiation, query_params};

/// The responses to longer addresses are not cached.
const MAX_ADDRESS_LENGTH: usize = 4_096;
/// The paths with a parameter `limit` that has the usual default.
const LIST_PATHS: [&str; 6] = ["/v1/insights", "/v1/search", "/v1/changes", "/v1/categories", "/v1/tags", "/v1/authors"];

/// The target of a cacheable request, as the client spelled it.
#[derive(Clone, Copy)]
pub struct RequestTarget<'r> {
    media_type: &'static str,
    path: &'r str,
    query: &'r str,
}

/// The canonical target of a request.
pub struct CacheKey {
    pub(crate) key: Arc<str>,
    /// How the client spelled it, if that is not canonical.
    pub(crate) alias: Option<String>,
    pub(crate) media_type: &'static str,
    /// The canonical path and query.
    pub(crate) address: String,
}

impl<'r> RequestTarget<'r> {
    /// None for requests that are not plain reads, and for addresses whose responses are not cached.
    #[must_use]
    pub fn from_head(head: &'r RequestHead) -> Option<Self> {
        let has = |name: HeaderName| head.headers.contains_key(name);
        let is_plain_read = matches!(head.method, Method::GET | Method::HEAD)
            && !(has(header::AUTHORIZATION) || has(header::IF_MATCH) || has(header::IF_UNMODIFIED_SINCE));
        let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
        if !is_plain_read || path.len() + query.len() > MAX_ADDRESS_LENGTH {
            return None;
        }
        let media_type = match cacheable_kind(path)? {
            CacheableKind::Insight => {
                let accept = negotiation::combined_header(&head.headers, &header::ACCEPT);
                negotiation::choose(accept.as_deref().filter(|accept| *accept != "*/*"), &INSIGHT_MEDIA_TYPES)?
            }
            CacheableKind::Other => INSIGHT_MEDIA_TYPES[0],
        };
        Some(Self { media_type, path, query })
    }

    /// Writes the key of this spelling into a buffer, which is cleared first.
    pub(crate) fn write_key(self, buffer: &mut String) {
        buffer.clear();
        buffer.extend([self.media_type, " ", self.path]);
        if !self.query.is_empty() {
            buffer.extend(["?", self.query]);
        }
    }

    /// None for requests with a preview token.
    #[must_use]
    pub fn canonicalise(self) -> Option<CacheKey> {
        let mut pairs = query_params::pairs(self.query);
        if pairs.iter().any(|(name, _)| name == "preview") {
            return None;
        }
        let is_default = |(name, value): &(String, String)| match (name.as_str(), value.as_str()) {
            ("limit", value) => value.parse() == Ok(DEFAULT_LIMIT) && LIST_PATHS.contains(&self.path),
            ("sort", value) => Sort::parse(value) == Some(Sort::DEFAULT) && self.path == LIST_PATHS[0],
            _ => false,
        };
        // A repeated parameter is refused, even with its default: it must not share the key of a valid request.
        let names: Vec<String> = pairs.iter().map(|(name, _)| name.clone()).collect();
        pairs.retain(|pair| !is_default(pair) || names.iter().filter(|name| **name == pair.0).count() > 1);
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let mut canonical = String::new();
        RequestTarget { media_type: self.media_type, path: self.path, query: &query }.write_key(&mut canonical);
        let mut spelling = String::new();
        self.write_key(&mut spelling);
        let alias = Some(spelling).filter(|spelling| *spelling != canonical);
        let address = canonical[self.media_type.len() + 1..].to_owned();
        Some(CacheKey { address, media_type: self.media_type, key: canonical.into(), alias })
    }
}

enum CacheableKind {
    /// A single insight, whose media type is negotiated.
    Insight,
    Other,
}

fn cacheable_kind(path: &str) -> Option<CacheableKind> {
    if !path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte)) {
        return None;
    }
    let segments = path.strip_prefix("/v1/")?;
    let (first, rest) = segments.split_once('/').map_or((segments, None), |(first, rest)| (first, Some(rest)));
    match (first, rest) {
        ("insights" | "search" | "site" | "changes" | "categories" | "tags" | "authors", None) | ("search", Some("suggestions")) => {
            Some(CacheableKind::Other)
        }
        ("categories" | "tags" | "authors", Some(slug)) if !slug.contains('/') => Some(CacheableKind::Other),
        ("insights", Some(name)) => match name.split_once('/') {
            None => Some(CacheableKind::Insight),
            Some((_, "related")) => Some(CacheableKind::Other),
            Some(_) => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical_address(path: &str, query: &str) -> String {
        RequestTarget { media_type: INSIGHT_MEDIA_TYPES[0], path, query }.canonicalise().map_or_else(String::new, |key| key.address)
    }

    #[test]
    fn spellings_of_one_request_share_a_key() {
        for query in ["tag=a%2Cb&category=x", "category=x&tag=a,b", "limit=20&category=x&tag=a,b", "sort=-published_at&tag=a,b&category=x"]
        {
            assert_eq!(canonical_address("/v1/insights", query), "/v1/insights?category=x&tag=a%2Cb", "{query}");
        }
        assert_eq!(canonical_address("/v1/search", "q=a+b&limit=20"), canonical_address("/v1/search", "q=a%20b"));
    }

    #[test]
    fn requests_that_are_refused_have_keys_of_their_own() {
        assert_eq!(canonical_address("/v1/insights", "limit=20&limit=20"), "/v1/insights?limit=20&limit=20");
        assert_eq!(canonical_address("/v1/search", "q=a&sort=-published_at"), "/v1/search?q=a&sort=-published_at");
        assert_eq!(canonical_address("/v1/insights/a", "limit=20"), "/v1/insights/a?limit=20");
        assert_eq!(canonical_address("/v1/insights/a", "preview=x"), "");
    }

    #[test]
    fn only_public_reads_are_cacheable() {
        for path in [
            "/v1/insights/a/revisions",
            "/v1/events",
            "/v1/users",
            "/v1/exports/insights",
            "/v1/insights/%61",
            "/health/live",
            "/v1/tags/a/b",
        ] {
            assert!(cacheable_kind(path).is_none(), "{path}");
        }
        for path in ["/v1/insights", "/v1/insights/a.md", "/v1/insights/a/related", "/v1/tags/a", "/v1/search/suggestions"] {
            assert!(cacheable_kind(path).is_some(), "{path}");
        }
    }
}
