//! The state of one service, shared by its handlers and middleware.
//!
//! `app.rs` builds it from [`Dependencies`]; handlers take it as `web::Data<AppState>`. All state of a service is in here: no static has
//! any, so that several services can run in one process.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use serde_json::Value;
use tokio::sync::{Notify, watch};

use crate::domain::change::{AtomicPublicSequence, PublicSequence};
use crate::domain::clock::{Clock, Timestamp};
use crate::editorial::keys::KeyRing;
use crate::editorial::throttle::Throttle;
use crate::http::response::buffered::{BufferedResponse, RequestContext};
use crate::http::response::conditional::LastDated;
use crate::http::response::encoded_body::BackgroundCompressor;
use crate::http::response::problem::Problem;
use crate::http::state::counters::Metrics;
use crate::http::state::documents::ServedDocument;
use crate::http::state::event_streams::EventLimits;
use crate::http::state::in_flight::InFlightRequests;
use crate::http::state::in_flight_keys::InFlightKeys;
use crate::http::state::transition_recorder::TransitionRecorder;
use crate::projections::response_cache::ResponseCache;
use crate::projections::search::Search;
use crate::store::Store;
use crate::store::changes;
use crate::store::changes::Freshness;
use crate::store::error::StoreError;

/// What the state of a service is built from.
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

/// See the module.
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
    transition_recorder: TransitionRecorder,
    pub(crate) base_url: String,
    pub(crate) limits: Limits,
    pub(crate) documents: ServedDocument,
    pub(crate) in_flight: InFlightRequests,
    pub(crate) last_dated: LastDated,
    compressor: BackgroundCompressor,
    /// The newest public sequence that a response of this node has had.
    pub(crate) sequence: AtomicPublicSequence,
}

/// What a request may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The maximum number of requests in flight; the next one is refused.
    pub requests: usize,
    pub body_bytes: usize,
    pub body_time: Duration,
    /// Whether `X-Forwarded-For` is trusted: only behind a proxy that sets it.
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
            transition_recorder: TransitionRecorder::default(),
            base_url,
            limits,
            documents: ServedDocument::new(document),
            in_flight: InFlightRequests::default(),
            last_dated: LastDated::default(),
            compressor: BackgroundCompressor::default(),
            sequence: AtomicPublicSequence::new(sequence),
        }
    }

    /// Notified when an import was received.
    #[must_use]
    pub fn import_received(&self) -> Arc<Notify> {
        self.import_received.clone()
    }

    /// Renders the OpenAPI document before a request needs it.
    pub fn prepare_documents(&self) {
        self.documents.get();
    }

    /// What a buffered response needs to know of a request with these headers.
    pub(crate) fn request_context<'r>(&'r self, headers: &'r HeaderMap) -> RequestContext<'r> {
        RequestContext { headers, now: self.now(), last_dated: &self.last_dated, compressor: &self.compressor }
    }

    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// When anything changed, drafts included. Call it before reading what is shown: a response must not be dated later than what it shows.
    pub(crate) async fn last_change_incl_drafts(&self) -> Result<Timestamp, Problem> {
        Ok(changes::newest_at(self.store.reader()).await?)
    }

    /// A path as the public reaches it: the public address may have a path of its own.
    pub(crate) fn location(&self, path: &str) -> String {
        let address = self.base_url.split_once("://").map_or(self.base_url.as_str(), |(_, rest)| rest);
        let prefix = address.find('/').map_or("", |at| &address[at..]);
        format!("{prefix}{path}")
    }

    /// How fresh public content is; remembered for responses that carry no content.
    pub(crate) async fn freshness(&self, now: Timestamp) -> Result<Freshness, Problem> {
        let read = async || Ok((changes::freshness(self.store.reader(), now).await?, ()));
        Ok(self.with_freshness(now, read).await?.0)
    }

    /// As [`AppState::freshness`], for something that is read together with it.
    pub(crate) async fn with_freshness<T>(
        &self,
        now: Timestamp,
        read: impl AsyncFn() -> Result<(Freshness, T), StoreError>,
    ) -> Result<(Freshness, T), Problem> {
        let (mut freshness, mut value) = read().await?;
        if freshness.unrecorded && self.transition_recorder.record(&self.store, now).await {
            (freshness, value) = read().await?;
        }
        self.sequence.fetch_max(freshness.sequence, Ordering::Relaxed);
        Ok((freshness, value))
    }
}
