//! Opens the database that a command works on.

use crate::config::{DataSettings, LogSettings};
use crate::store::Store;
use anyhow::Context as _;

pub(crate) async fn open(data: &DataSettings) -> anyhow::Result<Store> {
    crate::telemetry::start(&LogSettings { filter: "warn".to_owned(), log_format: "text".to_owned() }).map_err(|e| anyhow::anyhow!(e))?;
    let store = Store::open(&data.resolved_url()?, data.database_connections).await.context("cannot open the database")?;
    Ok(store)
}

pub(crate) async fn migrated(store: &Store) -> anyhow::Result<Vec<String>> {
    let _guard = store.startup_guard().await?;
    Ok(store.migrate().await?)
}
