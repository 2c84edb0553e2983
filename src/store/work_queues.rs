//! Bounded queues for CPU-bound work (password hashing, rendering), off the reactor.
//!
//! Few run at once: more would only compete for the same processors and hold their memory meanwhile. A caller that
//! finds a queue full is refused at once. The queues belong to the [`Store`](super::Store), of which a service has
//! exactly one, so that two services in one process share none.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

const PASSWORD_PERMITS: usize = 2;
const MAX_WAITING_PASSWORDS: usize = 100;
const RENDERING_PERMITS: usize = 2;
const MAX_WAITING_TEXTS: usize = 500;

/// One queue for each kind of work, so that sign-ins do not wait for long texts.
#[derive(Debug)]
pub struct WorkQueues {
    pub passwords: WorkQueue,
    pub rendering: WorkQueue,
}

#[derive(Debug)]
pub struct WorkQueue {
    permits: Semaphore,
    waiting: AtomicUsize,
    max_waiting: usize,
}

/// Why a queue has not done the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueError {
    Full,
    Failed(&'static str),
}

impl Default for WorkQueues {
    fn default() -> Self {
        Self {
            passwords: WorkQueue::new(PASSWORD_PERMITS, MAX_WAITING_PASSWORDS),
            rendering: WorkQueue::new(RENDERING_PERMITS, MAX_WAITING_TEXTS),
        }
    }
}

impl WorkQueue {
    fn new(permits: usize, max_waiting: usize) -> Self {
        Self { permits: Semaphore::new(permits), waiting: AtomicUsize::new(0), max_waiting }
    }

    /// Runs the work on a blocking thread when its turn comes.
    ///
    /// # Errors
    /// When the queue is full, or the work panics.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, QueueError> {
        let _slot = QueueSlot::acquire(self)?;
        let _permit = self.permits.acquire().await.map_err(|_closed| QueueError::Failed("shutting down"))?;
        tokio::task::spawn_blocking(work).await.map_err(|_panicked| QueueError::Failed("a computation failed"))
    }
}

/// A slot in the queue, released on drop: also when the waiting request is cancelled.
struct QueueSlot<'q>(&'q WorkQueue);

impl<'q> QueueSlot<'q> {
    fn acquire(queue: &'q WorkQueue) -> Result<Self, QueueError> {
        let slot = Self(queue);
        if queue.waiting.fetch_add(1, Ordering::Relaxed) >= queue.max_waiting { Err(QueueError::Full) } else { Ok(slot) }
    }
}

impl Drop for QueueSlot<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
