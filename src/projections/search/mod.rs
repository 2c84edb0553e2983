//! Search inside the process: ranked, tolerant of typos, with facets, current the moment a write returns.
//!
//! The index is a projection of the change log. It holds every text that is live; what a reader may find of it is decided by a view at the
//! moment of the search. While it is behind a write that was answered, it answers nothing rather than something old.

mod analysis;
mod best;
mod bits;
mod columns;
mod cut;
mod dictionary;
mod documents;
mod engine;
mod facets;
mod highlight;
mod index;
pub mod integrity;
mod language;
mod numbers;
mod plan;
mod postings;
mod projection;
mod ranking;
mod related;
mod schema;
mod scoring;
mod seen;
mod segment;
mod suggestions;
mod syntax;
mod terms;
#[cfg(test)]
mod tests;
mod titles;
mod view;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use tantivy::Searcher;
use tokio::sync::{Semaphore, watch};

pub use engine::{FacetCount, Facets, Found, Hit, Place, Previous, Request};
pub use highlight::Marks;
pub use projection::SearchProjection;
pub use ranking::Explanation;
pub use related::{Reason, Similar, Subject};
pub use suggestions::{Beginning, Suggestion};
pub use titles::Answer;

use super::follower::Progress;
use crate::domain::clock::Timestamp;
use columns::Columns;
use schema::Fields;
use scoring::Scratch;
use terms::Terms;
use view::View;

/// How long a write waits until search shows it, and a search until it shows what was written.
const PATIENCE: Duration = Duration::from_secs(5);
const SEARCH_PATIENCE: Duration = Duration::from_secs(1);
/// A view for each chain of locales that exist; no more are kept.
const MOST_VIEWS: usize = 32;

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
    shared: Arc<Shared>,
    progress: Progress,
}

struct Shared {
    live: RwLock<Option<Arc<Live>>>,
    /// The newest row of the log that a write was answered for without waiting for it any longer.
    owed: AtomicI64,
    /// The newest row of the log that somebody has waited for: until it is there nothing is put off.
    wanted: watch::Sender<i64>,
    /// The newest row of the log that is in the index, whether searches find it yet or not. Below zero until the index is open.
    taken: watch::Sender<i64>,
    waiting: Semaphore,
    /// Searches keep a processor busy: only so many at a time, each with memory of its own.
    permits: Semaphore,
    scratches: Mutex<Vec<Scratch>>,
}

/// The index at one commit.
struct Live {
    searcher: Searcher,
    fields: Fields,
    terms: Arc<Terms>,
    sequence: i64,
    views: Mutex<HashMap<Vec<String>, Arc<View>>>,
    columns: Vec<Arc<Columns>>,
    locales: Vec<String>,
}

impl Live {
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

impl Search {
    fn new(progress: Progress) -> Self {
        let permits = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).max(2);
        let shared = Shared {
            live: RwLock::new(None),
            owed: AtomicI64::new(0),
            wanted: watch::channel(0).0,
            taken: watch::channel(-1).0,
            waiting: Semaphore::new(32),
            permits: Semaphore::new(permits),
            scratches: Mutex::new(Vec::new()),
        };
        Self { shared: Arc::new(shared), progress }
    }

    /// Waits until a row of the log can be found. When that takes too long, searches wait instead: none answers without it.
    pub async fn wait_for(&self, sequence: i64) {
        self.shared.wanted.send_if_modified(|wanted| {
            let later = sequence > *wanted;
            *wanted = sequence.max(*wanted);
            later
        });
        if *self.progress.borrow() < 0 || !self.reaches(sequence, PATIENCE).await {
            self.shared.owed.fetch_max(sequence, Ordering::SeqCst);
        }
    }

    /// Whether the index is as far as a row of the log before patience ends.
    async fn reaches(&self, sequence: i64, patience: Duration) -> bool {
        let mut progress = self.progress.clone();
        let reached = progress.wait_for(|position| *position >= sequence);
        tokio::time::timeout(patience, reached).await.is_ok_and(|reached| reached.is_ok())
    }

    async fn live(&self) -> Result<Arc<Live>, SearchError> {
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
        work: impl FnOnce(&View, &Live, &mut Scratch) -> T + Send + 'static,
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
    pub async fn find(&self, request: Request, chain: Vec<String>, now: Timestamp) -> Result<Found, SearchError> {
        self.run(chain, now, move |view, live, scratch| {
            let found = engine::search(view, &live.terms, &request, now, scratch);
            Found { sequence: live.sequence, ..found }
        })
        .await
    }

    /// The insights whose titles and headings begin or go on like this, and the newest public number that is in the index.
    ///
    /// # Errors
    /// While the index cannot answer.
    pub async fn suggest(&self, query: String, chain: Vec<String>, now: Timestamp) -> Result<(Beginning, i64), SearchError> {
        self.run(chain, now, move |view, live, _| (suggestions::beginning(view, &query), live.sequence)).await
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
    ) -> Result<(Vec<Similar>, i64), SearchError> {
        self.run(chain, now, move |view, live, scratch| (related::related(view, &live.terms, &subject, limit, scratch), live.sequence))
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
