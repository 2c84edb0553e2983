//! Parses the command line, runs it, reports failure.

use std::process::ExitCode;

use clap::Parser as _;
use insights::cli::{self, Cli};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[actix_web::main]
#[expect(clippy::print_stderr, reason = "the last word of a command that failed")]
async fn main() -> ExitCode {
    keep_pages_small();
    match cli::run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("insights: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The allocator asks for memory in huge pages, of which a service of this size fills few: they would double what it holds.
fn keep_pages_small() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
