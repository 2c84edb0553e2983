//! Slows down password guessing: after a number of wrong attempts an account, and an address, must wait. Kept in memory, bounded, and the
//! same for accounts that do not exist, so that waiting tells nobody which do.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::clock::Timestamp;

const WINDOW_SECONDS: i64 = 15 * 60;
const PER_ACCOUNT: u32 = 10;
const PER_ADDRESS: u32 = 100;
const MAX_ENTRIES: usize = 50_000;

/// Attempts of the last minutes that were not right, by account and by address.
#[derive(Debug, Default)]
pub struct Throttle {
    attempts: Mutex<HashMap<String, (u32, Timestamp)>>,
}

impl Throttle {
    /// Counts an attempt before it is looked at, so that attempts side by side count too. `Err` says how many seconds to wait instead.
    ///
    /// # Errors
    /// When the account or the address has used its attempts up.
    pub fn attempt(&self, account: &str, address: &str, now: Timestamp) -> Result<(), i64> {
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

    /// The attempt was right: the account begins anew, and the address gets this one back.
    pub fn succeeded(&self, account: &str, address: &str) {
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let [(account, _), (address, _)] = keys(account, address);
        attempts.remove(&account);
        if let Some((count, _)) = attempts.get_mut(&address) {
            *count = count.saturating_sub(1);
        }
    }
}

fn keys(account: &str, address: &str) -> [(String, u32); 2] {
    [(format!("account {account}"), PER_ACCOUNT), (format!("address {address}"), PER_ADDRESS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_waits_after_ten_wrong_attempts_and_is_free_again_later() {
        let throttle = Throttle::default();
        let now = Timestamp(1_000_000);
        for _ in 0..10 {
            assert_eq!(throttle.attempt("a", "1", now), Ok(()));
        }
        assert_eq!(throttle.attempt("a", "2", now), Err(901));
        assert_eq!(throttle.attempt("b", "1", now), Ok(()));
        assert_eq!(throttle.attempt("a", "2", now.plus_seconds(901)), Ok(()));
        throttle.succeeded("a", "2");
        assert_eq!(throttle.attempt("a", "2", now), Ok(()));
    }
}
