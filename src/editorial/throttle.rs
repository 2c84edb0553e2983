//! Slows down password guessing: after a number of failed attempts, an account or an address must wait.
//!
//! It is in memory and bounded. Accounts that do not exist are throttled the same, so that waiting does not reveal which exist.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::clock::Timestamp;

const WINDOW_SECONDS: i64 = 15 * 60;
const MAX_PER_ACCOUNT: u32 = 10;
const MAX_PER_ADDRESS: u32 = 100;
const MAX_ENTRIES: usize = 50_000;

/// Failed attempts of the last minutes, by account and by address.
#[derive(Debug, Default)]
pub struct Throttle {
    attempts: Mutex<HashMap<String, (u32, Timestamp)>>,
}

impl Throttle {
    /// Counts an attempt before it is checked, so that concurrent attempts count too. `Err` is how many seconds to wait.
    ///
    /// # Errors
    /// When the account or the address has no attempts left.
    pub fn count_attempt(&self, account: &str, address: &str, now: Timestamp) -> Result<(), i64> {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if attempts.len() >= MAX_ENTRIES {
            attempts.retain(|_, (_, until)| *until > now);
        }
        if attempts.len() >= MAX_ENTRIES {
            attempts.clear();
        }
        let keys = keys(account, address);
        let waits = keys.iter().filter_map(|(key, allowed)| attempts.get(key).filter(|(count, until)| *count >= *allowed && *until > now));
        if let Some(until) = waits.map(|(_, until)| until.0).max() {
            return Err((until - now.0).div_euclid(1000) + 1);
        }
        for (key, _) in keys {
            let (count, until) = attempts.entry(key).or_insert((0, now));
            *count = if *until > now { *count + 1 } else { 1 };
            *until = now.plus_seconds(WINDOW_SECONDS);
        }
        Ok(())
    }

    /// After a successful attempt: resets the account, and returns one attempt to the address.
    pub fn reset(&self, account: &str, address: &str) {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let [(account, _), (address, _)] = keys(account, address);
        attempts.remove(&account);
        if let Some((count, _)) = attempts.get_mut(&address) {
            *count = count.saturating_sub(1);
        }
    }
}

fn keys(account: &str, address: &str) -> [(String, u32); 2] {
    [(format!("account {account}"), MAX_PER_ACCOUNT), (format!("address {address}"), MAX_PER_ADDRESS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_throttled_after_ten_failed_attempts_until_the_window_ends() {
        let throttle = Throttle::default();
        let now = Timestamp(1_000_000);
        for _ in 0..10 {
            assert_eq!(throttle.count_attempt("a", "1", now), Ok(()));
        }
        assert_eq!(throttle.count_attempt("a", "2", now), Err(901));
        assert_eq!(throttle.count_attempt("b", "1", now), Ok(()));
        assert_eq!(throttle.count_attempt("a", "2", now.plus_seconds(901)), Ok(()));
        throttle.reset("a", "2");
        assert_eq!(throttle.count_attempt("a", "2", now), Ok(()));
    }
}
