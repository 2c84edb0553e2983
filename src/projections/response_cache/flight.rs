//! Single flight: one request computes a missing cache entry, and the others wait for its outcome.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::entry::CacheEntry;
use crate::domain::change::Sequence;

/// What waiting requests receive; None until the computation ends.
pub type FlightReceiver<V> = watch::Receiver<Option<FlightOutcome<V>>>;

/// How a computation ended.
pub enum FlightOutcome<V> {
    Filled(Arc<CacheEntry<V>>),
    /// It failed in a way that the followers would fail too.
    Failed,
    /// The response may not be shared: each follower computes its own.
    NotCacheable,
}

impl<V> Clone for FlightOutcome<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Filled(entry) => Self::Filled(entry.clone()),
            Self::Failed => Self::Failed,
            Self::NotCacheable => Self::NotCacheable,
        }
    }
}

/// A computation in flight.
struct Flight<V> {
    /// The row of the change log that was applied when it started. A request that comes after a later row does not join.
    applied: Sequence,
    outcome: FlightReceiver<V>,
}

/// The computations in flight, by cache key.
pub(super) struct Flights<V>(Mutex<HashMap<Arc<str>, Flight<V>>>);

impl<V> Default for Flights<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V> Flights<V> {
    /// While this is locked, no flight starts or ends.
    pub(super) fn lock(&self) -> FlightsGuard<'_, V> {
        FlightsGuard(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(super) struct FlightsGuard<'f, V>(MutexGuard<'f, HashMap<Arc<str>, Flight<V>>>);

impl<V> FlightsGuard<'_, V> {
    /// A flight of this key that started when this row was the last applied one.
    pub(super) fn find(&self, key: &str, applied: Sequence) -> Option<FlightReceiver<V>> {
        self.0.get(key).filter(|flight| flight.applied == applied).map(|flight| flight.outcome.clone())
    }

    /// Starts a flight. The sender belongs to its leader.
    pub(super) fn start(&mut self, key: Arc<str>, applied: Sequence) -> watch::Sender<Option<FlightOutcome<V>>> {
        let (sender, outcome) = watch::channel(None);
        self.0.insert(key, Flight { applied, outcome });
        sender
    }

    /// Removes the flight of this sender, unless a newer one has replaced it.
    pub(super) fn end(&mut self, key: &str, sender: &watch::Sender<Option<FlightOutcome<V>>>) {
        let own = sender.subscribe();
        if self.0.get(key).is_some_and(|flight| flight.outcome.same_channel(&own)) {
            self.0.remove(key);
        }
    }
}
