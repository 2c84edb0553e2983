//! The reading end of the index, shared by all requests.

use super::index::schema::IndexFields;
use super::query;
use super::query::bm25::Scratch;
use super::query::execute::{SearchPage, SearchRequest};
use super::query::related::{Similar, Subject};
use super::query::suggestions::TypedPrefix;
use super::reader::terms::TermTable;
use super::reader::view::View;
use super::reader::visibility::SegmentData;
use crate::domain::change::{AtomicSequence, PublicSequence, Sequence};
use crate::domain::clock::Timestamp;
use crate::projections::follower::Progress;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tantivy::Searcher;
use tokio::sync::{Semaphore, watch};

/// Why a search has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("search is not ready: its index is being read or made anew")]
    NotReady,
    #[error("search failed")]
    Failed,
}

/// The reading end, shared by all requests.
#[derive(Clone)]
pub struct Search {
    pub(super) shared: Arc<SearchState>,
    progress: Progress,
}

impl Search {
    pub(super) fn new(progress: Progress) -> Self {
        let permits = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).max(2);
        let shared = SearchState {
            live: RwLock::new(None),
            owed: AtomicSequence::default(),
            wanted: watch::channel(Sequence::default()).0,
            taken: watch::channel(Sequence::NOT_OPEN).0,
            waiting: Semaphore::new(32),
            permits: Semaphore::new(permits),
            scratches: Mutex::new(Vec::new()),
        };
        Self { shared: Arc::new(shared), progress }
    }

    /// Waits until a row of the log can be found. When that takes too long, searches wait instead: none answers without it.
    pub async fn wait_for(&self, sequence: Sequence) {
        self.shared.wanted.send_if_modified(|wanted| {
            let later = sequence > *wanted;
            *wanted = sequence.max(*wanted);
            later
        });
        if !self.progress.borrow().is_open() || !self.reaches(sequence, PATIENCE).await {
            self.shared.owed.fetch_max(sequence, Ordering::SeqCst);
        }
    }

    /// Whether the index is as far as a row of the log before patience ends.
    async fn reaches(&self, sequence: Sequence, patience: Duration) -> bool {
        let mut progress = self.progress.clone();
        let reached = progress.wait_for(|position| *position >= sequence);
        tokio::time::timeout(patience, reached).await.is_ok_and(|reached| reached.is_ok())
    }

    async fn live(&self) -> Result<Arc<IndexSnapshot>, SearchError> {
        let owed = self.shared.owed.load(Ordering::SeqCst);
        if *self.progress.borrow() < owed {
            // A few may wait for what takes a moment; if all did, they would fill the service.
            let _place = self.shared.waiting.try_acquire().map_err(|_many| SearchError::NotReady)?;
            if !self.reaches(owed, SEARCH_PATIENCE).await {
                return Err(SearchError::NotReady);
            }
        }
        let live = self.shared.live.read().unwrap_or_else(PoisonError::into_inner).clone();
        live.ok_or(SearchError::NotReady)
    }

    async fn run<T: Send + 'static>(
        &self,
        chain: Vec<String>,
        now: Timestamp,
        work: impl FnOnce(&View, &IndexSnapshot, &mut Scratch) -> T + Send + 'static,
    ) -> Result<T, SearchError> {
        let live = self.live().await?;
        let shared = self.shared.clone();
        let _permit = self.shared.permits.acquire().await.map_err(|_closed| SearchError::NotReady)?;
        let working = tokio::task::spawn_blocking(move || {
            let mut scratch = shared.scratches.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            let view = live.view(&chain, now)?;
            let answer = work(&view, &live, &mut scratch);
            shared.scratches.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
            Ok::<_, tantivy::TantivyError>(answer)
        });
        let answer = working.await.map_err(|_panicked| SearchError::Failed)?;
        answer.map_err(|error| {
            tracing::error!(%error, "the search index cannot be read");
            SearchError::Failed
        })
    }

    /// A page of hits for a reader with this chain of locales.
    ///
    /// # Errors
    /// While the index cannot answer.
    pub async fn find(&self, request: SearchRequest, chain: Vec<String>, now: Timestamp) -> Result<SearchPage, SearchError> {
        self.run(chain, now, move |view, live, scratch| {
            let found = query::execute::search(view, &live.terms, &request, now, scratch);
            SearchPage { sequence: live.sequence, ..found }
        })
        .await
    }

    /// The insights whose titles and headings begin or go on like this, and the newest public number that is in the index.
    ///
    /// # Errors
    /// While the index cannot answer.
    pub async fn suggest(&self, query: String, chain: Vec<String>, now: Timestamp) -> Result<(TypedPrefix, PublicSequence), SearchError> {
        self.run(chain, now, move |view, live, _| (query::suggestions::beginning(view, &query), live.sequence)).await
    }

    /// The insights most similar to one, best first, and the newest public number that is in the index.
    ///
    /// # Errors
    /// While the index cannot answer.
    pub async fn related(
        &self,
        subject: Subject,
        limit: usize,
        chain: Vec<String>,
        now: Timestamp,
    ) -> Result<(Vec<Similar>, PublicSequence), SearchError> {
        self.run(chain, now, move |view, live, scratch| {
            (query::related::related(view, &live.terms, &subject, limit, scratch), live.sequence)
        })
        .await
    }

    /// Work on texts that were found, beside the reactor and among the searches.
    ///
    /// # Errors
    /// While the service stops, and when the work fails.
    pub async fn offload<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, SearchError> {
        let _permit = self.shared.permits.acquire().await.map_err(|_closed| SearchError::NotReady)?;
        tokio::task::spawn_blocking(work).await.map_err(|_panicked| SearchError::Failed)
    }

    /// How far the index is behind the log, for whoever waits for it.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// How much of the log is in the index, whether searches find it yet or not.
    #[must_use]
    pub fn taken(&self) -> Progress {
        self.shared.taken.subscribe()
    }
}

pub(crate) struct SearchState {
    pub(super) live: RwLock<Option<Arc<IndexSnapshot>>>,
    /// The newest row of the log that a write was answered for without waiting for it any longer.
    owed: AtomicSequence,
    /// The newest row of the log that somebody has waited for: until it is there nothing is put off.
    pub(super) wanted: watch::Sender<Sequence>,
    /// The newest row of the log that is in the index, whether searches find it yet or not. Below zero until the index is open.
    pub(super) taken: watch::Sender<Sequence>,
    waiting: Semaphore,
    /// Searches keep a processor busy: only so many at a time, each with memory of its own.
    permits: Semaphore,
    scratches: Mutex<Vec<Scratch>>,
}

/// The index at one commit.
pub(crate) struct IndexSnapshot {
    pub(super) searcher: Searcher,
    pub(super) fields: IndexFields,
    pub(super) terms: Arc<TermTable>,
    pub(super) sequence: PublicSequence,
    pub(super) views: Mutex<HashMap<Vec<String>, Arc<View>>>,
    pub(super) columns: Vec<Arc<SegmentData>>,
    pub(super) locales: Vec<String>,
}

impl IndexSnapshot {
    /// The view of readers with this chain now.
    fn view(&self, chain: &[String], now: Timestamp) -> tantivy::Result<Arc<View>> {
        let chain: Vec<String> = chain.iter().filter(|tag| self.locales.contains(tag)).cloned().collect();
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = views.get(&chain).filter(|view| view.is_good_at(now)) {
            return Ok(view.clone());
        }
        if views.len() >= MOST_VIEWS && !views.contains_key(&chain) {
            views.clear();
        }
        let view = Arc::new(View::of(&self.searcher, &self.columns, &self.fields, &chain, now)?);
        views.insert(chain, view.clone());
        Ok(view)
    }
}

/// How long a write waits until search shows it, and a search until it shows what was written.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) const SEARCH_PATIENCE: Duration = Duration::from_secs(1);

/// A view for each chain of locales that exist; no more are kept.
pub(crate) const MOST_VIEWS: usize = 32;
