//! Wires everything: store, keys, server, and the few tasks that run beside requests. The only module that spawns.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web;
use anyhow::Context as _;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::config::ServeSettings;
use crate::domain::authority::{Admin, Origin, Role};
use crate::domain::change::Sequence;
use crate::domain::clock::{Clock, Timestamp, new_id};
use crate::domain::user::UserDraft;
use crate::editorial::error::EditorialError;
use crate::editorial::keys::KeyRing;
use crate::editorial::{accounts, demo, imports, lifecycle, site};
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
use crate::store::Store;

const HOUSEKEEPING: Duration = Duration::from_hours(1);
/// How often a look is taken for imports that another process left behind.
const IMPORT_POLL: Duration = Duration::from_secs(1);

/// How long a background thread waits for more work. What it keeps of its memory goes back when it ends.
const AWAKE: Duration = Duration::from_millis(100);

/// How many rows of the change log an import may be ahead of what the search index has taken in.
const MOST_BEHIND: i64 = 6_000;
/// How long it waits for the index after a batch. Shorter than its lease: while it waits, nobody else takes it over.
const SEARCH_PATIENCE: Duration = Duration::from_secs(2);

/// A service that runs.
pub struct App {
    /// Where it listens.
    pub address: SocketAddr,
    pub base_url: String,
    pub store: Store,
    pub keys: KeyRing,
    pub cache: ResponseCache<BufferedResponse>,
    /// Where the figures are told, if they have an address of their own.
    pub metrics_address: Option<SocketAddr>,
    handle: ServerHandle,
    server: JoinHandle<std::io::Result<()>>,
    metrics: Option<(ServerHandle, JoinHandle<std::io::Result<()>>)>,
    tasks: Vec<JoinHandle<()>>,
    /// Indexes for as long as the service runs.
    _background: LowPriorityPool,
    progress: [Progress; 3],
    clock: Clock,
    /// Told when the service stops, for streams that would never end.
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
        let base_url = settings.base_url.clone().unwrap_or_else(|| own_address(&listener));
        let store = Store::open(&settings.data.resolved_url()?, settings.data.database_connections).await?;
        prepare(&store, settings, &clock).await?;
        let keys = KeyRing::open(&store, base_url.clone(), clock.now()).await?;
        let background = LowPriorityPool::start()?;
        let (projection, search, search_progress) = SearchProjection::new(settings.data.search_dir(), background.threads.clone());
        let (invalidation, cache, cache_progress) = ResponseCache::new(settings.cache_bytes);
        let (stream, newest) = Stream::new();
        let (closing, _) = watch::channel(false);
        let (stream_progress, stream_reached) = watch::channel(Sequence::NOT_OPEN);
        let sequence = crate::store::changes::freshness(store.reader(), clock.now()).await?.sequence;
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
            handle: server.handle(),
            server: spawn(server),
            metrics: metrics.map(|server| (server.handle(), spawn(server))),
            metrics_address,
            tasks: vec![
                spawn(housekeeping(store.clone(), keys.clone(), clock.clone())),
                spawn(follower::follow(store.clone(), projection, search_progress)),
                spawn(follower::follow(store.clone(), invalidation, cache_progress)),
                spawn(follower::follow(store.clone(), stream, stream_progress)),
                spawn(follower::record_transitions(store.clone(), clock.clone())),
                spawn(follower::listen(store.clone())),
                spawn(work_on_imports(store.clone(), clock.clone(), state.import_received(), search.indexed())),
            ],
            _background: background,
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

    /// Waits until every projection shows what the log says now, what the clock has done included.
    ///
    /// # Errors
    /// When the database cannot be read, or a projection takes longer than half a minute.
    pub async fn settled(&self) -> anyhow::Result<()> {
        crate::store::transitions::record(&self.store, self.clock.now()).await?;
        let newest = crate::store::changes::newest(self.store.reader()).await?;
        if self.progress.iter().any(|progress| *progress.borrow() < newest) {
            // Drafts are taken in when there is time: here somebody waits for them.
            self.store.notify();
        }
        for progress in &self.progress {
            let mut progress = progress.clone();
            let reached = progress.wait_for(|position| *position >= newest);
            tokio::time::timeout(Duration::from_secs(30), reached).await.context("a projection does not catch up")??;
        }
        Ok(())
    }

    /// Finishes the requests in flight, then stops.
    ///
    /// # Errors
    /// When the server or the database failed on the way.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.closing.send_replace(true);
        self.handle.stop(true).await;
        self.server.await??;
        if let Some((handle, server)) = self.metrics {
            handle.stop(true).await;
            server.await??;
        }
        for task in self.tasks {
            task.abort();
            let _ = task.await;
        }
        Ok(self.store.close().await?)
    }
}

fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))
}

fn own_address(listener: &TcpListener) -> String {
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
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    ServerSettings {
        workers: settings.workers.map_or(processors, usize::from),
        max_connections: settings.max_connections,
        keep_alive: Duration::from_secs(settings.keep_alive),
        head_time: Duration::from_secs(10),
        shutdown_time: Duration::from_secs(settings.shutdown_timeout),
    }
}

async fn prepare(store: &Store, settings: &ServeSettings, clock: &Clock) -> anyhow::Result<()> {
    let _guard = store.startup_guard().await?;
    let pending = store.pending_migrations().await?;
    if settings.no_migrate {
        anyhow::ensure!(
            pending.is_empty(),
            "the schema is {} step(s) behind: run insights migrate, or leave --no-migrate out",
            pending.len()
        );
    } else {
        // It asks once more what is missing, over several round trips.
        let steps = if pending.is_empty() { Vec::new() } else { store.migrate().await? };
        for step in steps {
            tracing::info!(step, "migrated");
        }
    }
    site::ensure(store, clock.now()).await?;
    if let Some((email, password)) = settings.first_admin()?
        && crate::store::users::count(store.reader()).await? == 0
    {
        let input = serde_json::json!({ "email": email, "name": email, "role": Role::Admin.as_str(), "password": password });
        let draft = UserDraft::parse(input).map_err(|errors| anyhow::anyhow!("the first administrator: {}", told(&errors)))?;
        let now = clock.now();
        accounts::create_user(store, &Admin::system(Origin::Cli), draft, now).await?.commit(store, now).await?;
        tracing::info!(email, "made the first administrator");
    }
    if settings.demo && demo::load(store, clock.now()).await? {
        tracing::info!("loaded the sample insights");
    }
    Ok(())
}

/// Faults of an input in one line, for the command line.
#[must_use]
pub fn told(errors: &[crate::domain::fields::FieldError]) -> String {
    errors.iter().map(|error| format!("{} {}", error.pointer.trim_start_matches('/'), error.detail)).collect::<Vec<_>>().join("; ")
}

/// What an editorial error says on the command line.
#[must_use]
pub fn explained(error: EditorialError) -> anyhow::Error {
    match error {
        EditorialError::Invalid(errors) => anyhow::anyhow!("{}", told(&errors)),
        other => other.into(),
    }
}

/// Renews what another version has left, then rotates keys and forgets ended sessions, for as long as the process lives. A failure is logged and
/// tried again an hour later.
async fn housekeeping(store: Store, keys: KeyRing, clock: Clock) {
    tell_renewed(crate::store::summaries::renew_after_upgrade(&store).await);
    loop {
        tokio::time::sleep(HOUSEKEEPING).await;
        let now = clock.now();
        if let Err(error) = keys.rotate(&store, now).await {
            tracing::error!(%error, "keys were not rotated");
        }
        tidy(&store, now).await;
    }
}

/// Works on imports, for as long as the process lives: those that were just received, and those that another process left behind.
async fn work_on_imports(store: Store, clock: Clock, bell: Arc<Notify>, taken: Progress) {
    let worker = new_id(clock.now());
    loop {
        let done = match imports::take(&store, worker, clock.now()).await {
            Ok(None) => {
                let _ = tokio::time::timeout(IMPORT_POLL, bell.notified()).await;
                continue;
            }
            Ok(Some(import)) => {
                tracing::info!(import = %import.id, items = import.total, "working on an import");
                imports::work(&store, import.id, worker, &clock, |_| let_search_follow(store.clone(), taken.clone())).await
            }
            Err(error) => Err(error),
        };
        match done {
            Ok(outcome) => tracing::info!(?outcome, "an import ended"),
            Err(error) => {
                tracing::error!(%error, "an import was interrupted, and is gone on with");
                tokio::time::sleep(IMPORT_POLL).await;
            }
        }
    }
}

/// An import is faster than the search index: it waits for it now and then, or everybody else's writes would wait for both. An index that does not
/// move holds no import up.
async fn let_search_follow(store: Store, mut taken: Progress) {
    let wanted = Sequence(store.committed().sequence.0 - MOST_BEHIND);
    let reached = taken.wait_for(|position| *position >= wanted || !position.is_open());
    let _ = tokio::time::timeout(SEARCH_PATIENCE, reached).await;
}

/// Forgets what has ended, and empties the trash of what has been in it long enough.
pub async fn tidy(store: &Store, now: Timestamp) {
    let writer = store.writer();
    let done = [
        ("sessions", crate::store::sessions::forget_ended(writer, now).await.err()),
        ("kept answers", crate::store::idempotency::forget_expired(writer, now).await.err()),
        ("preview tokens", crate::store::previews::forget_ended(writer, now).await.err()),
    ];
    for (what, error) in done {
        if let Some(error) = error {
            tracing::error!(%error, what, "what has ended was not forgotten");
        }
    }
    tell_renewed(crate::store::summaries::renew(store).await);
    if let Err(error) = imports::tidy(store, now).await {
        tracing::error!(%error, "imports that ended were not forgotten");
    }
    match lifecycle::empty_trash(store, now).await {
        Ok(0) => {}
        Ok(purged) => tracing::info!(purged, "emptied the trash"),
        Err(error) => tracing::error!(%error, "the trash was not emptied"),
    }
}

fn tell_renewed(summaries: Result<usize, crate::store::error::StoreError>) {
    match summaries {
        Ok(0) => {}
        Ok(renewed) => tracing::info!(renewed, "renewed the summaries of insights that another version has published"),
        Err(error) => tracing::error!(%error, "stale summaries were not renewed"),
    }
}

/// Threads that stand back when the processor is short: requests come first. Who waits for the search index waits a little longer then, together
/// with more others, and one commit serves them all. Nothing but indexing is done there: a connection that one of them opened to the database would
/// be a thread too, and stand back with what requests ask it.
struct LowPriorityPool {
    threads: Handle,
    runtime: Option<Runtime>,
}

impl LowPriorityPool {
    fn start() -> std::io::Result<Self> {
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        // Requests get nine turns for each of its own (setpriority(2), which is about one thread on Linux). Threads of the search engine are started
        // by these, and have what they have.
        #[cfg(target_os = "linux")]
        if let Ok(priority) = rustix::process::getpriority_process(None) {
            threads.on_thread_start(move || {
                let _ = rustix::process::setpriority_process(None, priority + 10);
            });
        }
        let runtime = threads.worker_threads(1).thread_name("background").thread_keep_alive(AWAKE).build()?;
        Ok(Self { threads: runtime.handle().clone(), runtime: Some(runtime) })
    }
}

impl Drop for LowPriorityPool {
    fn drop(&mut self) {
        // It is dropped where nobody may wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that owns tasks")]
fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(task)
}
