//! The loop by which every projection follows the change log.
//!
//! To add a projection, implement [`Projection`] and spawn [`follow`] for it; readers wait on its [`Progress`]. A projection stores its
//! position in the log with its own data. The commit notifier wakes the loop after a commit of this process, `NOTIFY` after a commit of
//! another node. Both are hints: the loop polls the log anyway, so a lost hint costs half a second and never a change.

use std::pin::pin;
use std::time::Duration;

use futures_util::future::select;
use tokio::sync::watch;

use crate::domain::change::Sequence;
use crate::domain::clock::Clock;
use crate::store::changes::{self, LogRow};
use crate::store::error::StoreError;
use crate::store::notifier::LogEnd;
use crate::store::{Store, transitions};

/// The longest time that a change of another node goes unnoticed.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Rows read at a time. Large, because each batch of a lagging search index costs a commit.
const BATCH_ROWS: i64 = 4_000;
const MIN_RETRY_DELAY: Duration = Duration::from_millis(100);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(2);
/// After this many failures without progress, retrying alone will not help: retry rarely and ask for attention in the log.
const MAX_FAST_RETRIES: u32 = 20;
const SLOW_RETRY_DELAY: Duration = Duration::from_mins(1);

/// Data that is derived from the change log.
pub trait Projection: Send + 'static {
    const NAME: &'static str;

    /// Opens the data, rebuilding it if necessary. Returns the sequence of the last row that it contains.
    fn open(&mut self, store: &Store) -> impl Future<Output = anyhow::Result<Sequence>> + Send;

    /// Applies rows, oldest first. Must be idempotent: a row can be delivered twice.
    fn apply(&mut self, store: &Store, rows: &[LogRow]) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Makes applied rows visible to readers, or defers that to collect a larger batch. Returns whether readers see every applied row.
    fn publish(&mut self) -> impl Future<Output = anyhow::Result<bool>> + Send {
        std::future::ready(Ok(true))
    }

    /// Completes when a reader waits for a row that is applied but not published.
    fn flush_requested(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Called after each attempt to read and apply the log, with its outcome.
    fn on_log_readable(&self, _readable: bool) {}

    /// Called when nothing has changed for half a second: time for deferred maintenance.
    fn on_idle(&mut self) -> impl Future<Output = anyhow::Result<()>> + Send {
        std::future::ready(Ok(()))
    }
}

/// The last row that a projection has published; [`Sequence::NOT_OPEN`] until the projection is open.
pub type Progress = watch::Receiver<Sequence>;

/// Follows the log until the task is dropped. After a failure it reopens the projection, with an increasing delay.
pub async fn follow<P: Projection>(store: Store, mut projection: P, progress: watch::Sender<Sequence>) {
    let mut failures = 0_u32;
    let mut failed_at = Sequence::NOT_OPEN;
    loop {
        let Err(error) = run(&store, &mut projection, &progress).await;
        projection.on_log_readable(false);
        // A failure after progress is a new failure.
        let row_sequence = progress.send_replace(Sequence::NOT_OPEN);
        failures = if row_sequence > failed_at { 1 } else { failures.saturating_add(1) };
        failed_at = row_sequence;
        let needs_attention = failures > MAX_FAST_RETRIES;
        let delay = if needs_attention { SLOW_RETRY_DELAY } else { retry_delay(failures) };
        tracing::error!(
            projection = P::NAME,
            consecutive_failures = failures,
            retry_in_ms = millis(delay),
            needs_attention,
            error = format!("{error:#}"),
            "projection failed, reopening it"
        );
        tokio::time::sleep(delay).await;
    }
}

fn retry_delay(failures: u32) -> Duration {
    MIN_RETRY_DELAY.saturating_mul(1 << failures.min(12)).min(MAX_RETRY_DELAY)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

async fn run<P: Projection>(
    store: &Store,
    projection: &mut P,
    progress: &watch::Sender<Sequence>,
) -> anyhow::Result<std::convert::Infallible> {
    let mut commits = store.subscribe();
    let mut row_sequence = projection.open(store).await?;
    let mut delay = MIN_RETRY_DELAY;
    loop {
        commits.mark_unchanged();
        let rows = match poll_and_apply(store, projection, row_sequence).await {
            Ok(rows) => rows,
            // The database failed, not the projection: keep it open and retry. A corrupt row would fail each time: reopen the projection,
            // so that the response cache, which starts at the newest row, invalidates all entries.
            Err(error) if error.downcast_ref().is_some_and(|error| !matches!(error, StoreError::Corrupt(_))) => {
                projection.on_log_readable(false);
                tracing::error!(
                    projection = P::NAME,
                    %row_sequence,
                    retry_in_ms = millis(delay),
                    error = format!("{error:#}"),
                    "cannot apply the change log"
                );
                tokio::time::sleep(delay).await;
                delay = (delay * 2).min(MAX_RETRY_DELAY);
                continue;
            }
            Err(error) => return Err(error),
        };
        projection.on_log_readable(true);
        delay = MIN_RETRY_DELAY;
        row_sequence = rows.last().map_or(row_sequence, |last| last.sequence);
        let published = projection.publish().await?;
        if published {
            progress.send_replace(row_sequence);
        }
        let at_end_of_log = i64::try_from(rows.len()).is_ok_and(|count| count < BATCH_ROWS);
        if at_end_of_log {
            let idle = wait_for_change(&mut commits, projection).await.is_err();
            if idle && published {
                projection.on_idle().await?;
            }
        }
    }
}

/// Waits for a commit or a flush request; an error means that neither came within [`POLL_INTERVAL`].
async fn wait_for_change<P: Projection>(commits: &mut watch::Receiver<LogEnd>, projection: &P) -> Result<(), tokio::time::error::Elapsed> {
    tokio::time::timeout(POLL_INTERVAL, select(pin!(commits.changed()), pin!(projection.flush_requested()))).await.map(drop)
}

async fn poll_and_apply<P: Projection>(store: &Store, projection: &mut P, row_sequence: Sequence) -> anyhow::Result<Vec<LogRow>> {
    let rows = changes::after(store.reader(), row_sequence, BATCH_ROWS).await?;
    if !rows.is_empty() {
        projection.apply(store, &rows).await?;
    }
    Ok(rows)
}

/// Appends transitions (publications and expirations by the clock) to the log when they are due.
pub async fn record_transitions(store: Store, clock: Clock) {
    loop {
        if let Err(error) = transitions::record(&store, clock.now()).await {
            tracing::error!(%error, retry_in_ms = millis(MAX_RETRY_DELAY), "cannot record transitions");
            tokio::time::sleep(MAX_RETRY_DELAY).await;
        }
        let next = transitions::next(&store).await.ok().flatten();
        let remaining = next.map_or(POLL_INTERVAL, |at| Duration::from_millis(u64::try_from(at.0 - clock.now().0).unwrap_or(0)));
        tokio::time::sleep(remaining.clamp(Duration::from_millis(5), POLL_INTERVAL)).await;
    }
}

/// Notifies this process of the commits of other nodes. Returns at once on a database that only one node uses.
pub async fn listen(store: Store) {
    while store.is_postgres() {
        if let Err(error) = store.listen_remote().await {
            tracing::warn!(
                %error,
                retry_in_ms = millis(MAX_RETRY_DELAY),
                poll_interval_ms = millis(POLL_INTERVAL),
                "cannot listen for commits of other nodes, polling instead"
            );
        }
        tokio::time::sleep(MAX_RETRY_DELAY).await;
    }
}
