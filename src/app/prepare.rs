//! Brings a database into the state that serving needs: the schema, the site's settings, the first administrator, the samples.
//!
//! Nodes that start at the same time do this one after another.

use crate::app::errors::format_field_errors;
use crate::config::ServeSettings;
use crate::domain::authority::{Admin, Origin, Role};
use crate::domain::clock::Clock;
use crate::domain::user::UserDraft;
use crate::editorial::{accounts, demo, site};
use crate::store::{self, Store};

pub(super) async fn prepare_database(store: &Store, settings: &ServeSettings, clock: &Clock) -> anyhow::Result<()> {
    let _guard = store.startup_guard().await?;
    migrate(store, settings.no_migrate).await?;
    site::ensure(store, clock.now()).await?;
    if let Some((email, password)) = settings.first_admin()?
        && store::users::count(store.reader()).await? == 0
    {
        create_first_admin(store, &email, &password, clock).await?;
    }
    if settings.demo && demo::load(store, clock.now()).await? {
        tracing::info!("sample insights loaded");
    }
    Ok(())
}

async fn migrate(store: &Store, no_migrate: bool) -> anyhow::Result<()> {
    let pending = store.pending_migrations().await?;
    let (Some(first), Some(last)) = (pending.first(), pending.last()) else { return Ok(()) };
    anyhow::ensure!(!no_migrate, "the schema lacks {} migration(s): run insights migrate, or leave --no-migrate out", pending.len());
    let steps = store.migrate().await?.len();
    tracing::info!(steps, from = first, to = last, "schema migrated");
    Ok(())
}

async fn create_first_admin(store: &Store, email: &str, password: &str, clock: &Clock) -> anyhow::Result<()> {
    let input = serde_json::json!({ "email": email, "name": email, "role": Role::Admin.as_str(), "password": password });
    let draft = UserDraft::parse(input).map_err(|errors| anyhow::anyhow!("the first administrator: {}", format_field_errors(errors)))?;
    let now = clock.now();
    accounts::create_user(store, &Admin::system(Origin::Cli), draft, now).await?.commit(store, now).await?;
    tracing::info!(email, "first administrator created");
    Ok(())
}
