//! Who may keep an answer and for how long, whether a reader has it already, and in which encoding it travels.

use std::cell::RefCell;
use std::io::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue, HttpDate};

use crate::domain::clock::Timestamp;
use crate::http::request::negotiation;
use crate::http::request::negotiation::lines;
use crate::store::changes::Freshness;

const MAX_AGE: i64 = 60;
const S_MAXAGE: i64 = 300;
const STALE: i64 = 3_600;
/// Shorter bodies than this are not worth an encoding's header.
const MIN_ENCODED: usize = 1_024;

/// Every way in which an answer may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CachePolicy {
    /// Visible content. No cache may keep it beyond the moment at which the clock changes it.
    Public { now: Timestamp, next_transition: Option<Timestamp> },
    /// What followers poll: it may be kept, but is asked for anew each time.
    Revalidate,
    /// Parts of the binary: they change with it.
    Embedded,
    /// Whatever was read with a token, and everything else.
    Never,
}

impl CachePolicy {
    pub(crate) fn public(now: Timestamp, freshness: &Freshness) -> Self {
        Self::Public { now, next_transition: freshness.next_transition }
    }

    /// The policy of an answer that is given again later, where the next transition has come so near that it is another one.
    pub(crate) fn changed_at(self, now: Timestamp, next: Option<Timestamp>) -> Option<Self> {
        let Self::Public { next_transition, .. } = self else { return None };
        let nearest = [next_transition, next].into_iter().flatten().filter(|at| *at > now).min()?;
        (nearest.0 - now.0 < (S_MAXAGE + STALE) * 1_000).then_some(Self::Public { now, next_transition: Some(nearest) })
    }

    pub(crate) fn header(self) -> String {
        match self {
            Self::Never => "private, no-store".to_owned(),
            Self::Revalidate => "public, no-cache".to_owned(),
            Self::Embedded => "public, max-age=3600".to_owned(),
            Self::Public { now, next_transition } => {
                let left = next_transition.map_or(i64::MAX, |at| (at.0 - now.0).max(0) / 1000);
                let max_age = MAX_AGE.min(left);
                let s_maxage = S_MAXAGE.min(left);
                // A stale answer must not outlive the transition either: what is left after s-maxage is all there is.
                let stale = STALE.min(left - s_maxage);
                format!("public, max-age={max_age}, s-maxage={s_maxage}, stale-while-revalidate={stale}, stale-if-error={stale}")
            }
        }
    }
}

/// Whether the reader's copy is still good (RFC 9110, section 13.2.2). A request's own `Cache-Control` does not change that.
pub(crate) fn is_unmodified(asked: &HeaderMap, etag: Option<&HeaderValue>, last_modified: Option<Timestamp>) -> bool {
    let mut given = asked.get_all(header::IF_NONE_MATCH).peekable();
    if given.peek().is_some() {
        let mut tags = given.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','));
        return etag.and_then(|etag| etag.to_str().ok()).is_some_and(|etag| tags.any(|tag| tag.trim() == "*" || bare(tag) == bare(etag)));
    }
    let since = date(asked, &header::IF_MODIFIED_SINCE);
    since.zip(last_modified).is_some_and(|(since, at)| is_no_newer(at, since))
}

/// Whether a reader who wants a certain state would not get it (RFC 9110, section 13.1.1 and 13.1.4).
pub(crate) fn is_unwanted(asked: &HeaderMap, etag: Option<&HeaderValue>, last_modified: Option<Timestamp>) -> bool {
    if let Some(wanted) = lines(asked, &header::IF_MATCH) {
        let etag = etag.and_then(|etag| etag.to_str().ok()).map(bare);
        return !wanted.split(',').any(|tag| tag.trim() == "*" || etag.is_some_and(|etag| !tag.contains("W/") && bare(tag) == etag));
    }
    let until = date(asked, &header::IF_UNMODIFIED_SINCE);
    until.zip(last_modified).is_some_and(|(until, at)| !is_no_newer(at, until))
}

/// Whether who has an answer of that date has what last changed then.
fn is_no_newer(at: Timestamp, date: i64) -> bool {
    at.seconds() < date || at.seconds() == date && !was_dated_before(at)
}

/// When, in the newest second in which that happened, an answer was first dated with the second in which it was given (milliseconds).
static DATED: AtomicI64 = AtomicI64::new(0);

/// Notes that an answer which last changed then is given now. A date has seconds: what changes later in this one has the same.
pub(crate) fn note_dated(at: Timestamp, now: Timestamp) {
    if at.seconds() >= now.seconds() && Timestamp(DATED.load(Ordering::Relaxed)).seconds() < now.seconds() {
        DATED.store(now.0, Ordering::Relaxed);
    }
}

/// Whether somebody may have an answer with the same date that is older.
fn was_dated_before(at: Timestamp) -> bool {
    let dated = Timestamp(DATED.load(Ordering::Relaxed));
    dated.seconds() == at.seconds() && dated < at
}

/// A tag without the marks of weakness and encoding: a cache revalidates whichever variant it holds.
fn bare(tag: &str) -> &str {
    let tag = tag.trim();
    let tag = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
    tag.strip_suffix("-br").or_else(|| tag.strip_suffix("-gzip")).unwrap_or(tag)
}

/// A date in any of the three forms of RFC 9110, section 5.6.7, in seconds.
fn date(headers: &HeaderMap, name: &HeaderName) -> Option<i64> {
    let at: SystemTime = headers.get(name)?.to_str().ok()?.parse::<HttpDate>().ok()?.into();
    i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

/// How a body travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Brotli,
    Gzip,
}

/// Whether a body is worth an encoding.
pub(crate) fn is_worth_encoding(length: usize, content_type: &str) -> bool {
    let text_like = ["text/", "application/json", "application/vnd.", "application/yaml", "application/problem", "image/svg"];
    length >= MIN_ENCODED && text_like.iter().any(|kind| content_type.starts_with(kind))
}

/// The best encoding that the reader accepts.
pub(crate) fn encoding(headers: &HeaderMap) -> Encoding {
    let Some(accepted) = lines(headers, &header::ACCEPT_ENCODING) else { return Encoding::Identity };
    LAST_ACCEPTED.with_borrow_mut(|(last, chosen)| {
        if *last != accepted {
            (*accepted).clone_into(last);
            *chosen = preferred(&accepted);
        }
        *chosen
    })
}

thread_local! {
    /// Readers say the same time and again.
    static LAST_ACCEPTED: RefCell<(String, Encoding)> = const { RefCell::new((String::new(), Encoding::Identity)) };
}

fn preferred(accepted: &str) -> Encoding {
    // An empty list accepts nothing but the body as it is.
    let accepted = if accepted.trim().is_empty() { "identity" } else { accepted };
    match negotiation::choose(Some(accepted), &["br", "gzip"]) {
        Some("br") => Encoding::Brotli,
        Some(_) => Encoding::Gzip,
        None => Encoding::Identity,
    }
}

impl Encoding {
    pub(crate) fn header(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
        }
    }

    pub(crate) fn etag_suffix(self) -> &'static str {
        match self {
            Self::Identity => "",
            Self::Brotli => "-br",
            Self::Gzip => "-gzip",
        }
    }

    pub(crate) fn encode(self, body: &[u8]) -> Vec<u8> {
        match self {
            Self::Identity => body.to_vec(),
            Self::Brotli => {
                let mut out = brotli::CompressorWriter::new(Vec::with_capacity(body.len() / 4), 4096, 4, 20);
                let _ = out.write_all(body);
                out.into_inner()
            }
            Self::Gzip => {
                let mut out = flate2::write::GzEncoder::new(Vec::with_capacity(body.len() / 4), flate2::Compression::new(5));
                let _ = out.write_all(body);
                out.finish().unwrap_or_default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cache_may_keep_an_answer_beyond_the_next_transition() {
        let policy = |left: i64| CachePolicy::Public { now: Timestamp(0), next_transition: Some(Timestamp(left)) }.header();
        assert_eq!(policy(999), "public, max-age=0, s-maxage=0, stale-while-revalidate=0, stale-if-error=0");
        assert_eq!(policy(90_500), "public, max-age=60, s-maxage=90, stale-while-revalidate=0, stale-if-error=0");
        assert_eq!(policy(400_000), "public, max-age=60, s-maxage=300, stale-while-revalidate=100, stale-if-error=100");
        assert!(policy(i64::MAX).contains("stale-while-revalidate=3600"));
    }

    #[test]
    fn http_dates_are_read_back() {
        let at = Timestamp::parse("2026-04-18T14:00:00Z").unwrap();
        assert_eq!(at.http_date(), "Sat, 18 Apr 2026 14:00:00 GMT");
        for text in [&at.http_date(), "Saturday, 18-Apr-26 14:00:00 GMT", "Sat Apr 18 14:00:00 2026"] {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_MODIFIED_SINCE, text.parse().unwrap());
            assert_eq!(date(&headers, &header::IF_MODIFIED_SINCE), Some(at.seconds()), "{text}");
        }
    }

    #[test]
    fn the_encoding_that_is_liked_best_is_taken() {
        for (accepted, chosen) in [
            ("gzip, br", Encoding::Brotli),
            ("br;q=0.1, gzip;q=0.5", Encoding::Gzip),
            ("deflate", Encoding::Identity),
            ("", Encoding::Identity),
            ("*;q=0", Encoding::Identity),
        ] {
            assert_eq!(preferred(accepted), chosen, "{accepted}");
        }
    }

    #[test]
    fn bodies_survive_their_encodings() {
        let body = b"insight ".repeat(500);
        for encoding in [Encoding::Brotli, Encoding::Gzip] {
            let packed = encoding.encode(&body);
            assert!(packed.len() < body.len() / 10, "{encoding:?}");
        }
    }
}
