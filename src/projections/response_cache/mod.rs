//! The response cache: responses to anonymous reads, within a budget of bytes, with single flight for misses.
//!
//! [`ResponseCache::find`] returns a valid entry. On a miss, [`ResponseCache::join`] makes one request the leader, which fills the entry;
//! the others follow. [`ResponseCacheProjection`] applies the change log.
//!
//! An invalid entry is not removed: the invalidation log remembers when each cache tag changed, and an entry older than one of its tags
//! is not served. So a computation that a write has overtaken does no harm, and unrelated entries stay valid. The budget evicts what is
//! no longer requested (Clock-PRO: a scan of rare addresses does not evict frequent ones).
//!
//! Invariant: a write is not answered before its changes are in the invalidation log. When that takes too long, no entry is served until
//! they are.

mod cache_tags;
mod entry;
mod flight;
mod invalidation_log;
mod projection;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

pub use cache_tags::CacheTags;
pub use entry::{CacheEntry, EntryOrigin};
use entry::{CacheSlot, EntryWeigher};
use flight::Flights;
pub use flight::{FlightOutcome, FlightReceiver};
use invalidation_log::InvalidationLog;
pub use projection::ResponseCacheProjection;

use super::follower::Progress;
use crate::domain::change::{PublicSequence, Sequence};
use crate::domain::clock::Timestamp;

/// How long a write waits until the invalidation log has its changes.
const APPLY_TIMEOUT: Duration = Duration::from_secs(5);
/// The usual weight of an entry, to size the table.
const TYPICAL_ENTRY_BYTES: u64 = 16_384;

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
    slots: quick_cache::sync::Cache<Arc<str>, CacheSlot<V>, EntryWeigher>,
    log: Arc<InvalidationLog>,
    flights: Flights<V>,
    is_enabled: bool,
    /// One counter for each worker, so that workers do not contend for it.
    hit_counters: Mutex<Vec<Arc<AtomicU64>>>,
    /// Hits of requests that found an entry only when they wanted to fill it.
    late_hits: AtomicU64,
    misses: AtomicU64,
}

/// The outcome of [`ResponseCache::join`].
pub enum Lookup<V> {
    /// A valid entry, and the public sequence at which it is valid.
    Hit(Arc<CacheEntry<V>>, PublicSequence),
    /// The invalidation log lags behind an answered write: compute without the cache.
    Bypass,
    /// Compute the entry and fill it.
    Leader(CacheFill<V>),
    /// Wait for the leader.
    Follower(FlightReceiver<V>),
}

/// The duty of a leader. If it is dropped without an outcome, each follower computes its own response.
pub struct CacheFill<V> {
    shared: Arc<CacheState<V>>,
    key: Arc<str>,
    outcome: watch::Sender<Option<FlightOutcome<V>>>,
}

/// The counts of a cache since the start, and its current size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheStats {
    pub hits: u64,
    /// Responses that were computed and cached.
    pub misses: u64,
    pub bytes: u64,
}

impl<V: Send + Sync + 'static> ResponseCache<V> {
    /// Both ends of a cache with this budget in bytes, and the sender of its progress.
    #[must_use]
    pub fn new(budget: u64) -> (ResponseCacheProjection, Self, watch::Sender<Sequence>) {
        let (sender, progress) = watch::channel(Sequence::NOT_OPEN);
        let log = Arc::new(InvalidationLog::new());
        let typical_entries = usize::try_from(budget / TYPICAL_ENTRY_BYTES).unwrap_or(usize::MAX);
        let shared = CacheState {
            slots: quick_cache::sync::Cache::with_weighter(typical_entries, budget, EntryWeigher),
            log: log.clone(),
            flights: Flights::default(),
            is_enabled: budget > 0,
            hit_counters: Mutex::default(),
            late_hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        };
        (ResponseCacheProjection::new(log), Self { shared: Arc::new(shared), progress }, sender)
    }

    /// Whether the budget is above zero.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.shared.is_enabled
    }

    /// Whether the change log cannot be read: entries were valid when it was read last.
    #[must_use]
    pub fn is_database_away(&self) -> bool {
        self.shared.log.is_unreadable()
    }

    /// The valid entry of a key, and the public sequence at which it is valid.
    #[must_use]
    pub fn find(&self, key: &str, now: Timestamp) -> Option<(Arc<CacheEntry<V>>, PublicSequence)> {
        let entry = self.get(key)?;
        let sequence = self.validate(&entry, now)?;
        Some((entry, sequence))
    }

    fn get(&self, key: &str) -> Option<Arc<CacheEntry<V>>> {
        let slot = self.shared.slots.get(key)?;
        let slot = if let CacheSlot::Alias(key) = &slot { self.shared.slots.get(key)? } else { slot };
        if let CacheSlot::Entry(entry) = slot { Some(entry) } else { None }
    }

    /// A counter whose hits are part of the stats.
    #[must_use]
    pub fn register_hit_counter(&self) -> Arc<AtomicU64> {
        let counter = Arc::new(AtomicU64::new(0));
        self.shared.hit_counters.lock().unwrap_or_else(PoisonError::into_inner).push(counter.clone());
        counter
    }

    /// Makes another spelling of a request find the entry of its canonical key.
    pub fn insert_alias(&self, spelling: &str, key: &Arc<str>) {
        self.shared.slots.insert(Arc::from(spelling), CacheSlot::Alias(key.clone()));
    }

    /// After a miss: the entry if it is there by now, or the role of this request in computing it.
    #[must_use]
    pub fn join(&self, key: &Arc<str>, now: Timestamp) -> Lookup<V> {
        let mut flights = self.shared.flights.lock();
        if let Some((entry, sequence)) = self.find(key, now) {
            self.shared.late_hits.fetch_add(1, Ordering::Relaxed);
            return Lookup::Hit(entry, sequence);
        }
        if !self.shared.log.is_current() {
            return Lookup::Bypass;
        }
        let applied = self.shared.log.applied();
        if let Some(outcome) = flights.find(key, applied) {
            return Lookup::Follower(outcome);
        }
        let outcome = flights.start(key.clone(), applied);
        Lookup::Leader(CacheFill { shared: self.shared.clone(), key: key.clone(), outcome })
    }

    /// The public sequence at which an entry is valid now; None if it is not.
    #[must_use]
    pub fn validate(&self, entry: &CacheEntry<V>, now: Timestamp) -> Option<PublicSequence> {
        self.shared.log.validate(&entry.meta, now)
    }

    /// Whether an entry that a follower waited for is fresh for it: the computation started after every write that was answered before the
    /// follower came, so only the clock can have changed the entry.
    #[must_use]
    pub fn is_fresh_for_followers(&self, entry: &CacheEntry<V>, now: Timestamp) -> bool {
        self.shared.log.is_before_transition(&entry.meta, now)
    }

    /// Waits until a row of the change log is applied. After the timeout, no entry is served until it is.
    pub async fn wait_for(&self, row: Sequence) {
        let log = &self.shared.log;
        if log.applied() >= row {
            return;
        }
        let mut progress = self.progress.clone();
        let is_following = progress.borrow().is_open();
        let applied = async { progress.wait_for(|position| *position >= row).await.is_ok() };
        if !is_following || !tokio::time::timeout(APPLY_TIMEOUT, applied).await.unwrap_or(false) {
            log.acknowledge(row);
        }
    }

    /// When the clock changes content next.
    #[must_use]
    pub fn next_transition(&self) -> Option<Timestamp> {
        self.shared.log.next_transition()
    }

    /// The last row of the change log that is applied.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let counters = self.shared.hit_counters.lock().unwrap_or_else(PoisonError::into_inner);
        let hits: u64 = counters.iter().map(|count| count.load(Ordering::Relaxed)).sum();
        CacheStats {
            hits: hits + self.shared.late_hits.load(Ordering::Relaxed),
            misses: self.shared.misses.load(Ordering::Relaxed),
            bytes: self.shared.slots.weight(),
        }
    }
}

impl<V> CacheFill<V> {
    /// Inserts the entry, if there is one, and gives the outcome to the followers.
    pub fn finish(self, outcome: FlightOutcome<V>)
    where
        V: Send + Sync + 'static,
    {
        if let FlightOutcome::Filled(entry) = &outcome {
            self.shared.misses.fetch_add(1, Ordering::Relaxed);
            self.shared.slots.insert(self.key.clone(), CacheSlot::Entry(entry.clone()));
        }
        self.outcome.send_replace(Some(outcome));
    }
}

impl<V> Drop for CacheFill<V> {
    fn drop(&mut self) {
        self.shared.flights.lock().end(&self.key, &self.outcome);
    }
}
