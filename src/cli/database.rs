//! Opens the database that a command works on.

use anyhow::Context as _;

use crate::config::{DataSettings, LogSettings};
use crate::store::Store;

/// Opens the database and starts the log at `warn`: a command prints its results itself.
pub(crate) async fn open(data: &DataSettings) -> anyhow::Result<Store> {
    let log = LogSettings { filter: "warn".to_owned(), log_format: "text".to_owned() };
    crate::telemetry::start(&log).map_err(|error| anyhow::anyhow!(error))?;
    Store::open(&data.resolved_url()?, data.database_connections).await.context("cannot open the database")
}

/// Opens a database that must exist and have the current schema.
pub(crate) async fn open_current(data: &DataSettings) -> anyhow::Result<Store> {
    data.existing_url()?;
    let store = open(data).await?;
    let pending = store.pending_migrations().await?;
    anyhow::ensure!(pending.is_empty(), "the schema lacks {} migration(s): run insights migrate", pending.len());
    Ok(store)
}

/// Runs the missing migrations; returns their names.
pub(crate) async fn migrate(store: &Store) -> anyhow::Result<Vec<String>> {
    let _guard = store.startup_guard().await?;
    Ok(store.migrate().await?)
}
