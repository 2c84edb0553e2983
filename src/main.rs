//! Parses the command line, runs it, reports failure.

use std::hint::black_box;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Parser as _;
use insights::cli::{self, Cli};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before the runtime, which asks for memory first.
    keep_pages_small();
    give_back_memory();
    run()
}

#[actix_web::main]
#[expect(clippy::print_stderr, reason = "the last word of a command that failed")]
async fn run() -> ExitCode {
    match cli::run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("insights: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The allocator does not ask for huge pages, but some kernels give them to everybody, and a service of this size fills few: they would double
/// what it holds.
fn keep_pages_small() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// The allocator gives back what has been free for a second, but looks for it only when somebody takes much, or when a thread ends that has taken
/// something. A service that rests after much work would keep all that it took.
fn give_back_memory() {
    let ends_at_once = || thread::Builder::new().spawn(|| drop(black_box(Box::new(0_u8))));
    let _ = thread::Builder::new().name("memory".to_owned()).spawn(move || {
        loop {
            thread::sleep(Duration::from_secs(1));
            let _ = ends_at_once().map(thread::JoinHandle::join);
        }
    });
}
