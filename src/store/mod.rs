//! Rows and queries: the only room that knows `SeaORM`. Many readers, one writer; no function here decides whether a caller may.

pub mod changes;
pub mod error;
pub mod insight_rows;
pub mod insights;
pub mod integrity;
pub mod keys;
pub mod lists;
mod open;
pub mod revisions;
pub mod rows;
pub mod sessions;
pub mod site;
pub mod slugs;
pub mod sql;
pub mod terms;
pub mod tokens;
pub mod users;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, TransactionOptions, TransactionSession, TransactionTrait,
};
use tokio::sync::watch;

use error::StoreError;

pub use sea_orm::{ConnectionTrait as Connection, DatabaseTransaction as Transaction};

/// A database: the readers' pool, the writer, and the bell that rings after each commit.
#[derive(Clone, Debug)]
pub struct Store {
    readers: DatabaseConnection,
    writer: DatabaseConnection,
    bell: watch::Sender<()>,
    statements: Arc<AtomicU64>,
}

impl Store {
    /// For statements that only read.
    #[must_use]
    pub fn reader(&self) -> &DatabaseConnection {
        &self.readers
    }

    /// For single statements that write and are not content (a token's last use). Content goes through [`Store::begin`].
    #[must_use]
    pub fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    #[must_use]
    pub fn is_postgres(&self) -> bool {
        self.readers.get_database_backend() == DbBackend::Postgres
    }

    /// Begins a write. Dropping the transaction undoes it.
    ///
    /// On `SQLite` the transaction takes the write lock at once: one that reads first and writes later fails when another got between.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin(&self) -> Result<DatabaseTransaction, StoreError> {
        let options =
            TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..TransactionOptions::default() };
        Ok(self.writer.begin_with_options(options).await?)
    }

    /// Commits, and rings the bell for whoever follows the change log.
    ///
    /// # Errors
    /// When the database refuses; nothing was changed then.
    pub async fn commit(&self, txn: DatabaseTransaction) -> Result<(), StoreError> {
        TransactionSession::commit(txn).await?;
        self.bell.send_replace(());
        Ok(())
    }

    /// Wakes after a commit of this process. A missed bell costs latency, never a change.
    #[must_use]
    pub fn bell(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }

    /// How many statements this process has sent to the database.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Answers when the database does.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.readers.ping().await?)
    }

    /// Closes the pools: the last reader gone, `SQLite` folds its write-ahead log into the file.
    ///
    /// # Errors
    /// When a pool refuses.
    pub async fn close(self) -> Result<(), StoreError> {
        self.readers.close().await?;
        Ok(self.writer.close().await?)
    }
}
