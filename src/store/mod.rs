//! Rows and queries: the only module that uses `SeaORM`. Many readers, one writer. No function here checks permissions.

pub mod audit;
pub mod changes;
pub mod documents;
pub mod drafts;
pub mod error;
pub mod exports;
pub mod hits;
pub mod idempotency;
pub mod imports;
pub mod insight_rows;
pub mod insights;
pub mod integrity;
pub mod json_column;
pub mod keys;
pub mod list_query;
pub mod lists;
pub(crate) mod notifier;
mod open;
pub mod previews;
pub mod revisions;
pub mod rows;
pub mod sessions;
pub mod site;
pub mod slugs;
pub mod sql;
pub mod summaries;
mod summary_sql;
mod term_name_cache;
pub(crate) mod term_names;
pub mod terms;
pub mod tokens;
pub mod transitions;
mod typed_columns;
pub mod users;
pub mod work_queues;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::{
    AccessMode, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel, SqliteTransactionMode, TransactionOptions,
    TransactionSession, TransactionTrait,
};
use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::sync::watch;

use error::StoreError;
use notifier::LogEnd;

pub use sea_orm::{ConnectionTrait as Connection, DatabaseTransaction as Transaction};

/// Begins a savepoint: a part of a transaction that can be rolled back alone.
pub async fn savepoint(txn: &DatabaseTransaction) -> Result<DatabaseTransaction, StoreError> {
    Ok(txn.begin().await?)
}

/// Releases a savepoint: its writes are committed with the transaction.
pub async fn release_savepoint(point: DatabaseTransaction) -> Result<(), StoreError> {
    Ok(TransactionSession::commit(point).await?)
}

/// Rolls back to a savepoint.
pub async fn rollback_savepoint(point: DatabaseTransaction) -> Result<(), StoreError> {
    Ok(TransactionSession::rollback(point).await?)
}

/// A database: the readers' pool, the writer, and the notifier of commits.
#[derive(Clone, Debug)]
pub struct Store {
    readers: DatabaseConnection,
    writer: DatabaseConnection,
    commits: watch::Sender<LogEnd>,
    statements: Arc<AtomicU64>,
    term_names: term_names::SharedTermNames,
    queues: Arc<work_queues::WorkQueues>,
}

impl Store {
    /// Where CPU-bound work waits for its turn.
    #[must_use]
    pub fn queues(&self) -> &work_queues::WorkQueues {
        &self.queues
    }

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

    /// Begins a write. Dropping the transaction rolls it back.
    ///
    /// On `SQLite` it takes the write lock at once: a transaction that reads first fails if another one writes before it does.
    pub async fn begin(&self) -> Result<DatabaseTransaction, StoreError> {
        let options =
            TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..TransactionOptions::default() };
        Ok(self.writer.begin_with_options(options).await?)
    }

    /// Commits, and notifies if the log has a new end.
    async fn commit(&self, txn: DatabaseTransaction, end: Option<LogEnd>) -> Result<(), StoreError> {
        self.commit_quietly(txn).await?;
        if let Some(end) = end {
            self.commits.send_modify(|newest| *newest = newest.max(end));
        }
        Ok(())
    }

    /// Commits a write that is not content and has no row in the change log.
    pub async fn commit_quietly(&self, txn: DatabaseTransaction) -> Result<(), StoreError> {
        Ok(TransactionSession::commit(txn).await?)
    }

    /// Begins a read of one snapshot of the database by several statements. Dropping the transaction ends it.
    pub async fn snapshot(&self) -> Result<DatabaseTransaction, StoreError> {
        let options = if self.is_postgres() {
            TransactionOptions {
                isolation_level: Some(IsolationLevel::RepeatableRead),
                access_mode: Some(AccessMode::ReadOnly),
                ..Default::default()
            }
        } else {
            TransactionOptions::default()
        };
        Ok(self.readers.begin_with_options(options).await?)
    }

    /// Wakes after each commit, except of drafts, which no follower shows. It is a hint: a lost one costs latency, never a change.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<LogEnd> {
        self.commits.subscribe()
    }

    /// Wakes the subscribers for a commit of another process.
    pub fn notify(&self) {
        self.commits.send_modify(|_| {});
    }

    /// The end of the log after the last commit of this process, except of drafts.
    #[must_use]
    pub fn committed(&self) -> LogEnd {
        *self.commits.borrow()
    }

    /// Notifies the subscribers of the commits of other nodes (`LISTEN`). Returns only when the connection is lost.
    pub async fn listen_remote(&self) -> Result<(), StoreError> {
        // A connection of its own: those of the pool are for requests.
        let options = self.readers.get_postgres_connection_pool().connect_options();
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with((*options).clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(notifier::CHANNEL).await?;
        loop {
            listener.recv().await?;
            self.notify();
        }
    }

    /// How many statements this process has sent to the database.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Closes the pools. After the last connection `SQLite` checkpoints its write-ahead log.
    pub async fn close(self) -> Result<(), StoreError> {
        self.readers.close().await?;
        Ok(self.writer.close().await?)
    }
}
