//! Slows down password guessing: after a number of wrong attempts an account, and an address, must wait. Kept in memory, bounded, and the
//! same for accounts that do not exist, so that waiting tells nobody which do.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::clock::Timestamp;

const WINDOW_SECONDS: i64 = 15 * 60;
const PER_ACCOUNT: u32 = 10;
const PER_ADDRESS: u32 = 100;
const MAX_ENTRIES: usize = 50_000;

/// Wrong attempts of the last minutes, by account and by address.
#[derive(Debug, Default)]
pub struct Throttle {
    failures: Mutex<HashMap<String, (u32, Timestamp)>>,
}

impl Throttle {
    /// Seconds to wait before another attempt is looked at; `None` when it may be now.
    pub fn wait_seconds(&self, account: &str, address: &str, now: Timestamp) -> Option<i64> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        [(format!("account {account}"), PER_ACCOUNT), (format!("address {address}"), PER_ADDRESS)]
            .into_iter()
            .filter_map(|(key, allowed)| failures.get(&key).filter(|(count, until)| *count >= allowed && *until > now))
            .map(|(_, until)| (until.0 - now.0).div_euclid(1000) + 1)
            .max()
    }

    pub fn failed(&self, account: &str, address: &str, now: Timestamp) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= MAX_ENTRIES {
            failures.retain(|_, (_, until)| *until > now);
        }
        if failures.len() >= MAX_ENTRIES {
            failures.clear();
        }
        for key in [format!("account {account}"), format!("address {address}")] {
            let (count, until) = failures.entry(key).or_insert((0, now));
            *count = if *until > now { *count + 1 } else { 1 };
            *until = now.plus_seconds(WINDOW_SECONDS);
        }
    }

    pub fn succeeded(&self, account: &str) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(&format!("account {account}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_waits_after_ten_wrong_attempts_and_is_free_again_later() {
        let throttle = Throttle::default();
        let now = Timestamp(1_000_000);
        for _ in 0..10 {
            assert_eq!(throttle.wait_seconds("a", "1", now), None);
            throttle.failed("a", "1", now);
        }
        assert_eq!(throttle.wait_seconds("a", "2", now), Some(901));
        assert_eq!(throttle.wait_seconds("b", "1", now), None);
        assert_eq!(throttle.wait_seconds("a", "2", now.plus_seconds(901)), None);
        throttle.succeeded("a");
        assert_eq!(throttle.wait_seconds("a", "2", now), None);
    }
}
