//! The reading end of search, shared by all requests: waits for writes, and runs queries on the newest snapshot.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use super::query;
use super::query::accumulator::Scratch;
use super::query::execute::{SearchPage, SearchRequest};
use super::query::related::{Similar, Subject};
use super::query::suggestions::TypedPrefix;
use super::reader::view::View;
use super::snapshot::IndexSnapshot;
use crate::domain::change::{AtomicSequence, PublicSequence, Sequence};
use crate::domain::clock::Timestamp;
use crate::projections::follower::Progress;

/// How long a write waits until searches find it. After that, searches wait for it instead.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a search waits for a write that was answered already.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(1);
/// Searches that may wait at a time. If all did, they would occupy the service.
const MAX_WAITING_SEARCHES: usize = 32;

/// Why a search has no result.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("search is not ready: its index is being opened, rebuilt or updated")]
    NotReady,
    #[error("search failed")]
    Failed,
}

/// A handle to search. Cheap to clone.
#[derive(Clone)]
pub struct Search {
    pub(super) state: Arc<SearchState>,
    progress: Progress,
}

/// What the reading and the writing end share.
pub(super) struct SearchState {
    /// `None` until the index is open and has caught up with the log.
    pub(super) snapshot: RwLock<Option<Arc<IndexSnapshot>>>,
    /// The newest row whose write was answered after [`WRITE_TIMEOUT`], before searches could find it.
    required_row: AtomicSequence,
    /// The newest row that a write has waited for: up to here commits are not deferred.
    pub(super) awaited_row: watch::Sender<Sequence>,
    /// The newest row in the index, published or not. [`Sequence::NOT_OPEN`] until the index is open, and while the log cannot
    /// be read.
    pub(super) indexed_row: watch::Sender<Sequence>,
    waiting_searches: Semaphore,
    /// One for each processor, because searches keep a processor busy.
    running_searches: Semaphore,
    scratches: Mutex<Vec<Scratch>>,
}

impl Search {
    pub(super) fn new(progress: Progress) -> Self {
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).max(2);
        let state = SearchState {
            snapshot: RwLock::new(None),
            required_row: AtomicSequence::default(),
            awaited_row: watch::channel(Sequence::default()).0,
            indexed_row: watch::channel(Sequence::NOT_OPEN).0,
            waiting_searches: Semaphore::new(MAX_WAITING_SEARCHES),
            running_searches: Semaphore::new(processors),
            scratches: Mutex::new(Vec::new()),
        };
        Self { state: Arc::new(state), progress }
    }

    /// Waits until searches find what a row of the log says. After five seconds, searches wait instead: none succeeds without it.
    pub async fn wait_for(&self, row_sequence: Sequence) {
        self.state.awaited_row.send_if_modified(|awaited| {
            let is_newer = row_sequence > *awaited;
            *awaited = row_sequence.max(*awaited);
            is_newer
        });
        if !self.progress.borrow().is_open() || !self.reaches(row_sequence, WRITE_TIMEOUT).await {
            self.state.required_row.fetch_max(row_sequence, Ordering::SeqCst);
        }
    }

    /// Whether the published index reaches a row of the log within the timeout.
    async fn reaches(&self, row_sequence: Sequence, timeout: Duration) -> bool {
        let mut progress = self.progress.clone();
        let reached = progress.wait_for(|published| *published >= row_sequence);
        tokio::time::timeout(timeout, reached).await.is_ok_and(|reached| reached.is_ok())
    }

    async fn snapshot(&self) -> Result<Arc<IndexSnapshot>, SearchError> {
        let required_row = self.state.required_row.load(Ordering::SeqCst);
        if *self.progress.borrow() < required_row {
            let _permit = self.state.waiting_searches.try_acquire().map_err(|_full| SearchError::NotReady)?;
            if !self.reaches(required_row, SEARCH_TIMEOUT).await {
                return Err(SearchError::NotReady);
            }
        }
        let snapshot = self.state.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone();
        snapshot.ok_or(SearchError::NotReady)
    }

    /// Runs a query on the newest snapshot, on a blocking thread.
    async fn run<T: Send + 'static>(
        &self,
        chain: Vec<String>,
        now: Timestamp,
        query: impl FnOnce(&View, &IndexSnapshot, &mut Scratch) -> T + Send + 'static,
    ) -> Result<T, SearchError> {
        let snapshot = self.snapshot().await?;
        let state = self.state.clone();
        let _permit = self.state.running_searches.acquire().await.map_err(|_closed| SearchError::NotReady)?;
        let running = tokio::task::spawn_blocking(move || {
            let mut scratch = state.scratches.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let view = snapshot.view(&chain, now)?;
            let result = query(&view, &snapshot, &mut scratch);
            state.scratches.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
            Ok::<_, tantivy::TantivyError>(result)
        });
        let result = running.await.map_err(|_panicked| SearchError::Failed)?;
        result.map_err(|error| {
            tracing::error!(%error, "cannot read the search index");
            SearchError::Failed
        })
    }

    /// A page of hits for a reader with this locale fallback chain.
    ///
    /// # Errors
    /// While the index is not ready, and when it cannot be read.
    pub async fn find(&self, request: SearchRequest, chain: Vec<String>, now: Timestamp) -> Result<SearchPage, SearchError> {
        self.run(chain, now, move |view, snapshot, scratch| {
            let page = query::execute::search(view, &snapshot.terms, &request, now, scratch);
            SearchPage { public_sequence: snapshot.public_sequence, ..page }
        })
        .await
    }

    /// The insights whose titles or headings complete a query, and the newest public sequence in the index.
    ///
    /// # Errors
    /// As [`Search::find`].
    pub async fn suggest(&self, query: String, chain: Vec<String>, now: Timestamp) -> Result<(TypedPrefix, PublicSequence), SearchError> {
        self.run(chain, now, move |view, snapshot, _| (query::suggestions::complete(view, &query), snapshot.public_sequence)).await
    }

    /// The insights that are most similar to one, best first, and the newest public sequence in the index.
    ///
    /// # Errors
    /// As [`Search::find`].
    pub async fn related(
        &self,
        subject: Subject,
        limit: usize,
        chain: Vec<String>,
        now: Timestamp,
    ) -> Result<(Vec<Similar>, PublicSequence), SearchError> {
        self.run(chain, now, move |view, snapshot, scratch| {
            (query::related::related(view, &snapshot.terms, &subject, limit, scratch), snapshot.public_sequence)
        })
        .await
    }

    /// Runs work on the texts of hits, such as highlighting, on a blocking thread. It counts as a running search.
    ///
    /// # Errors
    /// While the service stops, and when the work panics.
    pub async fn offload<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, SearchError> {
        let _permit = self.state.running_searches.acquire().await.map_err(|_closed| SearchError::NotReady)?;
        tokio::task::spawn_blocking(work).await.map_err(|_panicked| SearchError::Failed)
    }

    /// The newest row of the log that searches find.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// The newest row of the log in the index, whether searches find it yet or not. [`Sequence::NOT_OPEN`] while the index does not
    /// advance.
    #[must_use]
    pub fn indexed(&self) -> Progress {
        self.state.indexed_row.subscribe()
    }
}
