//! The one loop by which every projection follows the change log.
//!
//! Positions are kept where a projection's data is. The bell wakes the loop after a commit of this process, `NOTIFY` after one of another
//! node; both are hints. The log is read again at every poll, so a hint that is lost costs half a second, never a change.

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

/// How long a change of another node can go unnoticed.
const POLL: Duration = Duration::from_millis(500);
/// Many, for a projection that is far behind: each time costs the search index a commit.
const BATCH: i64 = 4_000;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// After so many failures without a step forward the remedy is not the right one: it is tried rarely, and a person is asked for.
const MOST_FAILURES: u32 = 20;
const RARELY: Duration = Duration::from_mins(1);

/// Something that is derived from the change log.
pub trait Projection: Send + 'static {
    const NAME: &'static str;

    /// Makes the data usable, from scratch if need be; answers the number of the last row that is in it.
    fn open(&mut self, store: &Store) -> impl Future<Output = anyhow::Result<Sequence>> + Send;

    /// Takes rows in, oldest first. Being told a row twice must not matter.
    fn apply(&mut self, store: &Store, rows: &[LogRow]) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Lets readers see what was taken in, unless it can wait for more; says whether they see all of it.
    fn show(&mut self) -> impl Future<Output = anyhow::Result<bool>> + Send {
        std::future::ready(Ok(true))
    }

    /// Ends when somebody waits for what is not shown yet.
    fn needed(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Whether the log could be read just now.
    fn heard(&self, _readable: bool) {}

    /// Nothing has changed for a while: time for what could wait.
    fn rest(&mut self) -> impl Future<Output = anyhow::Result<()>> + Send {
        std::future::ready(Ok(()))
    }
}

/// How far a projection is: the last row of the log that it shows. Below zero until it is open.
pub type Progress = watch::Receiver<Sequence>;

/// Follows the log for as long as the process lives. After a failure the projection is opened again, later and later.
pub async fn follow<P: Projection>(store: Store, mut projection: P, progress: watch::Sender<Sequence>) {
    let mut failures = 0_u32;
    let mut reached = Sequence::NOT_OPEN;
    loop {
        let Err(error) = run(&store, &mut projection, &progress).await;
        projection.heard(false);
        // What moved forward was not the same failure again.
        let position = progress.send_replace(Sequence::NOT_OPEN);
        failures = if position > reached { 1 } else { failures.saturating_add(1) };
        reached = position;
        let hopeless = failures > MOST_FAILURES;
        let pause = if hopeless { RARELY } else { FIRST_PAUSE.saturating_mul(1 << failures.min(12)).min(LONGEST_PAUSE) };
        tracing::error!(
            projection = P::NAME,
            failures,
            pause_seconds = pause.as_secs_f32(),
            error = format!("{error:#}"),
            hopeless,
            "fell behind; if hopeless, somebody has to look at the cause"
        );
        tokio::time::sleep(pause).await;
    }
}

async fn run<P: Projection>(
    store: &Store,
    projection: &mut P,
    progress: &watch::Sender<Sequence>,
) -> anyhow::Result<std::convert::Infallible> {
    let mut bell = store.subscribe();
    let mut position = projection.open(store).await?;
    let mut pause = FIRST_PAUSE;
    loop {
        bell.mark_unchanged();
        let rows = match taken_in(store, projection, position).await {
            Ok(rows) => rows,
            // The projection is as good as it was: it goes on when the database is back.
            Err(error) if error.is::<StoreError>() => {
                projection.heard(false);
                tracing::error!(projection = P::NAME, %error, "the log cannot be read");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
            Err(error) => return Err(error),
        };
        projection.heard(true);
        pause = FIRST_PAUSE;
        position = rows.last().map_or(position, |last| last.sequence);
        let shown = projection.show().await?;
        if shown {
            progress.send_replace(position);
        }
        let read_to_its_end = i64::try_from(rows.len()).is_ok_and(|many| many < BATCH);
        if read_to_its_end {
            let quiet = stays_quiet(&mut bell, projection).await;
            if quiet && shown {
                projection.rest().await?;
            }
        }
    }
}

/// Waits for more rows, or for somebody who waits for those that are there; says whether nothing came.
async fn stays_quiet<P: Projection>(bell: &mut watch::Receiver<LogEnd>, projection: &P) -> bool {
    tokio::time::timeout(POLL, select(pin!(bell.changed()), pin!(projection.needed()))).await.is_err()
}

async fn taken_in<P: Projection>(store: &Store, projection: &mut P, position: Sequence) -> anyhow::Result<Vec<LogRow>> {
    let rows = changes::after(store.reader(), position, BATCH).await?;
    if !rows.is_empty() {
        projection.apply(store, &rows).await?;
    }
    Ok(rows)
}

/// Enters into the log what the clock does, when it does it.
pub async fn record_transitions(store: Store, clock: Clock) {
    loop {
        if let Err(error) = transitions::record(&store, clock.now()).await {
            tracing::error!(%error, "transitions were not recorded");
            tokio::time::sleep(LONGEST_PAUSE).await;
        }
        let next = transitions::next(&store).await.ok().flatten();
        let left = next.map_or(POLL, |at| Duration::from_millis(u64::try_from(at.0 - clock.now().0).unwrap_or(0)));
        tokio::time::sleep(left.clamp(Duration::from_millis(5), POLL)).await;
    }
}

/// Rings the bell for the commits of other nodes.
pub async fn listen(store: Store) {
    while store.is_postgres() {
        if let Err(error) = store.listen_remote().await {
            tracing::warn!(%error, "cannot hear other nodes: their changes are noticed by polling");
        }
        tokio::time::sleep(LONGEST_PAUSE).await;
    }
}
