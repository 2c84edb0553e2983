//! Work that keeps a processor busy (password hashing, rendering) runs beside the reactor, a few at a time: more would only wait for the
//! same processors and hold their memory meanwhile. Whoever would have to wait behind too many is told to come back instead.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::error::EditorialError;

/// A queue of its own for each kind of work, so that sign-ins do not wait for long texts.
pub(super) struct WorkQueue {
    permits: Semaphore,
    waiting: AtomicUsize,
    most: usize,
}

pub(super) static PASSWORDS: WorkQueue = WorkQueue::new(2, 100);
pub(super) static RENDERING: WorkQueue = WorkQueue::new(2, 500);

/// Runs what takes as long as rendering does, in the same queue.
///
/// # Errors
/// When too many wait.
pub async fn render<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, EditorialError> {
    RENDERING.run(work).await
}

impl WorkQueue {
    const fn new(permits: usize, most: usize) -> Self {
        Self { permits: Semaphore::const_new(permits), waiting: AtomicUsize::new(0), most }
    }

    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, EditorialError> {
        let _place = QueueSlot::take(self)?;
        let _permit = self.permits.acquire().await.map_err(|_closed| EditorialError::Internal("shutting down"))?;
        tokio::task::spawn_blocking(work).await.map_err(|_panicked| EditorialError::Internal("a computation failed"))
    }
}

/// A place in the queue, given back however the wait ends.
struct QueueSlot<'q>(&'q WorkQueue);

impl<'q> QueueSlot<'q> {
    fn take(queue: &'q WorkQueue) -> Result<Self, EditorialError> {
        let place = Self(queue);
        if queue.waiting.fetch_add(1, Ordering::Relaxed) >= queue.most { Err(EditorialError::Busy) } else { Ok(place) }
    }
}

impl Drop for QueueSlot<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
