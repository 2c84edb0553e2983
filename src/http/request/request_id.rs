//! The id of a request: the caller's own, or one that costs next to nothing to make.

use std::cell::Cell;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use crate::domain::clock::{Timestamp, new_id};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

thread_local! {
    /// Random bits of this thread, and how many ids it has made.
    static STATE: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// The id that the caller gave, if it can be written down as it is.
fn given(headers: &HeaderMap) -> Option<&HeaderValue> {
    let given = headers.get(&REQUEST_ID)?;
    let plain = given.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte));
    Some(given).filter(|_| plain && (1..=128).contains(&given.len()))
}

/// A `UUIDv7` whose random bits are the thread's own and a counter: asking the system for random bits costs more than a kept answer.
fn made(now: Timestamp) -> Uuid {
    STATE.with(|state| {
        let (mut own, count) = state.get();
        if count == 0 {
            own = new_id(now).as_u64_pair().1;
        }
        state.set((own, count + 1));
        let high = now.0.unsigned_abs() << 16 | 7 << 12 | count & 0xfff;
        let low = 1 << 63 | (own & 0xff_ffff_ffff) << 22 | count >> 12 & 0x3f_ffff;
        Uuid::from_u64_pair(high, low)
    })
}

pub(crate) fn of(headers: &HeaderMap, now: Timestamp) -> String {
    let given = given(headers).and_then(|given| given.to_str().ok());
    given.map_or_else(|| made(now).to_string(), str::to_owned)
}

/// The id as the answer's header.
pub(crate) fn header(headers: &HeaderMap, now: Timestamp) -> Option<HeaderValue> {
    if let Some(given) = given(headers) {
        return Some(given.clone());
    }
    let mut text = [0; 36];
    HeaderValue::from_str(made(now).hyphenated().encode_lower(&mut text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_and_never_the_same() {
        let ids: std::collections::HashSet<Uuid> = (0..10_000).map(|_| made(Timestamp(1_700_000_000_000))).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
        let other = std::thread::spawn(|| made(Timestamp(1_700_000_000_000))).join().unwrap();
        assert!(!ids.contains(&other));
    }
}
