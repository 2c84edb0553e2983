//! Records what the clock has changed in the change log, when a request finds that the log does not have it yet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::domain::clock::Timestamp;
use crate::store::{Store, transitions};

/// How long a request waits for the recording.
const RECORD_TIMEOUT: Duration = Duration::from_millis(500);
/// How long recording pauses after a failure.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// At most one request of this node records at a time; the others respond without waiting, and their responses are right without it.
#[derive(Debug, Default)]
pub(crate) struct TransitionRecorder {
    last_failure: Arc<Mutex<Option<Instant>>>,
}

impl TransitionRecorder {
    /// Whether the log has the transitions of this moment now.
    pub(crate) async fn record(&self, store: &Store, now: Timestamp) -> bool {
        let Ok(mut last_failure) = self.last_failure.clone().try_lock_owned() else { return false };
        if last_failure.is_some_and(|failed| failed.elapsed() < RETRY_INTERVAL) {
            return false;
        }
        let store = store.clone();
        // A task of its own: it completes even when the client leaves.
        let recording = actix_web::rt::spawn(async move {
            let outcome = transitions::record(&store, now).await;
            *last_failure = outcome.is_err().then(Instant::now);
            outcome.inspect_err(|error| tracing::warn!(%error, "recording transitions failed")).is_ok()
        });
        tokio::time::timeout(RECORD_TIMEOUT, recording).await.is_ok_and(|recorded| recorded.unwrap_or(false))
    }
}
