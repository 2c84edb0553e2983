//! The command line: one binary, every task of an operator.

pub(crate) mod database;
mod export;
mod import;
pub(crate) mod output;

use crate::cli::database::migrated;
use crate::cli::database::open;
use crate::cli::output::print;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::app::{App, explained, told};
use crate::config::{DataSettings, ServeSettings};
use crate::domain::authority::{Admin, Origin, Scope};
use crate::domain::clock::Clock;
use crate::domain::user::{TokenDraft, UserDraft};
use crate::editorial::accounts;
use crate::projections::search::SearchProjection;
use crate::projections::search::integrity::{self, IndexVerdict};
use crate::store::{self};

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
    /// Verify the database and the configuration, and say what is wrong
    Check(DataSettings),
    /// Ask a running service whether it is ready; exit 0 when it is
    Health {
        /// The address the service listens on
        #[arg(long, env = "INSIGHTS_BIND", default_value = "127.0.0.1:8080")]
        bind: std::net::SocketAddr,
    },
    /// Manage who may sign in
    #[command(subcommand)]
    Users(UsersCommand),
    /// Manage machine tokens
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Bring content in: a Markdown folder, NDJSON, a Ghost or a WordPress export
    Import(import::ImportArgs),
    /// Write the content out: a Markdown folder or NDJSON
    Export(export::ExportArgs),
    /// Make the search index anew from the database; the service must not run
    Reindex(DataSettings),
    /// Print the OpenAPI document
    Openapi,
}

#[derive(Debug, Subcommand)]
enum UsersCommand {
    /// Make a user; the password is asked for, or read from standard input
    Create {
        #[arg(long)]
        email: String,
        #[arg(long)]
        name: String,
        #[arg(long, value_parser = ["author", "editor", "admin"])]
        role: String,
        #[command(flatten)]
        data: DataSettings,
    },
}

#[derive(Debug, Subcommand)]
enum TokensCommand {
    /// Make a machine token and print it; it is never shown again
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// insights:write, insights:publish, webhooks:manage, admin; separated by commas or spaces
        #[arg(long)]
        scopes: String,
        /// How long it is good, such as 90d, 12h or 30m [default: until it is revoked]
        #[arg(long, value_parser = duration)]
        expires_in: Option<Duration>,
        #[command(flatten)]
        data: DataSettings,
    },
}

/// Runs the command that was asked for.
///
/// # Errors
/// Whatever stopped it, told in one line.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve(settings) => serve(&settings).await,
        Command::Migrate(data) => migrate(&data).await,
        Command::Check(data) => check(&data).await,
        Command::Health { bind } => health(bind),
        Command::Users(UsersCommand::Create { email, name, role, data }) => create_user(&data, &email, &name, &role).await,
        Command::Tokens(TokensCommand::Create { name, scopes, expires_in, data }) => create_token(&data, &name, &scopes, expires_in).await,
        Command::Import(args) => Box::pin(import::run(&args)).await,
        Command::Export(args) => export::run(&args).await,
        Command::Reindex(data) => reindex(&data).await,
        Command::Openapi => print(&format!("{:#}\n", crate::http::routes::document())),
    }
}

async fn serve(settings: &ServeSettings) -> anyhow::Result<()> {
    crate::telemetry::start(&settings.log).map_err(|error| anyhow::anyhow!(error))?;
    let app = App::start(settings, Clock::System).await?;
    let url = &app.base_url;
    print(&format!(
        "Insights API      {url}\n  insights        {url}/v1/insights\n  reference       {url}/docs\n  editor token    insights tokens create --name me --scopes insights:write,insights:publish\n                  (same INSIGHTS_DATA_DIR or INSIGHTS_DATABASE_URL; with cargo: cargo run --release -- tokens create …)\n"
    ))?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping");
    app.stop().await
}

async fn migrate(data: &DataSettings) -> anyhow::Result<()> {
    let done = migrated(&open(data).await?).await?;
    let told = if done.is_empty() { "the schema was up to date already\n".to_owned() } else { format!("migrated: {}\n", done.join(", ")) };
    print(&told)
}

async fn check(data: &DataSettings) -> anyhow::Result<()> {
    data.existing_url()?;
    let store = open(data).await?;
    let pending = store.pending_migrations().await?;
    anyhow::ensure!(pending.is_empty(), "the schema is {} step(s) behind: run insights migrate", pending.len());
    let mut faults = store::integrity::faults(&store).await?;
    let search = match integrity::compare(&store, &data.search_dir()).await? {
        IndexVerdict::Agrees => "the search index agrees with it".to_owned(),
        IndexVerdict::Missing => "there is no search index here: the next start makes it".to_owned(),
        IndexVerdict::Foreign => "the search index is of another database: the next start makes it anew".to_owned(),
        IndexVerdict::Lags(rows) => format!("the search index lacks {rows} change(s), which the next start takes in"),
        IndexVerdict::InUse => "the search index is in use and was not looked at".to_owned(),
        IndexVerdict::Differs(found) => {
            faults.extend(found);
            String::new()
        }
    };
    for fault in &faults {
        print(&format!("wrong: {fault}\n"))?;
    }
    anyhow::ensure!(faults.is_empty(), "{} fault(s) found", faults.len());
    print(&format!("the database is sound and its schema up to date; {search}\n"))
}

async fn reindex(data: &DataSettings) -> anyhow::Result<()> {
    data.existing_url()?;
    let store = open(data).await?;
    let pending = store.pending_migrations().await?;
    anyhow::ensure!(pending.is_empty(), "the schema is {} step(s) behind: run insights migrate", pending.len());
    let (projection, _, _) = SearchProjection::new(data.search_dir(), tokio::runtime::Handle::current());
    let mut done = 0;
    let told = |insights| {
        if insights / 1_000 > done / 1_000 {
            let _ = print(&format!("{insights} insights\n"));
        }
        done = insights;
    };
    projection.rebuild(&store, told).await?;
    print(&format!("the search index holds {done} insight(s)\n"))
}

async fn create_user(data: &DataSettings, email: &str, name: &str, role: &str) -> anyhow::Result<()> {
    let password = password()?;
    let input = serde_json::json!({ "email": email, "name": name, "role": role, "password": password });
    let draft = UserDraft::parse(input).map_err(|errors| anyhow::anyhow!("{}", told(&errors)))?;
    let store = open(data).await?;
    migrated(&store).await?;
    let now = Clock::System.now();
    let pending = accounts::create_user(&store, &Admin::system(Origin::Cli), draft, now).await.map_err(explained)?;
    let user = pending.commit(&store, now).await.map_err(explained)?;
    print(&format!("{} may sign in as {}\n", user.email, user.role))
}

fn password() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password("Password (at least 12 characters): ").context("no password was given");
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("no password on standard input")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

async fn create_token(data: &DataSettings, name: &str, scopes: &str, expires_in: Option<Duration>) -> anyhow::Result<()> {
    let now = Clock::System.now();
    let scopes: Vec<&str> = scopes.split([',', ' ']).map(str::trim).filter(|scope| !scope.is_empty()).collect();
    let mut draft = TokenDraft::parse(serde_json::json!({ "name": name, "scopes": scopes })).map_err(|errors| {
        let known: Vec<&str> = Scope::ALL.into_iter().map(Scope::as_str).collect();
        anyhow::anyhow!("{} (scopes: {})", told(&errors), known.join(", "))
    })?;
    draft.expires_at = expires_in.map(|left| now.plus_seconds(i64::try_from(left.as_secs()).unwrap_or(i64::MAX)));
    let store = open(data).await?;
    migrated(&store).await?;
    let pending = accounts::create_token(&store, &Admin::system(Origin::Cli), draft, now).await.map_err(explained)?;
    let (_, secret) = pending.commit(&store, now).await.map_err(explained)?;
    print(&format!("{secret}\n"))
}

/// A request to the service's own port, without a client library: for health checks in images that have nothing else.
fn health(mut bind: std::net::SocketAddr) -> anyhow::Result<()> {
    if bind.ip().is_unspecified() {
        bind.set_ip(if bind.is_ipv4() { std::net::Ipv4Addr::LOCALHOST.into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    let mut stream = std::net::TcpStream::connect_timeout(&bind, Duration::from_secs(2)).context("nothing listens there")?;
    stream.set_read_timeout(Some(Duration::from_secs(3)))?;
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = [0_u8; 12];
    stream.read_exact(&mut answer).context("no answer")?;
    anyhow::ensure!(&answer == b"HTTP/1.1 200", "not ready");
    print("ready\n")
}

fn duration(text: &str) -> Result<Duration, String> {
    let expects = || "must be a number with d, h, m or s behind it, such as 90d".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(expects)?;
    let seconds = match unit {
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        "s" => 1,
        _ => return Err(expects()),
    };
    number.parse::<u64>().ok().and_then(|n| n.checked_mul(seconds)).map(Duration::from_secs).ok_or_else(expects)
}
