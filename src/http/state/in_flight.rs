//! How many requests are in flight. Past the limit, a new request is refused instead of queued.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The requests that this node is processing, those whose clients have left included.
#[derive(Debug, Default)]
pub(crate) struct InFlightRequests(Arc<AtomicUsize>);

impl InFlightRequests {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// A slot, unless `limit` requests are in flight.
    pub(crate) fn try_acquire(&self, limit: usize) -> Option<InFlightSlot> {
        let slot = InFlightSlot(self.0.clone());
        (self.0.fetch_add(1, Ordering::Relaxed) < limit).then_some(slot)
    }
}

/// Released when the response is complete, whether or not the client still waits for it.
pub(crate) struct InFlightSlot(Arc<AtomicUsize>);

impl Drop for InFlightSlot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
