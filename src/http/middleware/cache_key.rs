//! What requests have in common that get the same answer: the address with its parameters in order and without defaults, and the form.

use std::cell::RefCell;
use std::sync::Arc;

use actix_web::dev::RequestHead;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName};

use crate::domain::page::{DEFAULT_LIMIT, Sort};
use crate::http::request::negotiation::FORMS;
use crate::http::request::{negotiation, query_params};

/// Longer addresses are answered and not kept.
const LONGEST: usize = 4_096;
/// Addresses that take `limit`, with its usual default.
const LISTS: [&str; 6] = ["/v1/insights", "/v1/search", "/v1/changes", "/v1/categories", "/v1/tags", "/v1/authors"];

/// A request whose answer may be kept, as its reader spelled it.
#[derive(Clone, Copy)]
pub struct RequestTarget<'r> {
    form: &'static str,
    path: &'r str,
    query: &'r str,
}

/// The one spelling of a request that its answer is kept under.
pub struct CacheKey {
    pub(crate) name: Arc<str>,
    /// How the reader spelled it, where that is not the name.
    pub(crate) spelling: Option<String>,
    pub(crate) form: &'static str,
    pub(crate) address: String,
}

thread_local! {
    static NAME: RefCell<String> = const { RefCell::new(String::new()) };
}

impl<'r> RequestTarget<'r> {
    /// None for what is not a plain read, and for addresses whose answers are nobody else's.
    #[must_use]
    pub fn of(head: &'r RequestHead) -> Option<Self> {
        let told = |name: HeaderName| head.headers.contains_key(name);
        let plain = matches!(head.method, Method::GET | Method::HEAD)
            && !(told(header::AUTHORIZATION) || told(header::IF_MATCH) || told(header::IF_UNMODIFIED_SINCE));
        let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
        if !plain || path.len() + query.len() > LONGEST {
            return None;
        }
        let form = match kind(path)? {
            CacheableKind::Insight => {
                let accept = negotiation::lines(&head.headers, &header::ACCEPT);
                negotiation::choose(accept.as_deref().filter(|accept| *accept != "*/*"), &FORMS)?
            }
            CacheableKind::Other => FORMS[0],
        };
        Some(Self { form, path, query })
    }

    /// Lends the name of this spelling, without a copy.
    pub(crate) fn with_name<T>(self, look: impl FnOnce(&str) -> T) -> T {
        NAME.with_borrow_mut(|name| {
            name.clear();
            self.write(name);
            look(name)
        })
    }

    fn write(self, name: &mut String) {
        name.extend([self.form, " ", self.path]);
        if !self.query.is_empty() {
            name.extend(["?", self.query]);
        }
    }

    /// None for what a preview token opens.
    #[must_use]
    pub fn canonical(self) -> Option<CacheKey> {
        let mut pairs = query_params::decode_pairs(self.query);
        if pairs.iter().any(|(name, _)| name == "preview") {
            return None;
        }
        let is_default = |(name, value): &(String, String)| match (name.as_str(), value.as_str()) {
            ("limit", value) => value.parse() == Ok(DEFAULT_LIMIT) && LISTS.contains(&self.path),
            ("sort", value) => Sort::parse(value) == Some(Sort::DEFAULT) && self.path == LISTS[0],
            _ => false,
        };
        // What is given twice is refused, however often it says the default.
        let names: Vec<String> = pairs.iter().map(|(name, _)| name.clone()).collect();
        pairs.retain(|pair| !is_default(pair) || names.iter().filter(|name| **name == pair.0).count() > 1);
        pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
        let canonical = RequestTarget { form: self.form, path: self.path, query: &query };
        let name: Arc<str> = canonical.with_name(|name| Arc::from(name));
        let spelling = self.with_name(|spelling| Some(spelling.to_owned()).filter(|spelling| *spelling != *name));
        Some(CacheKey { address: name[self.form.len() + 1..].to_owned(), form: self.form, name, spelling })
    }
}

enum CacheableKind {
    /// A single insight, in the form that the reader likes best.
    Insight,
    Other,
}

fn kind(path: &str) -> Option<CacheableKind> {
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

    fn name(path: &str, query: &str) -> String {
        RequestTarget { form: FORMS[0], path, query }.canonical().map_or_else(String::new, |key| key.address)
    }

    #[test]
    fn spellings_of_one_request_share_a_name() {
        for query in ["tag=a%2Cb&category=x", "category=x&tag=a,b", "limit=20&category=x&tag=a,b", "sort=-published_at&tag=a,b&category=x"]
        {
            assert_eq!(name("/v1/insights", query), "/v1/insights?category=x&tag=a%2Cb", "{query}");
        }
        assert_eq!(name("/v1/search", "q=a+b&limit=20"), name("/v1/search", "q=a%20b"));
    }

    #[test]
    fn what_is_refused_keeps_its_own_name() {
        assert_eq!(name("/v1/insights", "limit=20&limit=20"), "/v1/insights?limit=20&limit=20");
        assert_eq!(name("/v1/search", "q=a&sort=-published_at"), "/v1/search?q=a&sort=-published_at");
        assert_eq!(name("/v1/insights/a", "limit=20"), "/v1/insights/a?limit=20");
        assert_eq!(name("/v1/insights/a", "preview=x"), "");
    }

    #[test]
    fn only_what_everybody_may_read_is_kept() {
        for path in [
            "/v1/insights/a/revisions",
            "/v1/events",
            "/v1/users",
            "/v1/exports/insights",
            "/v1/insights/%61",
            "/health/live",
            "/v1/tags/a/b",
        ] {
            assert!(kind(path).is_none(), "{path}");
        }
        for path in ["/v1/insights", "/v1/insights/a.md", "/v1/insights/a/related", "/v1/tags/a", "/v1/search/suggestions"] {
            assert!(kind(path).is_some(), "{path}");
        }
    }
}
