//! Cache entries, and what they weigh in the budget.

use std::sync::Arc;

use super::cache_tags::CacheTags;
use super::invalidation_log::EntryMeta;
use crate::domain::change::PublicSequence;
use crate::domain::clock::Timestamp;

/// What an entry costs besides the bytes of its value.
const ENTRY_OVERHEAD_BYTES: usize = 1_024;

/// A cached value, and what its validity depends on.
pub struct CacheEntry<V> {
    pub value: V,
    pub bytes: usize,
    pub(super) meta: EntryMeta,
}

/// When and from what state a value was computed.
#[derive(Clone, Copy, Debug)]
pub struct EntryOrigin {
    /// The public sequence of the content.
    pub sequence: PublicSequence,
    pub computed_at: Timestamp,
    /// When the clock changes the value, if that is planned.
    pub expires_at: Option<Timestamp>,
}

impl<V> CacheEntry<V> {
    /// `bytes` is the memory that the value takes, all encodings included.
    #[must_use]
    pub fn new(value: V, bytes: usize, origin: EntryOrigin, tags: CacheTags) -> Self {
        let EntryOrigin { sequence, computed_at, expires_at } = origin;
        Self { value, bytes, meta: EntryMeta::new(sequence, computed_at, expires_at, tags) }
    }
}

/// What a key of the cache refers to.
pub(super) enum CacheSlot<V> {
    Entry(Arc<CacheEntry<V>>),
    /// The canonical key of the same request.
    Alias(Arc<str>),
}

impl<V> Clone for CacheSlot<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Entry(entry) => Self::Entry(entry.clone()),
            Self::Alias(key) => Self::Alias(key.clone()),
        }
    }
}

#[derive(Clone)]
pub(super) struct EntryWeigher;

impl<V> quick_cache::Weighter<Arc<str>, CacheSlot<V>> for EntryWeigher {
    fn weight(&self, key: &Arc<str>, slot: &CacheSlot<V>) -> u64 {
        let bytes = match slot {
            CacheSlot::Entry(entry) => entry.bytes + ENTRY_OVERHEAD_BYTES,
            CacheSlot::Alias(_) => ENTRY_OVERHEAD_BYTES / 4,
        };
        (key.len() + bytes) as u64
    }
}
