//! A pool of threads with low priority (nice 10 on Linux), for indexing: requests come first. On a busy machine a
//! writer waits longer for the search index, together with others, and one commit of the index serves them all.
//!
//! Run nothing else here. A database connection opened from such a thread would be a low-priority thread too, and serve
//! requests. Figures: `docs/adr/0025-background-work-and-memory.md`.

use std::time::Duration;

use tokio::runtime::{Handle, Runtime};

/// How long an idle thread waits for more work. The allocator takes back what a thread holds when the thread ends.
const IDLE_TIMEOUT: Duration = Duration::from_millis(100);
/// Added to the process's own nice value.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Owns the pool; dropping it stops the pool.
pub(super) struct LowPriorityPool {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl LowPriorityPool {
    pub(super) fn start() -> std::io::Result<Self> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        // On Linux, setpriority(2) applies to one thread. The threads that the search engine starts from here inherit it.
        #[cfg(target_os = "linux")]
        if let Ok(priority) = rustix::process::getpriority_process(None) {
            builder.on_thread_start(move || {
                let _ = rustix::process::setpriority_process(None, priority + NICE);
            });
        }
        let runtime = builder.worker_threads(1).thread_name("background").thread_keep_alive(IDLE_TIMEOUT).build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Where to spawn low-priority work.
    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Drop for LowPriorityPool {
    fn drop(&mut self) {
        // Dropping a runtime blocks, which is not allowed inside another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
