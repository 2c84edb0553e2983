//! The allocator, and how the process returns memory that it no longer uses.
//!
//! Call [`configure`] first in `main`, before the runtime allocates. Figures (`docs/adr/0025-background-work-and-memory.md`): at 10 000
//! insights 39 MiB resident instead of 76 MiB without huge pages; at rest after publications 44 MiB instead of 69 MiB, two seconds later.
//! `MIMALLOC_PURGE_DELAY=0` is worse (a publication takes 39 ms instead of 22 ms), and `mi_collect` needs `unsafe`, which is forbidden.

use std::hint::black_box;
use std::thread;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// mimalloc keeps free pages for a second before it returns them.
const PURGE_INTERVAL: Duration = Duration::from_secs(1);

/// Disables huge pages and starts returning free memory.
pub(crate) fn configure() {
    disable_huge_pages();
    purge_periodically();
}

/// mimalloc is built not to ask for huge pages, but some kernels give them to every process. A service of this size
/// fills few of them: they would double its resident memory.
fn disable_huge_pages() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// mimalloc returns free pages only when a large allocation happens, or when a thread ends that has allocated. An idle
/// service has neither, so a thread starts and ends each second.
fn purge_periodically() {
    let short_lived = || thread::Builder::new().spawn(|| drop(black_box(Box::new(0_u8))));
    let _ = thread::Builder::new().name("memory".to_owned()).spawn(move || {
        loop {
            thread::sleep(PURGE_INTERVAL);
            let _ = short_lived().map(thread::JoinHandle::join);
        }
    });
}
