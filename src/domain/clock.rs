//! Time: whole milliseconds since 1970, UTC. The only module that reads the system clock; everything else takes `now` as an argument.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcDateTime};
use uuid::{ContextV7, Uuid};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

const FIRST: i64 = -62_135_596_800_000; // 0001-01-01T00:00:00Z
const LAST: i64 = 253_402_300_799_000; // 9999-12-31T23:59:59Z

impl Timestamp {
    /// Parses RFC 3339, truncated to milliseconds and clamped to the years 1 to 9999.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        let millis = i64::try_from(moment.unix_timestamp_nanos().div_euclid(1_000_000)).ok()?;
        Some(Self(millis.clamp(FIRST, LAST)))
    }

    /// Parses RFC 3339, or a date as midnight UTC.
    #[must_use]
    pub fn parse_day_or_moment(text: &str) -> Option<Self> {
        if text.len() == 10 {
            return Self::parse(&format!("{text}T00:00:00Z"));
        }
        Self::parse(text)
    }

    /// RFC 3339, UTC, with milliseconds only where there are any.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let mut text = Vec::with_capacity("2006-01-02T15:04:05.999Z".len());
        self.write_rfc3339(&mut text);
        String::from_utf8(text).unwrap_or_default()
    }

    /// Appends [`Timestamp::rfc3339`].
    pub fn write_rfc3339(self, out: &mut Vec<u8>) {
        // Every year in the range can be formatted.
        let _ = self.utc().format_into(out, &Rfc3339);
    }

    /// The date format of HTTP, in whole seconds (RFC 9110, section 5.6.7).
    #[must_use]
    pub fn http_date(self) -> String {
        let format =
            time::macros::format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
        self.utc().format(&format).unwrap_or_default()
    }

    /// Whole seconds since 1970, for JSON Web Tokens and `Last-Modified`.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)).clamp(FIRST, LAST))
    }

    fn utc(self) -> UtcDateTime {
        let inside = self.0.clamp(FIRST, LAST);
        let whole = UtcDateTime::from_unix_timestamp(inside.div_euclid(1000)).unwrap_or(UtcDateTime::UNIX_EPOCH);
        let millis = u16::try_from(inside.rem_euclid(1000)).unwrap_or(0);
        whole.replace_millisecond(millis).unwrap_or(whole)
    }
}

/// The source of the time: the system, or a value that tests set.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    #[default]
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the system clock")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                Timestamp(i64::try_from(since.as_millis()).unwrap_or(LAST))
            }
            Self::Manual(millis) => Timestamp(millis.load(Ordering::SeqCst)),
        }
    }
}

/// A new id (`UUIDv7`): ids sort in the order of their creation, within one millisecond too.
///
/// The counter behind that order is one per process. It decides nothing but the bits of new ids, so two services in one
/// process (tests) cannot notice each other by it: an id of one of them only sorts after an earlier id of the other.
#[must_use]
pub fn new_id(now: Timestamp) -> Uuid {
    static ORDER: Mutex<ContextV7> = Mutex::new(ContextV7::new());
    let millis = u64::try_from(now.0).unwrap_or(0);
    let nanos = u32::try_from(millis % 1000).unwrap_or(0) * 1_000_000;
    let order = ORDER.lock().unwrap_or_else(PoisonError::into_inner);
    Uuid::new_v7(uuid::Timestamp::from_unix(&*order, millis / 1000, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_formats_to_the_text_that_it_was_parsed_from() {
        for text in
            ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z", "2026-04-18T09:00:00Z", "2024-02-29T12:30:01.05Z", "9999-12-31T23:59:59Z"]
        {
            assert_eq!(Timestamp::parse(text).map(Timestamp::rfc3339).as_deref(), Some(text));
        }
        assert_eq!(Timestamp(i64::MAX).rfc3339(), "9999-12-31T23:59:59Z");
    }
}
