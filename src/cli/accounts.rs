//! `insights users create` and `insights tokens create`.

use std::io::{IsTerminal as _, Read as _};
use std::time::Duration;

use anyhow::Context as _;
use clap::Subcommand;

use crate::app::errors::{format_field_errors, to_anyhow};
use crate::cli::database::{migrate, open};
use crate::cli::output::print;
use crate::config::DataSettings;
use crate::domain::authority::{Admin, Origin, Scope};
use crate::domain::clock::Clock;
use crate::domain::user::{TokenDraft, UserDraft};
use crate::editorial::accounts;

#[derive(Debug, Subcommand)]
pub(super) enum UsersCommand {
    /// Create a user; the password is prompted for, or read from standard input
    Create {
        /// Email address, the name to sign in with
        #[arg(long)]
        email: String,
        /// Name that others see
        #[arg(long)]
        name: String,
        /// What the user may do
        #[arg(long, value_parser = ["author", "editor", "admin"])]
        role: String,
        #[command(flatten)]
        data: DataSettings,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum TokensCommand {
    /// Create a machine token and print it; it cannot be printed again
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// insights:write, insights:publish, webhooks:manage, admin; separated by commas or spaces
        #[arg(long)]
        scopes: String,
        /// How long it is valid, such as 90d, 12h or 30m [default: until it is revoked]
        #[arg(long, value_parser = parse_duration)]
        expires_in: Option<Duration>,
        #[command(flatten)]
        data: DataSettings,
    },
}

pub(super) async fn create_user(command: UsersCommand) -> anyhow::Result<()> {
    let UsersCommand::Create { email, name, role, data } = command;
    let password = read_password()?;
    let input = serde_json::json!({ "email": email, "name": name, "role": role, "password": password });
    let draft = UserDraft::parse(input).map_err(|errors| anyhow::anyhow!("{}", format_field_errors(errors)))?;
    let store = open(&data).await?;
    migrate(&store).await?;
    let now = Clock::System.now();
    let pending = accounts::create_user(&store, &Admin::system(Origin::Cli), draft, now).await.map_err(to_anyhow)?;
    let user = pending.commit(&store, now).await.map_err(to_anyhow)?;
    print(&format!("{} may sign in as {}\n", user.email, user.role))
}

fn read_password() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password("Password (at least 12 characters): ").context("cannot read the password");
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("no password on standard input")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

pub(super) async fn create_token(command: TokensCommand) -> anyhow::Result<()> {
    let TokensCommand::Create { name, scopes, expires_in, data } = command;
    let now = Clock::System.now();
    let scopes: Vec<&str> = scopes.split([',', ' ']).map(str::trim).filter(|scope| !scope.is_empty()).collect();
    let mut draft = TokenDraft::parse(serde_json::json!({ "name": name, "scopes": scopes })).map_err(|errors| {
        let all: Vec<&str> = Scope::ALL.into_iter().map(Scope::as_str).collect();
        anyhow::anyhow!("{} (scopes: {})", format_field_errors(errors), all.join(", "))
    })?;
    draft.expires_at = expires_in.map(|validity| now.plus_seconds(i64::try_from(validity.as_secs()).unwrap_or(i64::MAX)));
    let store = open(&data).await?;
    migrate(&store).await?;
    let pending = accounts::create_token(&store, &Admin::system(Origin::Cli), draft, now).await.map_err(to_anyhow)?;
    let (_, secret) = pending.commit(&store, now).await.map_err(to_anyhow)?;
    print(&format!("{secret}\n"))
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let invalid = || "must be a number followed by d, h, m or s, such as 90d".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(invalid)?;
    let seconds = match unit {
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        "s" => 1,
        _ => return Err(invalid()),
    };
    number.parse::<u64>().ok().and_then(|n| n.checked_mul(seconds)).map(Duration::from_secs).ok_or_else(invalid)
}
