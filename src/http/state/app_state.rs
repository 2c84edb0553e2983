//! What every handler can reach.

use crate::http::state::event_streams::EventLimits;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::{Notify, watch};

use crate::http::response::buffered::BufferedResponse;
use crate::http::state::counters::Metrics;
use crate::http::state::documents::ServedDocument;
use crate::http::state::in_flight_keys::InFlightKeys;

use crate::domain::change::{AtomicPublicSequence, PublicSequence};
use crate::domain::clock::{Clock, Timestamp};
use crate::editorial::keys::KeyRing;
use crate::editorial::throttle::Throttle;
use crate::projections::response_cache::ResponseCache;
use crate::projections::search::Search;
use crate::store::changes;
use crate::store::changes::Freshness;
use crate::store::error::StoreError;
use crate::store::{Store, transitions};

/// What the state of a service is made of.
pub struct Dependencies {
    pub store: Store,
    pub keys: KeyRing,
    pub clock: Clock,
    pub search: Search,
    pub cache: ResponseCache<BufferedResponse>,
    /// The newest public sequence that the event stream may send.
    pub newest: watch::Receiver<PublicSequence>,
    pub events: EventLimits,
    /// The public address, without a slash at its end.
    pub base_url: String,
    pub limits: Limits,
    /// Whether metrics are served at an address of their own, and nowhere else.
    pub separate_metrics: bool,
    /// Derives the OpenAPI document from the routes.
    pub document: fn() -> Value,
    /// The newest public sequence of the database.
    pub sequence: PublicSequence,
}

/// What every handler can reach: one service behind its routes.
pub struct AppState {
    pub(crate) store: Store,
    pub(crate) keys: KeyRing,
    pub(crate) throttle: Throttle,
    pub(crate) in_flight_keys: InFlightKeys,
    import_received: Arc<Notify>,
    pub(crate) clock: Clock,
    pub(crate) search: Search,
    pub(crate) cache: ResponseCache<BufferedResponse>,
    pub(crate) metrics: Metrics,
    pub(crate) newest: watch::Receiver<PublicSequence>,
    pub(crate) events: EventLimits,
    /// Held by the one request of this node that enters into the log what the clock did; says when that failed last.
    recording: Arc<tokio::sync::Mutex<Option<Instant>>>,
    pub(crate) base_url: String,
    pub(crate) limits: Limits,
    pub(crate) documents: ServedDocument,
    /// Requests that are being answered, those whose clients left included.
    pub(crate) in_flight: AtomicUsize,
    /// The newest public sequence that this node has sent to anybody.
    pub(crate) sequence: AtomicPublicSequence,
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

impl AppState {
    #[must_use]
    pub fn new(dependencies: Dependencies) -> Self {
        let Dependencies { store, keys, clock, search, cache, newest, events, base_url, limits, separate_metrics, document, sequence } =
            dependencies;
        Self {
            store,
            keys,
            throttle: Throttle::default(),
            in_flight_keys: InFlightKeys::default(),
            import_received: Arc::default(),
            clock,
            search,
            cache,
            metrics: Metrics::new(separate_metrics),
            newest,
            events,
            recording: Arc::default(),
            base_url,
            limits,
            documents: ServedDocument::new(document),
            in_flight: AtomicUsize::new(0),
            sequence: AtomicPublicSequence::new(sequence),
        }
    }

    /// Notified when an import was received.
    #[must_use]
    pub fn import_received(&self) -> Arc<Notify> {
        self.import_received.clone()
    }

    /// Renders the OpenAPI document ahead of the requests that need it.
    pub fn prepare_documents(&self) {
        self.documents.prepare();
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// When anything changed, what only editors see included. It is to be asked before what is then shown is read: that must not be dated younger
    /// than it is.
    pub(crate) async fn drafted(&self) -> Result<Timestamp, crate::http::response::problem::Problem> {
        Ok(changes::newest_at(self.store.reader()).await?)
    }

    /// A path as the public reaches it: the public address may have a path of its own.
    pub(crate) fn location(&self, path: &str) -> String {
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
    pub(crate) async fn freshness(&self, now: Timestamp) -> Result<Freshness, crate::http::response::problem::Problem> {
        let read = async || Ok((changes::freshness(self.store.reader(), now).await?, ()));
        Ok(self.with_freshness(now, read).await?.0)
    }

    /// As [`AppState::freshness`], of something that is read together with it.
    pub(crate) async fn with_freshness<T>(
        &self,
        now: Timestamp,
        read: impl AsyncFn() -> Result<(Freshness, T), StoreError>,
    ) -> Result<(Freshness, T), crate::http::response::problem::Problem> {
        let mut fresh = read().await?;
        if fresh.0.unrecorded && self.record(now).await {
            fresh = read().await?;
        }
        self.sequence.fetch_max(fresh.0.sequence, Ordering::Relaxed);
        Ok(fresh)
    }
}
