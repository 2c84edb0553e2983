//! Hourly maintenance: rotates signing keys, deletes what has expired, purges the trash.
//!
//! A failure is logged, and the next run tries again. Nothing here fails a request.

use std::time::Duration;

use crate::domain::clock::{Clock, Timestamp};
use crate::editorial::keys::KeyRing;
use crate::editorial::{imports, lifecycle};
use crate::store::error::StoreError;
use crate::store::{self, Store};

const MAINTENANCE_INTERVAL: Duration = Duration::from_hours(1);

/// Runs maintenance for as long as the process lives. First it rebuilds the summaries that another version of the service has left stale.
pub(super) async fn run_maintenance_loop(store: Store, keys: KeyRing, clock: Clock) {
    log_rebuilt_summaries(store::summaries::renew_after_upgrade(&store).await);
    loop {
        tokio::time::sleep(MAINTENANCE_INTERVAL).await;
        let now = clock.now();
        if let Err(error) = keys.rotate(&store, now).await {
            tracing::error!(%error, "signing keys not rotated");
        }
        run_maintenance(&store, now).await;
    }
}

/// Deletes expired rows, rebuilds stale summaries, and purges insights that have been in the trash long enough.
pub async fn run_maintenance(store: &Store, now: Timestamp) {
    let writer = store.writer();
    let results = [
        ("sessions", store::sessions::delete_expired(writer, now).await.err()),
        ("idempotency_keys", store::idempotency::delete_expired(writer, now).await.err()),
        ("preview_tokens", store::previews::delete_expired(writer, now).await.err()),
    ];
    for (table, error) in results {
        if let Some(error) = error {
            tracing::error!(%error, table, "expired rows not deleted");
        }
    }
    log_rebuilt_summaries(store::summaries::renew(store).await);
    if let Err(error) = store::integrity::renew_first_publications(store).await {
        tracing::error!(%error, "first publications not corrected");
    }
    if let Err(error) = imports::delete_expired(store, now).await {
        tracing::error!(%error, table = "imports", "expired rows not deleted");
    }
    match lifecycle::empty_trash(store, now).await {
        Ok(0) => {}
        Ok(purged) => tracing::info!(purged, "trash emptied"),
        Err(error) => tracing::error!(%error, "trash not emptied"),
    }
}

fn log_rebuilt_summaries(result: Result<usize, StoreError>) {
    match result {
        Ok(0) => {}
        Ok(rebuilt) => tracing::info!(rebuilt, "summaries rebuilt that another version of the service had written"),
        Err(error) => tracing::error!(%error, "stale summaries not rebuilt"),
    }
}
