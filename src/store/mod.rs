//! Rows and queries: the only room that knows `SeaORM`. Many readers, one writer; no function here decides whether a caller may.

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
pub mod keys;
pub mod list_query;
pub mod lists;
pub(crate) mod name_cache;
mod names;
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
pub mod terms;
pub mod tokens;
pub mod transitions;
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

use crate::store::notifier::LogEnd;
use error::StoreError;

pub use sea_orm::{ConnectionTrait as Connection, DatabaseTransaction as Transaction};

/// Begins a part of a transaction that can be undone by itself.
pub async fn savepoint(txn: &DatabaseTransaction) -> Result<DatabaseTransaction, StoreError> {
    Ok(txn.begin().await?)
}

/// Keeps such a part; it is committed with the whole.
pub async fn keep(point: DatabaseTransaction) -> Result<(), StoreError> {
    Ok(TransactionSession::commit(point).await?)
}

/// Undoes such a part.
pub async fn undo(point: DatabaseTransaction) -> Result<(), StoreError> {
    Ok(TransactionSession::rollback(point).await?)
}

/// A database: the readers' pool, the writer, and the bell that rings after each commit.
#[derive(Clone, Debug)]
pub struct Store {
    readers: DatabaseConnection,
    writer: DatabaseConnection,
    bell: watch::Sender<LogEnd>,
    statements: Arc<AtomicU64>,
    names: crate::store::name_cache::SharedTermNames,
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

    /// Begins a write. Dropping the transaction undoes it.
    ///
    /// On `SQLite` the transaction takes the write lock at once: one that reads first and writes later fails when another got between.
    pub async fn begin(&self) -> Result<DatabaseTransaction, StoreError> {
        let options =
            TransactionOptions { sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate), ..TransactionOptions::default() };
        Ok(self.writer.begin_with_options(options).await?)
    }

    /// Commits, and rings the bell when the log ends elsewhere for those who follow it.
    async fn commit(&self, txn: DatabaseTransaction, end: Option<LogEnd>) -> Result<(), StoreError> {
        self.commit_quietly(txn).await?;
        if let Some(end) = end {
            self.bell.send_modify(|newest| *newest = newest.max(end));
        }
        Ok(())
    }

    /// Commits what is not content and leaves no row in the change log.
    pub async fn commit_quietly(&self, txn: DatabaseTransaction) -> Result<(), StoreError> {
        Ok(TransactionSession::commit(txn).await?)
    }

    /// Begins a look at one moment of the database, over several statements. Dropping the transaction ends it.
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

    /// Wakes after a commit of this process, drafts aside: nothing shows those that only editors see. A missed bell costs latency, never a
    /// change.
    #[must_use]
    pub fn bell(&self) -> watch::Receiver<LogEnd> {
        self.bell.subscribe()
    }

    /// Rings the bell for what another process may have committed.
    pub fn ring(&self) {
        self.bell.send_modify(|_| {});
    }

    /// Where the log ended after the last commit of this process, drafts aside.
    #[must_use]
    pub fn committed(&self) -> LogEnd {
        *self.bell.borrow()
    }

    /// Rings the bell whenever another node says that it committed (`NOTIFY`); answers when it can listen no longer.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn hear_others(&self) -> Result<(), StoreError> {
        // A connection of its own: those of the pool are for requests.
        let options = self.readers.get_postgres_connection_pool().connect_options();
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with((*options).clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(crate::store::notifier::CHANNEL).await?;
        loop {
            listener.recv().await?;
            self.ring();
        }
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
