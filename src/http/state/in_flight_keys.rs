//! Requests in flight that have an `Idempotency-Key`: a repeated request waits for the first one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use actix_web::http::header;
use tokio::sync::OwnedMutexGuard;

use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;

/// How long a repeated request waits for the first one.
const KEY_LOCK_TIMEOUT: Duration = Duration::from_secs(10);
/// With more locks than this, unused ones are removed.
const MAX_LOCKS: usize = 1_000;

/// A lock for each key digest whose first request this node is processing.
#[derive(Default)]
pub(crate) struct InFlightKeys(Mutex<HashMap<Vec<u8>, Weak<tokio::sync::Mutex<()>>>>);

impl InFlightKeys {
    /// Waits for the lock of a key. After the timeout the request is refused with a 409.
    pub(crate) async fn lock(&self, digest: &[u8]) -> Result<OwnedMutexGuard<()>, Problem> {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if locks.len() > MAX_LOCKS {
                locks.retain(|_, lock| lock.strong_count() > 0);
            }
            let lock = locks.get(digest).and_then(Weak::upgrade).unwrap_or_default();
            locks.insert(digest.to_vec(), Arc::downgrade(&lock));
            lock
        };
        tokio::time::timeout(KEY_LOCK_TIMEOUT, lock.lock_owned()).await.map_err(|_elapsed| in_progress())
    }
}

pub(crate) fn in_progress() -> Problem {
    Problem::new(
        ProblemCode::IdempotencyInProgress,
        "the first request with this Idempotency-Key is still in progress: try again in a moment",
    )
    .header(header::RETRY_AFTER, "1")
}
