//! Conditional requests (RFC 9110, section 13): whether a client already has a response, and whether it wants another state of it.
//!
//! Dates have whole seconds, so two changes of one second share a `Last-Modified`. [`LastDated`] remembers when this service first sent
//! such a date, and a date condition holds only when no older response with the same date can exist.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue, HttpDate};

use crate::domain::clock::Timestamp;
use crate::http::request::negotiation::combined_header;

/// A clock that goes back further than this was set back; less is two requests that overtook each other.
const CLOCK_SKEW_SECONDS: i64 = 2;

/// When, in the newest second in which that happened, this service first sent a response dated with the current second (milliseconds).
#[derive(Debug, Default)]
pub(crate) struct LastDated(AtomicI64);

impl LastDated {
    /// Notes that a response with this `Last-Modified` is sent now. What changes later in the same second gets the same date.
    pub(crate) fn record(&self, last_modified: Timestamp, now: Timestamp) {
        let recorded = self.get().seconds();
        let is_newer = recorded < now.seconds() || recorded > now.seconds() + CLOCK_SKEW_SECONDS;
        if last_modified.seconds() >= now.seconds() && is_newer {
            self.0.store(now.0, Ordering::Relaxed);
        }
    }

    fn get(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    /// Whether a client may have an older response with the same date.
    fn is_ambiguous(&self, last_modified: Timestamp) -> bool {
        let recorded = self.get();
        recorded.seconds() == last_modified.seconds() && recorded < last_modified
    }

    /// Whether a client with a response of `date` (in seconds) has the state that last changed then.
    fn is_unmodified_since(&self, last_modified: Timestamp, date: i64) -> bool {
        last_modified.seconds() < date || last_modified.seconds() == date && !self.is_ambiguous(last_modified)
    }
}

/// What identifies the state of a response.
#[derive(Clone, Copy)]
pub(crate) struct Validators<'r> {
    pub(crate) etag: Option<&'r HeaderValue>,
    pub(crate) last_modified: Option<Timestamp>,
}

/// Whether the client's copy is still valid (section 13.2.2). A request's own `Cache-Control` does not change that.
pub(crate) fn is_not_modified(request: &HeaderMap, validators: Validators<'_>, last_dated: &LastDated) -> bool {
    let mut if_none_match = request.get_all(header::IF_NONE_MATCH).peekable();
    if if_none_match.peek().is_some() {
        let mut tags = if_none_match.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
        let etag = validators.etag.and_then(|etag| etag.to_str().ok());
        return etag.is_some_and(|etag| tags.any(|tag| tag.trim() == "*" || opaque_tag(tag) == opaque_tag(etag)));
    }
    let since = date(request, &header::IF_MODIFIED_SINCE);
    since.zip(validators.last_modified).is_some_and(|(since, at)| last_dated.is_unmodified_since(at, since))
}

/// Whether the client requires a state that this is not (section 13.1.1 and 13.1.4).
pub(crate) fn is_precondition_failed(request: &HeaderMap, validators: Validators<'_>, last_dated: &LastDated) -> bool {
    if let Some(if_match) = combined_header(request, &header::IF_MATCH) {
        let etag = validators.etag.and_then(|etag| etag.to_str().ok()).map(opaque_tag);
        let is_match = |tag: &str| etag.is_some_and(|etag| !tag.contains("W/") && opaque_tag(tag) == etag);
        return !if_match.split(',').any(|tag| tag.trim() == "*" || is_match(tag));
    }
    let until = date(request, &header::IF_UNMODIFIED_SINCE);
    until.zip(validators.last_modified).is_some_and(|(until, at)| !last_dated.is_unmodified_since(at, until))
}

/// A tag without the marks of weakness and encoding: a cache revalidates whichever variant it has.
fn opaque_tag(tag: &str) -> &str {
    let tag = tag.trim();
    let tag = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
    tag.strip_suffix("-br").or_else(|| tag.strip_suffix("-gzip")).unwrap_or(tag)
}

/// A date in any of the three forms of RFC 9110, section 5.6.7, in seconds.
fn date(headers: &HeaderMap, name: &HeaderName) -> Option<i64> {
    let at: SystemTime = headers.get(name)?.to_str().ok()?.parse::<HttpDate>().ok()?.into();
    i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_dates_parse_in_all_three_forms() {
        let at = Timestamp::parse("2026-04-18T14:00:00Z").unwrap();
        assert_eq!(at.http_date(), "Sat, 18 Apr 2026 14:00:00 GMT");
        for text in [&at.http_date(), "Saturday, 18-Apr-26 14:00:00 GMT", "Sat Apr 18 14:00:00 2026"] {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MODIFIED_SINCE, text.parse().unwrap());
            assert_eq!(date(&headers, &header::IF_MODIFIED_SINCE), Some(at.seconds()), "{text}");
        }
    }

    #[test]
    fn a_second_change_within_a_dated_second_is_ambiguous_and_a_clock_that_was_set_back_is_followed() {
        let last_dated = LastDated::default();
        for second in [100_000, 40_000] {
            last_dated.record(Timestamp(second + 10), Timestamp(second + 20));
            assert!(last_dated.is_unmodified_since(Timestamp(second + 10), second / 1_000));
            assert!(!last_dated.is_unmodified_since(Timestamp(second + 30), second / 1_000));
        }
        // Two requests overtook each other: the newer second stays recorded.
        last_dated.record(Timestamp(39_990), Timestamp(39_995));
        assert!(!last_dated.is_unmodified_since(Timestamp(40_030), 40));
    }
}
