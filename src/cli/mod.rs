//! The command line: one binary for every task of an operator.
//!
//! A command prints its result on standard output. A failure is one line on standard error, and exit code 1.

mod accounts;
pub(crate) mod database;
mod export;
mod export_folder;
mod import;
mod operations;
pub(crate) mod output;
mod serve;

use clap::{Parser, Subcommand};

use crate::cli::accounts::{TokensCommand, UsersCommand};
use crate::cli::output::print;
use crate::config::{DataSettings, ServeSettings};

/// A headless content API for insights: field notes from production.
#[derive(Debug, Parser)]
#[command(name = "insights", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Bring the schema up to date and serve
    Serve(Box<ServeSettings>),
    /// Bring the schema up to date
    Migrate(DataSettings),
    /// Verify the database, its schema and the search index, and print what is wrong
    Check(DataSettings),
    /// Ask a running service whether it is ready; exit 0 when it is
    Health {
        /// The address that the service listens on
        #[arg(long, env = "INSIGHTS_BIND", default_value = "127.0.0.1:8080")]
        bind: std::net::SocketAddr,
    },
    /// Manage users
    #[command(subcommand)]
    Users(UsersCommand),
    /// Manage machine tokens
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Import content: a Markdown folder, NDJSON, a Ghost or a WordPress export
    Import(import::ImportArgs),
    /// Export the content: a Markdown folder or NDJSON
    Export(export::ExportArgs),
    /// Rebuild the search index from the database; the service must not run
    Reindex(DataSettings),
    /// Print the OpenAPI document
    Openapi,
}

/// Runs the command.
///
/// # Errors
/// The reason of a failure, in one line.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve(settings) => serve::serve(&settings).await,
        Command::Migrate(data) => operations::migrate(&data).await,
        Command::Check(data) => operations::check(&data).await,
        Command::Health { bind } => operations::check_health(bind),
        Command::Users(command) => accounts::create_user(command).await,
        Command::Tokens(command) => accounts::create_token(command).await,
        Command::Import(args) => Box::pin(import::run(&args)).await,
        Command::Export(args) => export::run(&args).await,
        Command::Reindex(data) => operations::reindex(&data).await,
        Command::Openapi => print(&format!("{:#}\n", crate::http::routes::document())),
    }
}
