//! Applies imports in the background: those that this node has just received, and those whose worker has died.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::domain::change::Sequence;
use crate::domain::clock::Clock;
use crate::editorial::imports::ImportWorker;
use crate::projections::follower::Progress;
use crate::store::Store;

/// How often to look for imports that another process has left behind.
const IMPORT_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How many rows of the change log an import may be ahead of the search index.
const MAX_SEARCH_LAG_ROWS: i64 = 6_000;
/// How long an import waits for the index after a batch. Shorter than its lease, so that no other worker acquires the lease meanwhile.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(2);

/// Runs for as long as the process lives. `received` is notified when an import has arrived; `indexed` is how far the search index is.
pub(super) async fn run_import_worker(store: Store, clock: Clock, received: Arc<Notify>, indexed: Progress) {
    let worker = ImportWorker::new(&store, &clock);
    loop {
        match worker.run_next(|_| wait_for_search(store.clone(), indexed.clone())).await {
            Ok(None) => {
                let _ = tokio::time::timeout(IMPORT_POLL_INTERVAL, received.notified()).await;
            }
            Ok(Some(outcome)) => tracing::info!(?outcome, "import ended"),
            Err(error) => {
                tracing::error!(%error, "import interrupted; it will be resumed");
                tokio::time::sleep(IMPORT_POLL_INTERVAL).await;
            }
        }
    }
}

/// Importing is faster than indexing, and every other writer waits for the index. An index that makes no progress does
/// not stop an import.
async fn wait_for_search(store: Store, mut indexed: Progress) {
    let wanted = Sequence(store.committed().sequence.0 - MAX_SEARCH_LAG_ROWS);
    let reached = indexed.wait_for(|position| *position >= wanted || !position.is_open());
    let _ = tokio::time::timeout(SEARCH_TIMEOUT, reached).await;
}
