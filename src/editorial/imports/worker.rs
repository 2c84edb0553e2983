//! Drives imports: acquires the lease, processes, and resumes what another worker has left. The one owner of this
//! protocol, for the service and for the command line.

use uuid::Uuid;

use super::lease::{LEASE_TIMEOUT, acquire_lease};
use super::process::{WorkOutcome, process};
use crate::domain::clock::{Clock, new_id};
use crate::editorial::error::EditorialError;
use crate::store::Store;
use crate::store::imports;

/// A worker with an id of its own, by which it holds leases.
pub struct ImportWorker<'w> {
    store: &'w Store,
    clock: &'w Clock,
    id: Uuid,
}

impl<'w> ImportWorker<'w> {
    #[must_use]
    pub fn new(store: &'w Store, clock: &'w Clock) -> Self {
        Self { store, clock, id: new_id(clock.now()) }
    }

    #[must_use]
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Processes the oldest import whose lease is free; returns `None` when there is none. `on_progress` receives the
    /// number of items that each batch has finished, and is awaited before the next batch.
    ///
    /// # Errors
    /// The database's. What is finished stays finished, and a later call resumes after it.
    pub async fn run_next<F: Future<Output = ()> + Send>(
        &self,
        on_progress: impl FnMut(i64) -> F,
    ) -> Result<Option<WorkOutcome>, EditorialError> {
        let now = self.clock.now();
        let Some(import) = imports::find_idle(self.store.reader(), now).await? else { return Ok(None) };
        if !acquire_lease(self.store, &import, self.id, now).await? {
            return Ok(None);
        }
        tracing::info!(import_id = %import.id, items = import.total, "import started");
        Box::pin(process(self.store, import.id, self.id, self.clock, on_progress)).await.map(Some)
    }

    /// Returns when an import is finished: processes it as soon as its lease is free, or waits for the worker that holds it.
    ///
    /// # Errors
    /// As [`ImportWorker::run_next`].
    pub async fn run_until_finished<F: Future<Output = ()> + Send>(
        &self,
        import: Uuid,
        mut on_progress: impl FnMut(i64) -> F,
    ) -> Result<(), EditorialError> {
        loop {
            let row = imports::find(self.store.reader(), import).await?.filter(|import| import.finished_at.is_none());
            let Some(row) = row else { return Ok(()) };
            if acquire_lease(self.store, &row, self.id, self.clock.now()).await?
                && Box::pin(process(self.store, import, self.id, self.clock, &mut on_progress)).await? == WorkOutcome::Finished
            {
                return Ok(());
            }
            tokio::time::sleep(LEASE_TIMEOUT / 10).await;
        }
    }
}
