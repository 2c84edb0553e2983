//! Every way in which the database can fail. `From<DbErr>` is the only place that classifies its errors.

use sea_orm::{DbErr, SqlErr};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("a unique constraint was violated")]
    Unique(#[source] DbErr),
    #[error("a foreign key constraint was violated")]
    ForeignKey(#[source] DbErr),
    #[error("the database cannot be reached")]
    Unavailable(#[source] DbErr),
    #[error("the database failed")]
    Failed(#[source] DbErr),
    #[error(transparent)]
    Corrupt(Box<CorruptValue>),
    /// Rows that every sound database has are missing.
    #[error("the database is inconsistent: {0}")]
    Inconsistent(&'static str),
    #[error(
        "this binary is too old for its database: the schema is at step {database}, this binary knows the steps up to {binary}; \
         run the version that wrote the database, or a newer one"
    )]
    NewerSchema { database: String, binary: String },
}

/// A stored value that cannot be read, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored value is corrupt: column {column} of table {} in the row with {row}: {reason}", table.as_deref().unwrap_or("?"))]
pub struct CorruptValue {
    pub table: Option<String>,
    pub column: String,
    /// The row's key, as far as the statement selects it.
    pub row: String,
    pub reason: String,
}

impl StoreError {
    /// Adds the table that a corrupt column belongs to, where it is not known yet.
    #[must_use]
    pub(super) fn in_table<'t>(mut self, table: impl FnOnce(&str) -> Option<&'t str>) -> Self {
        if let Self::Corrupt(value) = &mut self
            && value.table.is_none()
        {
            value.table = table(&value.column).map(str::to_owned);
        }
        self
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        if let DbErr::TryIntoErr { source, .. } = &error
            && let Some(value) = source.downcast_ref::<CorruptValue>()
        {
            return Self::Corrupt(Box::new(value.clone()));
        }
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => return Self::Unique(error),
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => return Self::ForeignKey(error),
            _ => {}
        }
        if matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) || is_transient(&error) {
            Self::Unavailable(error)
        } else {
            Self::Failed(error)
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::from(DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into())))
    }
}

/// Result codes of `SQLite` (<https://www.sqlite.org/rescode.html>).
const SQLITE_BUSY: u32 = 5;
const SQLITE_LOCKED: u32 = 6;
const SQLITE_FULL: u32 = 13;

/// Whether the same statement may succeed on a retry: the connection was lost, the database is busy, full or stopping, or two transactions
/// conflicted.
fn is_transient(error: &DbErr) -> bool {
    let (DbErr::Exec(sea_orm::RuntimeErr::SqlxError(inner)) | DbErr::Query(sea_orm::RuntimeErr::SqlxError(inner))) = error else {
        return false;
    };
    match &**inner {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            let sqlite_transient = code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, SQLITE_BUSY | SQLITE_LOCKED | SQLITE_FULL))
                && error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
            let postgres_transient = ["08", "40", "53", "57P", "25P03", "25006"].iter().any(|class| code.starts_with(class))
                && error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some();
            sqlite_transient || postgres_transient
        }),
        _ => false,
    }
}
