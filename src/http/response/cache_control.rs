//! Cache policies and their `Cache-Control` header. Handlers choose a [`CachePolicy`]; only the response module writes the header.

use crate::domain::clock::Timestamp;
use crate::store::changes::Freshness;

const MAX_AGE: i64 = 60;
const S_MAXAGE: i64 = 300;
const MAX_STALE: i64 = 3_600;

/// Who may cache a response, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CachePolicy {
    /// Visible content. No cache may serve it after the moment at which the clock changes it.
    Public { now: Timestamp, next_transition: Option<Timestamp> },
    /// What followers poll: it may be cached, and is revalidated each time.
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

    /// The policy of a cache entry that is served now, if the next transition is so close that the policy differs from the stored one.
    pub(crate) fn limited_by_transition(self, now: Timestamp, next: Option<Timestamp>) -> Option<Self> {
        let Self::Public { next_transition, .. } = self else { return None };
        let nearest = [next_transition, next].into_iter().flatten().filter(|at| *at > now).min()?;
        (nearest.0 - now.0 < (S_MAXAGE + MAX_STALE) * 1_000).then_some(Self::Public { now, next_transition: Some(nearest) })
    }

    /// The value of `Cache-Control`.
    pub(crate) fn header(self) -> String {
        match self {
            Self::Never => "private, no-store".to_owned(),
            Self::Revalidate => "public, no-cache".to_owned(),
            Self::Embedded => "public, max-age=3600".to_owned(),
            Self::Public { now, next_transition } => {
                let left = next_transition.map_or(i64::MAX, |at| (at.0 - now.0).max(0) / 1000);
                let max_age = MAX_AGE.min(left);
                let s_maxage = S_MAXAGE.min(left);
                // A stale response must not outlive the transition either: only what s-maxage leaves remains.
                let stale = MAX_STALE.min(left - s_maxage);
                format!("public, max-age={max_age}, s-maxage={s_maxage}, stale-while-revalidate={stale}, stale-if-error={stale}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cache_may_serve_a_response_after_the_next_transition() {
        let policy = |left: i64| CachePolicy::Public { now: Timestamp(0), next_transition: Some(Timestamp(left)) }.header();
        assert_eq!(policy(999), "public, max-age=0, s-maxage=0, stale-while-revalidate=0, stale-if-error=0");
        assert_eq!(policy(90_500), "public, max-age=60, s-maxage=90, stale-while-revalidate=0, stale-if-error=0");
        assert_eq!(policy(400_000), "public, max-age=60, s-maxage=300, stale-while-revalidate=100, stale-if-error=100");
        assert!(policy(i64::MAX).contains("stale-while-revalidate=3600"));
    }
}
