//! Finished answers to what everybody may read, within a budget of bytes; one computation for each, however many ask.
//!
//! Nothing is taken out when content changes: what changed is remembered by name with its number in the log, and an answer that is older
//! than any of its names is not given out any more. So a computation that was overtaken by a write can do no harm, and nothing unrelated is
//! lost. What readers stop asking for, the budget takes (Clock-PRO: a scan of rare addresses does not displace what is asked for often).
//!
//! Invariant: a write is not answered before everything that it changed is remembered here; when that takes too long, nothing is given out
//! until it is.

mod invalidation_log;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

pub use invalidation_log::{CacheTags, ResponseCacheProjection};
use invalidation_log::{EntryMeta, InvalidationLog};

use super::follower::Progress;
use crate::domain::change::{PublicSequence, Sequence};
use crate::domain::clock::Timestamp;

/// How long a write waits until what it changed is remembered.
const PATIENCE: Duration = Duration::from_secs(5);
/// What an answer costs besides its bytes.
const OVERHEAD: usize = 1_024;
/// What an answer usually takes.
const USUAL: u64 = 16_384;

/// An answer, and what it was made of.
pub struct CacheEntry<V> {
    pub value: V,
    pub bytes: usize,
    life: EntryMeta,
}

impl<V> CacheEntry<V> {
    /// `bytes` is what it takes in memory, all encodings included.
    #[must_use]
    pub fn new(value: V, bytes: usize, made_at: PublicSequence, moments: (Timestamp, Option<Timestamp>), names: CacheTags) -> Self {
        Self { value, bytes, life: EntryMeta::new(made_at, moments, names) }
    }
}

enum CacheSlot<V> {
    Entry(Arc<CacheEntry<V>>),
    /// Another spelling of the same request.
    Alias(Arc<str>),
}

impl<V> Clone for CacheSlot<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Entry(answer) => Self::Entry(answer.clone()),
            Self::Alias(key) => Self::Alias(key.clone()),
        }
    }
}

#[derive(Clone)]
struct EntryWeigher;

impl<V> quick_cache::Weighter<Arc<str>, CacheSlot<V>> for EntryWeigher {
    fn weight(&self, key: &Arc<str>, slot: &CacheSlot<V>) -> u64 {
        let bytes = match slot {
            CacheSlot::Entry(answer) => answer.bytes + OVERHEAD,
            CacheSlot::Alias(_) => OVERHEAD / 4,
        };
        (key.len() + bytes) as u64
    }
}

/// The reading end, shared by all requests.
pub struct ResponseCache<V> {
    shared: Arc<CacheState<V>>,
    progress: Progress,
}

impl<V> Clone for ResponseCache<V> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), progress: self.progress.clone() }
    }
}

struct CacheState<V> {
    kept: quick_cache::sync::Cache<Arc<str>, CacheSlot<V>, EntryWeigher>,
    known: Arc<InvalidationLog>,
    flights: Mutex<HashMap<Arc<str>, Flight<V>>>,
    on: bool,
    hits: Mutex<Vec<Arc<AtomicU64>>>,
    joined: AtomicU64,
    made: AtomicU64,
}

/// A computation that others wait for.
struct Flight<V> {
    /// Whoever comes after the log went on does not join.
    since: Sequence,
    outcome: watch::Receiver<Option<FlightOutcome<V>>>,
}

/// How a computation ended.
pub enum FlightOutcome<V> {
    Made(Arc<CacheEntry<V>>),
    /// It failed in a way that would befall the others too.
    Failed,
    /// The answer is nobody else's: each makes its own.
    NotKept,
}

impl<V> Clone for FlightOutcome<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Made(answer) => Self::Made(answer.clone()),
            Self::Failed => Self::Failed,
            Self::NotKept => Self::NotKept,
        }
    }
}

/// Who computes.
pub enum Lookup<V> {
    Kept(Arc<CacheEntry<V>>, PublicSequence),
    /// Nobody knows what is true: each asks the database.
    Alone,
    Mine(CacheFill<V>),
    Theirs(watch::Receiver<Option<FlightOutcome<V>>>),
}

/// The duty to compute an answer. Dropped without an outcome, each of those who wait asks for itself.
pub struct CacheFill<V> {
    shared: Arc<CacheState<V>>,
    key: Arc<str>,
    outcome: watch::Sender<Option<FlightOutcome<V>>>,
}

impl<V: Send + Sync + 'static> ResponseCache<V> {
    /// Both ends of a cache of so many bytes, and where its progress is told.
    #[must_use]
    pub fn new(budget: u64) -> (ResponseCacheProjection, Self, watch::Sender<Sequence>) {
        let (sender, progress) = watch::channel(Sequence::NOT_OPEN);
        let known = Arc::new(InvalidationLog::new());
        let usual = usize::try_from(budget / USUAL).unwrap_or(usize::MAX);
        let shared = CacheState {
            kept: quick_cache::sync::Cache::with_weighter(usual, budget, EntryWeigher),
            known: known.clone(),
            flights: Mutex::default(),
            on: budget > 0,
            hits: Mutex::default(),
            joined: AtomicU64::new(0),
            made: AtomicU64::new(0),
        };
        (ResponseCacheProjection::new(known), Self { shared: Arc::new(shared), progress }, sender)
    }

    /// Whether anything is kept at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.shared.on
    }

    /// Whether the database is away: what is kept was true when it was seen last.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.shared.known.cut_off.load(Ordering::Relaxed)
    }

    /// The answer that is kept under a key, if it is true now, and the public number that it is true at.
    #[must_use]
    pub fn find(&self, key: &str, now: Timestamp) -> Option<(Arc<CacheEntry<V>>, PublicSequence)> {
        let answer = self.kept(key)?;
        let sequence = self.shared.known.holds(&answer.life, now)?;
        Some((answer, sequence))
    }

    fn kept(&self, key: &str) -> Option<Arc<CacheEntry<V>>> {
        let slot = self.shared.kept.get(key)?;
        let slot = if let CacheSlot::Alias(key) = &slot { self.shared.kept.get(key)? } else { slot };
        if let CacheSlot::Entry(answer) = slot { Some(answer) } else { None }
    }

    /// Whether something is kept under a key. Asking counts as asking for it.
    #[must_use]
    pub fn is_kept(&self, key: &str) -> bool {
        self.kept(key).is_some()
    }

    /// For counting the answers that somebody has given out.
    #[must_use]
    pub fn counter(&self) -> Arc<AtomicU64> {
        let counter = Arc::new(AtomicU64::new(0));
        self.shared.hits.lock().unwrap_or_else(PoisonError::into_inner).push(counter.clone());
        counter
    }

    /// Lets another spelling of a request find the same answer.
    pub fn alias(&self, spelling: &str, key: &Arc<str>) {
        self.shared.kept.insert(Arc::from(spelling), CacheSlot::Alias(key.clone()));
    }

    /// The answer, or the duty to make it, or whom to wait for.
    #[must_use]
    pub fn join(&self, key: &Arc<str>, now: Timestamp) -> Lookup<V> {
        let mut flights = self.shared.flights();
        if let Some((answer, sequence)) = self.find(key, now) {
            self.shared.joined.fetch_add(1, Ordering::Relaxed);
            return Lookup::Kept(answer, sequence);
        }
        if !self.shared.known.is_current() {
            return Lookup::Alone;
        }
        let since = self.shared.known.reached.load(Ordering::SeqCst);
        if let Some(flight) = flights.get(key).filter(|flight| flight.since == since) {
            return Lookup::Theirs(flight.outcome.clone());
        }
        let (sender, outcome) = watch::channel(None);
        flights.insert(key.clone(), Flight { since, outcome });
        Lookup::Mine(CacheFill { shared: self.shared.clone(), key: key.clone(), outcome: sender })
    }

    /// The public number that an answer is true at, if it is.
    #[must_use]
    pub fn holds(&self, answer: &CacheEntry<V>, now: Timestamp) -> Option<PublicSequence> {
        self.shared.known.holds(&answer.life, now)
    }

    /// Whether an answer that somebody waited for is good for them: it was begun after every write that was answered before they came, so only the
    /// clock can have overtaken it.
    #[must_use]
    pub fn is_good_for_waiters(&self, answer: &CacheEntry<V>, now: Timestamp) -> bool {
        self.shared.known.is_before_transition(&answer.life, now)
    }

    /// Waits until what a row of the log changed is remembered. When that takes too long, nothing that is kept is given out until it is.
    pub async fn wait_for(&self, sequence: Sequence) {
        let known = &self.shared.known;
        if known.reached.load(Ordering::SeqCst) >= sequence {
            return;
        }
        let mut progress = self.progress.clone();
        let following = progress.borrow().is_open();
        let reached = async { progress.wait_for(|position| *position >= sequence).await.is_ok() };
        if !following || !tokio::time::timeout(PATIENCE, reached).await.unwrap_or(false) {
            known.owed.fetch_max(sequence, Ordering::SeqCst);
        }
    }

    /// When the clock changes content next.
    #[must_use]
    pub fn next_transition(&self) -> Option<Timestamp> {
        Some(self.shared.known.next.load(Ordering::SeqCst)).filter(|at| *at < i64::MAX).map(Timestamp)
    }

    /// How far the names are behind the log, for whoever waits for it.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Answers given out, answers made, and bytes kept.
    #[must_use]
    pub fn figures(&self) -> (u64, u64, u64) {
        let counters = self.shared.hits.lock().unwrap_or_else(PoisonError::into_inner);
        let hits: u64 = counters.iter().map(|count| count.load(Ordering::Relaxed)).sum();
        (hits + self.shared.joined.load(Ordering::Relaxed), self.shared.made.load(Ordering::Relaxed), self.shared.kept.weight())
    }
}

impl<V> CacheState<V> {
    fn flights(&self) -> MutexGuard<'_, HashMap<Arc<str>, Flight<V>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> CacheFill<V> {
    /// Tells everybody who waits.
    pub fn finish(self, outcome: FlightOutcome<V>)
    where
        V: Send + Sync + 'static,
    {
        if let FlightOutcome::Made(answer) = &outcome {
            self.shared.made.fetch_add(1, Ordering::Relaxed);
            self.shared.kept.insert(self.key.clone(), CacheSlot::Entry(answer.clone()));
        }
        self.outcome.send_replace(Some(outcome));
    }
}

impl<V> Drop for CacheFill<V> {
    fn drop(&mut self) {
        let mut flights = self.shared.flights();
        let mine = self.outcome.subscribe();
        if flights.get(&self.key).is_some_and(|flight| flight.outcome.same_channel(&mine)) {
            flights.remove(&self.key);
        }
    }
}
