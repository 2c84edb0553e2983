//! What every handler can reach.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OnceCell, Semaphore, watch};

use super::events::Page;
use super::finished::Finished;
use super::idempotency::Turns;
use super::metrics::Metrics;

use crate::domain::clock::{Clock, Timestamp};
use crate::editorial::keys::KeyRing;
use crate::editorial::throttle::Throttle;
use crate::projections::response_cache::ResponseCache;
use crate::projections::search::Search;
use crate::store::changes::{self, Freshness};
use crate::store::error::StoreError;
use crate::store::{Store, transitions};

/// The service behind the routes.
pub struct Api {
    pub store: Store,
    pub keys: KeyRing,
    pub throttle: Throttle,
    pub turns: Turns,
    /// Rung when an import was received.
    pub import_bell: Arc<Notify>,
    pub clock: Clock,
    pub search: Search,
    pub answers: ResponseCache<Finished>,
    pub metrics: Metrics,
    /// The newest public number that the event stream may tell.
    pub newest: watch::Receiver<i64>,
    pub events: EventLimits,
    /// Held by the one request of this node that enters into the log what the clock did; says when that failed last.
    pub recording: Arc<tokio::sync::Mutex<Option<Instant>>>,
    /// The public address, without a slash at its end.
    pub base_url: String,
    pub limits: Limits,
    /// Requests that are being answered, those whose clients left included.
    pub in_flight: AtomicUsize,
    /// The newest public sequence this node has told anybody.
    pub sequence: AtomicI64,
}

/// What a request may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests at once; the next one is told to come back.
    pub requests: usize,
    pub body_bytes: usize,
    pub body_time: Duration,
    /// Whether `X-Forwarded-For` is believed: only behind a proxy that sets it.
    pub trust_forwarded: bool,
}

/// What event streams may cost, and what they share.
#[derive(Debug)]
pub struct EventLimits {
    pub(super) places: Arc<Semaphore>,
    most: usize,
    pub(super) lifetime: Duration,
    pub(super) pages: Mutex<Pages>,
    closing: watch::Sender<bool>,
}

impl EventLimits {
    /// The sending end says when the service stops: streams end then.
    #[must_use]
    pub fn new(most: usize, lifetime: Duration, closing: watch::Sender<bool>) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(most)), most, lifetime, pages: Mutex::default(), closing }
    }

    /// How many are open.
    pub(super) fn open(&self) -> usize {
        self.most.saturating_sub(self.places.available_permits())
    }

    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }
}

type PageKey = (i64, i64, Option<String>);
type PageCell = Arc<OnceCell<Arc<Page>>>;

/// The pages that streams have asked for last, each read once.
#[derive(Debug, Default)]
pub(super) struct Pages(VecDeque<(PageKey, Instant, PageCell)>);

impl Pages {
    const MOST: usize = 16;
    const SHARED_FOR: Duration = Duration::from_millis(500);

    pub(super) fn cell(pages: &Mutex<Self>, key: PageKey) -> PageCell {
        let mut pages = pages.lock().unwrap_or_else(PoisonError::into_inner);
        // What a page shows may end by the clock: it is shared by those who come at once, and by nobody later.
        let young = |at: &Instant| at.elapsed() < Self::SHARED_FOR;
        if let Some((_, _, cell)) = pages.0.iter().find(|(there, at, _)| *there == key && young(at)) {
            return cell.clone();
        }
        let cell = PageCell::default();
        pages.0.push_back((key, Instant::now(), cell.clone()));
        if pages.0.len() > Self::MOST {
            pages.0.pop_front();
        }
        cell
    }
}

impl Api {
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// When anything changed, what only editors see included. It is to be asked before what is then shown is read: that must not be dated younger
    /// than it is.
    pub(super) async fn drafted(&self) -> Result<Timestamp, super::problem::Problem> {
        Ok(changes::newest_at(self.store.reader()).await?)
    }

    /// A path as the public reaches it: the public address may have a path of its own.
    pub(super) fn location(&self, path: &str) -> String {
        let address = self.base_url.split_once("://").map_or(self.base_url.as_str(), |(_, rest)| rest);
        let prefix = address.find('/').map_or("", |at| &address[at..]);
        format!("{prefix}{path}")
    }

    /// What readers see has changed by the clock, and the log does not say so yet: its number belongs to the answer. One request of this node
    /// at a time enters it, and none waits long for that; the answer is right without it.
    async fn record(&self, now: Timestamp) -> bool {
        let Ok(mut turn) = self.recording.clone().try_lock_owned() else { return false };
        if turn.is_some_and(|failed| failed.elapsed() < Self::PAUSE) {
            return false;
        }
        let store = self.store.clone();
        let recording = actix_web::rt::spawn(async move {
            let recorded = transitions::record(&store, now).await;
            *turn = recorded.is_err().then(Instant::now);
            recorded.inspect_err(|error| tracing::warn!(%error, "transitions were not recorded")).is_ok()
        });
        tokio::time::timeout(Self::PATIENCE, recording).await.is_ok_and(|done| done.unwrap_or(false))
    }

    const PATIENCE: Duration = Duration::from_millis(500);
    const PAUSE: Duration = Duration::from_secs(1);

    /// How fresh public content is; remembered for answers that carry no content.
    pub(super) async fn freshness(&self, now: Timestamp) -> Result<Freshness, super::problem::Problem> {
        let read = async || Ok((changes::freshness(self.store.reader(), now).await?, ()));
        Ok(self.with_freshness(now, read).await?.0)
    }

    /// As [`Api::freshness`], of something that is read together with it.
    pub(super) async fn with_freshness<T>(
        &self,
        now: Timestamp,
        read: impl AsyncFn() -> Result<(Freshness, T), StoreError>,
    ) -> Result<(Freshness, T), super::problem::Problem> {
        let mut fresh = read().await?;
        if fresh.0.unrecorded && self.record(now).await {
            fresh = read().await?;
        }
        self.sequence.fetch_max(fresh.0.sequence, Ordering::Relaxed);
        Ok(fresh)
    }
}
