//! Requests that are in flight under an `Idempotency-Key`: a repetition waits for the first.

use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;
use actix_web::http::header;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;

/// How long a repetition waits for the first.
const PATIENCE: Duration = Duration::from_secs(10);

/// Requests of this node that are being answered under a key: a repetition waits for the first, instead of doing the same work beside it.
#[derive(Default)]
pub(crate) struct InFlightKeys(Mutex<HashMap<Vec<u8>, Weak<tokio::sync::Mutex<()>>>>);

impl InFlightKeys {
    pub(crate) async fn take(&self, digest: &[u8]) -> Result<OwnedMutexGuard<()>, Problem> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if turns.len() > 1_000 {
                turns.retain(|_, turn| turn.strong_count() > 0);
            }
            let there = turns.get(digest).and_then(Weak::upgrade);
            let turn = there.unwrap_or_default();
            turns.insert(digest.to_vec(), Arc::downgrade(&turn));
            turn
        };
        tokio::time::timeout(PATIENCE, turn.lock_owned()).await.map_err(|_elapsed| in_progress())
    }
}

pub(crate) fn in_progress() -> Problem {
    Problem::new(
        ProblemCode::IdempotencyInProgress,
        "the first request with this Idempotency-Key is still being answered: ask again in a moment",
    )
    .header(header::RETRY_AFTER, "1")
}
