//! The id of a request: the caller's own `X-Request-Id`, or a new UUIDv7.

use std::cell::Cell;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

use crate::domain::clock::{Timestamp, new_id};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

thread_local! {
    /// Random bits of this thread, and the number of ids that it has generated.
    static STATE: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// The id that the caller sent, if it is safe to log.
fn sent_id(headers: &HeaderMap) -> Option<&HeaderValue> {
    let id = headers.get(&REQUEST_ID)?;
    let is_plain = id.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte));
    Some(id).filter(|_| is_plain && (1..=128).contains(&id.len()))
}

/// A `UUIDv7` of random bits of this thread and a counter. Random bits from the system for each id would add 3 % to the instructions of a
/// cache hit, and a system call.
fn generate(now: Timestamp) -> Uuid {
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

pub(crate) fn get_or_generate(headers: &HeaderMap, now: Timestamp) -> String {
    let sent = sent_id(headers).and_then(|id| id.to_str().ok());
    sent.map_or_else(|| generate(now).to_string(), str::to_owned)
}

/// The id as a header of the response.
pub(crate) fn response_header(headers: &HeaderMap, now: Timestamp) -> Option<HeaderValue> {
    if let Some(id) = sent_id(headers) {
        return Some(id.clone());
    }
    let mut text = [0; 36];
    HeaderValue::from_str(generate(now).hyphenated().encode_lower(&mut text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_ids_are_distinct_uuids_of_version_7() {
        let ids: std::collections::HashSet<Uuid> = (0..10_000).map(|_| generate(Timestamp(1_700_000_000_000))).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
        let other = std::thread::spawn(|| generate(Timestamp(1_700_000_000_000))).join().unwrap();
        assert!(!ids.contains(&other));
    }
}
