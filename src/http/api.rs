//! What every handler can reach.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OnceCell, Semaphore, watch};

use super::events::Page;

use crate::domain::clock::{Clock, Timestamp};
use crate::editorial::keys::KeyRing;
use crate::editorial::throttle::Throttle;
use crate::projections::search::Search;
use crate::store::changes::{self, Freshness};
use crate::store::{Store, transitions};

/// The service behind the routes.
pub struct Api {
    pub store: Store,
    pub keys: KeyRing,
    pub throttle: Throttle,
    pub clock: Clock,
    pub search: Search,
    /// The newest public number that the event stream may tell.
    pub newest: watch::Receiver<i64>,
    pub events: EventLimits,
    /// Held by the one request of this node that enters into the log what the clock did.
    pub recording: tokio::sync::Mutex<()>,
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
    pub(super) lifetime: Duration,
    pub(super) pages: Mutex<Pages>,
    closing: watch::Sender<bool>,
}

impl EventLimits {
    /// The sending end says when the service stops: streams end then.
    #[must_use]
    pub fn new(most: usize, lifetime: Duration, closing: watch::Sender<bool>) -> Self {
        Self { places: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))), lifetime, pages: Mutex::default(), closing }
    }

    pub(super) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }
}

type PageKey = (i64, i64, Option<String>);
type PageCell = Arc<OnceCell<Arc<Page>>>;

/// The pages that streams have asked for last, each read once.
#[derive(Debug, Default)]
pub(super) struct Pages(VecDeque<(PageKey, PageCell)>);

impl Pages {
    const MOST: usize = 16;

    pub(super) fn cell(pages: &Mutex<Self>, key: PageKey) -> PageCell {
        let mut pages = pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, cell)) = pages.0.iter().find(|(there, _)| *there == key) {
            return cell.clone();
        }
        let cell = PageCell::default();
        pages.0.push_back((key, cell.clone()));
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

    /// How fresh public content is; remembered for answers that carry no content.
    pub(super) async fn freshness(&self, now: Timestamp) -> Result<Freshness, super::problem::Problem> {
        let mut freshness = changes::freshness(self.store.reader(), now).await?;
        if freshness.unrecorded {
            // What readers see has changed by the clock: its number in the log belongs to the answer.
            let _turn = self.recording.lock().await;
            if let Err(error) = transitions::record(&self.store, now).await {
                tracing::warn!(%error, "transitions were not recorded");
            }
            freshness = changes::freshness(self.store.reader(), now).await?;
        }
        self.sequence.fetch_max(freshness.sequence, Ordering::Relaxed);
        Ok(freshness)
    }
}
