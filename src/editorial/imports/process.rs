//! Processes an import whose lease this worker holds: batch after batch, each one transaction that also renews the lease and looks at the
//! sender's authority.

use std::time::Duration;

use futures_util::future::join;
use uuid::Uuid;

use super::batch::Lookahead;
use super::dry_run::DryRunState;
use super::interruption::Interruption;
use super::job::{BATCH_ITEMS, ImportJob, MAX_ATTEMPTS};
use super::lease::sender;
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::import_state::ImportState;
use crate::editorial::error::EditorialError;
use crate::store::Store;
use crate::store::imports;

/// Between two attempts of an item that others are changing.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);

/// How the processing of an import ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkOutcome {
    Finished,
    /// Another worker holds the lease now, or the import was cancelled.
    Lost,
}

/// Processes an import until it is finished. After each batch it calls `on_progress` with the number of finished items, and awaits it.
///
/// # Errors
/// The database's. What is finished stays finished, and the next worker resumes after it.
pub(super) async fn process<F: Future<Output = ()> + Send>(
    store: &Store,
    import: Uuid,
    worker: Uuid,
    clock: &Clock,
    mut on_progress: impl FnMut(i64) -> F,
) -> Result<WorkOutcome, EditorialError> {
    let Some(import) = imports::find(store.reader(), import).await? else { return Ok(WorkOutcome::Lost) };
    let mut job = ImportJob { store, principal: sender(&import), import: &import, worker };
    let mut dry_run = DryRunState::default();
    loop {
        let result = if import.atomic {
            job.apply_atomically(clock.now()).await
        } else {
            apply_batches(&job, clock, &mut dry_run, &mut on_progress).await
        };
        match result {
            Ok(()) | Err(Interruption::AuthorityEnded) => return Ok(WorkOutcome::Finished),
            Err(Interruption::LeaseLost) => return Ok(WorkOutcome::Lost),
            Err(Interruption::Error(error)) => return Err(error),
            Err(Interruption::AuthorityChanged) => {
                // If nothing is left of it, the next transaction ends the import.
                job.principal = job.current_sender(store.reader(), clock.now()).await?.unwrap_or_else(|| sender(&import));
            }
        }
    }
}

/// Applies the waiting items batch by batch, and ends the import after the last.
async fn apply_batches<F: Future<Output = ()> + Send>(
    job: &ImportJob<'_>,
    clock: &Clock,
    dry_run: &mut DryRunState,
    mut on_progress: impl FnMut(i64) -> F,
) -> Result<(), Interruption> {
    let (store, import) = (job.store, job.import);
    let mut rounds_without_progress = 0;
    let mut next: Option<Lookahead> = None;
    // After another worker's death, items go one at a time, and each is noted before it is tried: if this worker dies
    // too, it was that item.
    let cautious_until = if import.stuck_at > 0 { import.stuck_at + BATCH_ITEMS } else { 0 };
    loop {
        let now = clock.now();
        let batch = match next.take() {
            Some(batch) => batch,
            None => job.plan_batch(0, cautious_until, now).await?,
        };
        let Some((first, last)) = batch.range() else {
            imports::finish(store.writer(), import.id, ImportState::Done, None, now).await?;
            return Ok(());
        };
        let deaths = if first == import.stuck_at { import.stuck_times } else { 0 };
        let count = batch.items.len();
        let finished = if deaths >= MAX_ATTEMPTS || rounds_without_progress >= MAX_ATTEMPTS {
            job.fail_item(&batch.items[0], deaths < MAX_ATTEMPTS, now).await?
        } else if first < cautious_until {
            apply_cautiously(job, batch, deaths, dry_run, now).await?
        } else {
            // Plans the next items while these are written.
            let (finished, planned) =
                join(Box::pin(job.apply_batch(batch, dry_run, now)), Box::pin(job.plan_batch(last, cautious_until, now))).await;
            next = planned.ok().filter(|planned| planned.range().is_some());
            finished?
        };
        rounds_without_progress = if finished == 0 { rounds_without_progress + 1 } else { 0 };
        if finished == 0 {
            tokio::time::sleep(RETRY_INTERVAL).await;
        }
        if usize::try_from(finished) != Ok(count) {
            // Some of the batch are still waiting, and come first.
            next = None;
        }
        on_progress(finished).await;
    }
}

/// Notes the item before it is tried, so that the next worker knows which one this worker died of.
async fn apply_cautiously(
    job: &ImportJob<'_>,
    batch: Lookahead,
    deaths: i64,
    dry_run: &mut DryRunState,
    now: Timestamp,
) -> Result<i64, Interruption> {
    let (db, import, first) = (job.store.writer(), job.import.id, batch.items[0].number);
    imports::record_retry(db, import, first, deaths + 1).await?;
    let result = job.apply_batch(batch, dry_run, now).await;
    if result.is_err() {
        // It was interrupted by an error, and did not die.
        imports::record_retry(db, import, first, deaths).await?;
    }
    result
}
