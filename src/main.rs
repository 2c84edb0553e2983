//! Parses the command line, runs the command, reports failure.

mod memory;

use std::process::ExitCode;

use clap::Parser as _;
use insights::cli::{self, Cli};

fn main() -> ExitCode {
    memory::configure();
    run()
}

#[actix_web::main]
#[expect(clippy::print_stderr, reason = "the error message of a failed command")]
async fn run() -> ExitCode {
    match cli::run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("insights: {error:#}");
            ExitCode::FAILURE
        }
    }
}
