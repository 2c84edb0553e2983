//! Opens a database: connections and their settings, and migrations of the schema.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use migrations::Migrator;
use sea_orm::{DatabaseConnection, DbBackend, SqlxPostgresConnector, SqlxSqliteConnector};
use sea_orm_migration::MigratorTrait;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::watch;

use super::error::StoreError;
use super::notifier::LogEnd;
use super::sql::Sql;
use super::{Store, Transaction, term_names};

const SQLITE_READERS: u32 = 4;
/// Writes wait for the one writer: a long queue is no failure.
const WRITER_TIMEOUT: Duration = Duration::from_secs(30);
const READER_TIMEOUT: Duration = Duration::from_secs(10);

impl Store {
    /// Opens `sqlite://path` (created if absent) or `postgres://…`.
    pub async fn open(url: &str, postgres_connections: u32) -> Result<Self, StoreError> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let pool = open_postgres(url, postgres_connections).await?;
            return Ok(Self::from_connections(pool.clone(), pool));
        }
        let options = sqlite_options(url)?;
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(WRITER_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .after_release(|connection, _| Box::pin(is_reusable(connection)))
            .connect_with(options.clone())
            .await?;
        let readers = SqlitePoolOptions::new()
            .min_connections(1)
            .max_connections(SQLITE_READERS)
            .acquire_timeout(READER_TIMEOUT)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .after_release(|connection, _| Box::pin(is_reusable(connection)))
            .connect_with(options.read_only(true).create_if_missing(false).pragma("cache_size", "-1024"))
            .await?;
        let connection = SqlxSqliteConnector::from_sqlx_sqlite_pool;
        Ok(Self::from_connections(connection(readers), connection(writer)))
    }

    fn from_connections(mut readers: DatabaseConnection, mut writer: DatabaseConnection) -> Self {
        let (commits, _) = watch::channel(LogEnd::default());
        let statements = Arc::new(AtomicU64::new(0));
        for connection in [&mut readers, &mut writer] {
            let statements = statements.clone();
            connection.set_metric_callback(move |_| {
                statements.fetch_add(1, Ordering::Relaxed);
            });
        }
        Self { readers, writer, commits, statements, term_names: term_names::empty(), queues: Arc::default() }
    }

    /// Locks out other processes that prepare the database, until the guard is dropped. `SQLite` needs none: its writes exclude each other.
    pub async fn startup_guard(&self) -> Result<Option<Transaction>, StoreError> {
        if !self.is_postgres() {
            return Ok(None);
        }
        let txn = self.begin().await?;
        for statement in ["SET LOCAL idle_in_transaction_session_timeout = 0", "SELECT pg_advisory_xact_lock(5411673974)"] {
            Sql::new(DbBackend::Postgres, statement).run(&txn).await?;
        }
        Ok(Some(txn))
    }

    /// Runs the pending migrations and returns their names. One that fails is rolled back.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let pending = self.pending_migrations().await?;
        Migrator::up(&self.writer, None).await?;
        Ok(pending)
    }

    /// The migrations that this database does not have yet.
    ///
    /// # Errors
    /// Also when the database has migrations that this binary does not know: a newer version has written it.
    pub async fn pending_migrations(&self) -> Result<Vec<String>, StoreError> {
        let applied = Migrator::get_migration_models(&self.writer).await?;
        let applied: Vec<String> = applied.into_iter().map(|step| step.version).collect();
        let mut known: Vec<String> = Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
        if let Some(database) = applied.iter().filter(|step| !known.contains(step)).max() {
            return Err(StoreError::NewerSchema { database: database.clone(), binary: known.pop().unwrap_or_default() });
        }
        known.retain(|step| !applied.contains(step));
        Ok(known)
    }
}

/// Whether a connection that comes back to its pool may be used again: not while it counts itself inside a transaction.
///
/// The database may have ended the transaction by itself (`SQLite` does when the disk is full). The rollback of the
/// pool then fails, the connection's count stays at one, and every later commit would only release a savepoint:
/// acknowledged, and lost. Such a connection is closed.
async fn is_reusable<C: sqlx::Connection>(connection: &mut C) -> Result<bool, sqlx::Error> {
    if !connection.is_in_transaction() {
        return Ok(true);
    }
    // A transaction that was dropped is rolled back by a command that may still be queued.
    connection.ping().await?;
    let reusable = !connection.is_in_transaction();
    if !reusable {
        tracing::warn!("connection closed: its transaction ended without it");
    }
    Ok(reusable)
}

/// Each setting with its reason:
/// - `WAL`: readers never wait for the writer.
/// - `synchronous=FULL`: a confirmed write survives a power failure.
/// - `busy_timeout`: another process (a backup, the command line) may hold the lock for a moment.
/// - `cache_size`: pages per connection, 8 MiB for the writer and 1 MiB for each reader: the inner pages of all trees. The database is not
///   mapped into memory instead: SQLite decodes a mapped page at each visit, which costs a third of a list.
/// - `temp_store=MEMORY`: no temporary files beside the database.
/// - `wal_autocheckpoint`: pages that every write touches are copied into the database once per 16 MiB of log, not once per 4.
fn sqlite_options(url: &str) -> Result<SqliteConnectOptions, StoreError> {
    Ok(SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .auto_vacuum(SqliteAutoVacuum::None)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .statement_cache_capacity(200)
        .pragma("cache_size", "-8192")
        .pragma("temp_store", "MEMORY")
        .pragma("wal_autocheckpoint", "4000")
        .disable_statement_logging())
}

async fn open_postgres(url: &str, connections: u32) -> Result<DatabaseConnection, StoreError> {
    // A client that dies inside a transaction must not keep its locks.
    let options = PgConnectOptions::from_str(url)?
        .application_name("insights")
        .options([("idle_in_transaction_session_timeout", "30s")])
        .disable_statement_logging();
    let pool = PgPoolOptions::new()
        .min_connections(1)
        .max_connections(connections)
        .acquire_timeout(READER_TIMEOUT)
        .idle_timeout(Duration::from_mins(5))
        .test_before_acquire(false)
        .after_release(|connection, _| Box::pin(is_reusable(connection)))
        .connect_with(options)
        .await?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}
