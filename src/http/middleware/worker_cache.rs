//! What one worker gives out most, in bytes of its own. Workers that count the references to the same bytes wait for each other's processor
//! caches, which costs more than finding the answer.

use std::cell::{Cell, RefCell};
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::change::PublicSequence;
use crate::domain::clock::Timestamp;
use crate::http::response::buffered::BufferedResponse;
use crate::projections::response_cache::{CacheEntry, ResponseCache};

const SLOTS: u64 = 64;
/// Larger answers are not copied.
const MOST_BYTES: usize = 65_536;
/// How often the shared cache is told that an answer is still asked for.
const TOLD_EVERY: u32 = 8;

pub(crate) struct WorkerCache {
    slots: RefCell<Vec<WorkerSlot>>,
    hits: Arc<AtomicU64>,
    hasher: foldhash::fast::RandomState,
}

#[derive(Default)]
struct WorkerSlot {
    near: Option<WorkerEntry>,
    /// Who was not found here last: who comes twice in a row moves in.
    last: u64,
}

struct WorkerEntry {
    name: Box<str>,
    answer: Arc<CacheEntry<BufferedResponse>>,
    own: BufferedResponse,
    given: Cell<u32>,
}

impl WorkerCache {
    pub(crate) fn new(answers: &ResponseCache<BufferedResponse>) -> Self {
        Self {
            slots: RefCell::new((0..SLOTS).map(|_| WorkerSlot::default()).collect()),
            hits: answers.counter(),
            hasher: foldhash::fast::RandomState::default(),
        }
    }

    /// Gives the answer that is kept under a name, if it is true now.
    pub(crate) fn find<T>(
        &self,
        answers: &ResponseCache<BufferedResponse>,
        name: &str,
        now: Timestamp,
        give: impl FnOnce(&BufferedResponse, PublicSequence) -> T,
    ) -> Option<T> {
        let hash = self.hasher.hash_one(name);
        let mut slots = self.slots.borrow_mut();
        let slot = slots.get_mut(usize::try_from(hash % SLOTS).ok()?)?;
        if let Some(near) = slot.near.as_ref().filter(|near| *near.name == *name) {
            let given = near.given.get();
            near.given.set(given.wrapping_add(1));
            let sequence = answers.holds(&near.answer, now).filter(|_| given % TOLD_EVERY != 0 || answers.is_kept(name));
            if let Some(sequence) = sequence {
                self.hits.fetch_add(1, Ordering::Relaxed);
                return Some(give(&near.own, sequence));
            }
            slot.near = None;
        }
        let (answer, sequence) = answers.find(name, now)?;
        self.hits.fetch_add(1, Ordering::Relaxed);
        if slot.last == hash && answer.bytes <= MOST_BYTES {
            let own = answer.value.copied();
            slot.near = Some(WorkerEntry { name: name.into(), answer: answer.clone(), own, given: Cell::new(1) });
        }
        slot.last = hash;
        drop(slots);
        Some(give(&answer.value, sequence))
    }
}
