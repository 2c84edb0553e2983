//! Starts and stops a service: opens the store, builds the projections and the server, and spawns the background tasks.
//! The only room that spawns tasks which outlive a request.
//!
//! ```text
//! App::start -> prepare_database -> KeyRing, projections -> AppState -> server and background tasks
//! ```

pub(crate) mod errors;
mod import_worker;
mod low_priority;
mod maintenance;
mod prepare;

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web;
use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use maintenance::run_maintenance;

use crate::config::ServeSettings;
use crate::domain::change::Sequence;
use crate::domain::clock::Clock;
use crate::editorial::keys::KeyRing;
use crate::http::operations::metrics;
use crate::http::response::buffered::BufferedResponse;
use crate::http::routes;
use crate::http::server::{ServerSettings, serve};
use crate::http::state::app_state::{AppState, Dependencies, Limits};
use crate::http::state::event_streams::EventLimits;
use crate::projections::follower::{self, Progress};
use crate::projections::response_cache::ResponseCache;
use crate::projections::search::SearchProjection;
use crate::projections::stream::Stream;
use crate::store::{self, Store};
use import_worker::run_import_worker;
use low_priority::LowPriorityPool;
use maintenance::run_maintenance_loop;

/// How long [`App::settled`] waits for the projections.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Used when the system does not say how many processors there are.
const DEFAULT_WORKERS: usize = 2;

/// A running service. Call [`App::stop`] to end it.
pub struct App {
    /// Where it listens.
    pub address: SocketAddr,
    pub base_url: String,
    pub store: Store,
    pub keys: KeyRing,
    pub cache: ResponseCache<BufferedResponse>,
    /// Where it serves metrics, if they have an address of their own.
    pub metrics_address: Option<SocketAddr>,
    server: RunningServer,
    metrics: Option<RunningServer>,
    tasks: Vec<JoinHandle<()>>,
    /// Indexes for as long as the service runs.
    _low_priority: LowPriorityPool,
    progress: [Progress; 3],
    clock: Clock,
    /// Set when the service stops, to end event streams.
    closing: watch::Sender<bool>,
}

impl App {
    /// Opens the database, brings it up to date, and serves.
    ///
    /// # Errors
    /// When a setting, the database or the address cannot be used; the message says which.
    pub async fn start(settings: &ServeSettings, clock: Clock) -> anyhow::Result<Self> {
        let listener = listen(settings.bind)?;
        let metrics_listener = settings.metrics_bind.map(listen).transpose()?;
        let base_url = settings.base_url.clone().unwrap_or_else(|| default_base_url(&listener));
        let store = Store::open(&settings.data.resolved_url()?, settings.data.database_connections).await?;
        prepare::prepare_database(&store, settings, &clock).await?;
        let keys = KeyRing::open(&store, base_url.clone(), clock.now()).await?;
        let low_priority = LowPriorityPool::start()?;
        let (projection, search, search_progress) = SearchProjection::new(settings.data.search_dir(), low_priority.handle());
        let (invalidation, cache, cache_progress) = ResponseCache::new(settings.cache_bytes);
        let (stream, newest) = Stream::new();
        let (closing, _) = watch::channel(false);
        let (stream_progress, stream_reached) = watch::channel(Sequence::NOT_OPEN);
        let sequence = store::changes::freshness(store.reader(), clock.now()).await?.sequence;
        let state = web::Data::new(AppState::new(Dependencies {
            store: store.clone(),
            keys: keys.clone(),
            clock: clock.clone(),
            search: search.clone(),
            cache: cache.clone(),
            newest,
            events: EventLimits::new(settings.max_event_streams, Duration::from_secs(settings.event_stream_lifetime), closing.clone()),
            base_url: base_url.clone(),
            limits: limits(settings),
            separate_metrics: metrics_listener.is_some(),
            document: routes::document,
            sequence,
        }));
        let documents = state.clone();
        let _rendered = tokio::task::spawn_blocking(move || documents.prepare_documents());
        let (address, metrics_address) = (listener.local_addr()?, metrics_listener.as_ref().map(TcpListener::local_addr).transpose()?);
        let metrics = metrics_listener.map(|listener| metrics::serve(listener, state.clone())).transpose()?;
        let server = serve(listener, state.clone(), server_settings(settings))?;
        Ok(Self {
            server: RunningServer::spawn(server),
            metrics: metrics.map(RunningServer::spawn),
            metrics_address,
            tasks: vec![
                spawn(run_maintenance_loop(store.clone(), keys.clone(), clock.clone())),
                spawn(follower::follow(store.clone(), projection, search_progress)),
                spawn(follower::follow(store.clone(), invalidation, cache_progress)),
                spawn(follower::follow(store.clone(), stream, stream_progress)),
                spawn(follower::record_transitions(store.clone(), clock.clone())),
                spawn(follower::listen(store.clone())),
                spawn(run_import_worker(store.clone(), clock.clone(), state.import_received(), search.indexed())),
            ],
            _low_priority: low_priority,
            progress: [search.progress(), cache.progress(), stream_reached],
            cache,
            clock,
            closing,
            address,
            base_url,
            store,
            keys,
        })
    }

    /// Waits until every projection shows what the log says now, due transitions included.
    ///
    /// # Errors
    /// When the database cannot be read, or a projection takes longer than half a minute.
    pub async fn settled(&self) -> anyhow::Result<()> {
        store::transitions::record(&self.store, self.clock.now()).await?;
        let newest = store::changes::newest(self.store.reader()).await?;
        if self.progress.iter().any(|progress| *progress.borrow() < newest) {
            // Followers apply drafts when they have time. This caller waits for them.
            self.store.notify();
        }
        for progress in &self.progress {
            let mut progress = progress.clone();
            let reached = progress.wait_for(|position| *position >= newest);
            tokio::time::timeout(SETTLE_TIMEOUT, reached).await.context("a projection does not catch up")??;
        }
        Ok(())
    }

    /// Finishes the requests in flight, then stops.
    ///
    /// # Errors
    /// When the server or the database failed on the way.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.closing.send_replace(true);
        self.server.stop().await?;
        if let Some(metrics) = self.metrics {
            metrics.stop().await?;
        }
        for task in self.tasks {
            task.abort();
            let _ = task.await;
        }
        Ok(self.store.close().await?)
    }
}

/// A server and the task that runs it.
struct RunningServer {
    handle: ServerHandle,
    task: JoinHandle<std::io::Result<()>>,
}

impl RunningServer {
    fn spawn(server: actix_web::dev::Server) -> Self {
        Self { handle: server.handle(), task: spawn(server) }
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.handle.stop(true).await;
        Ok(self.task.await??)
    }
}

fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))
}

fn default_base_url(listener: &TcpListener) -> String {
    match listener.local_addr() {
        Ok(address) if address.ip().is_unspecified() => format!("http://localhost:{}", address.port()),
        Ok(address) => format!("http://{address}"),
        Err(_) => "http://localhost".to_owned(),
    }
}

fn limits(settings: &ServeSettings) -> Limits {
    Limits {
        requests: settings.max_requests,
        body_bytes: settings.max_body_bytes,
        body_time: Duration::from_secs(settings.body_timeout),
        trust_forwarded: settings.trust_forwarded,
    }
}

fn server_settings(settings: &ServeSettings) -> ServerSettings {
    let processors = std::thread::available_parallelism().map_or(DEFAULT_WORKERS, std::num::NonZero::get);
    ServerSettings {
        workers: settings.workers.map_or(processors, usize::from),
        max_connections: settings.max_connections,
        keep_alive: Duration::from_secs(settings.keep_alive),
        head_time: HEAD_TIMEOUT,
        shutdown_time: Duration::from_secs(settings.shutdown_timeout),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that owns background tasks")]
fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(task)
}
