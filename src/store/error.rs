//! Every way in which the database can say no, made from `DbErr` in one place.

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
    #[error("a stored value cannot be read: {0}")]
    Corrupt(&'static str),
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => return Self::Unique(error),
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => return Self::ForeignKey(error),
            _ => {}
        }
        if matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) || may_pass(&error) {
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

/// Whether the same statement may well succeed in a moment: the connection was lost, the database is busy, full or stopping, or two
/// transactions stood in each other's way.
fn may_pass(error: &DbErr) -> bool {
    let (DbErr::Exec(sea_orm::RuntimeErr::SqlxError(inner)) | DbErr::Query(sea_orm::RuntimeErr::SqlxError(inner))) = error else {
        return false;
    };
    match &**inner {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            let sqlite_passing = code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, SQLITE_BUSY | SQLITE_LOCKED | SQLITE_FULL))
                && error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some();
            let postgres_passing = ["08", "40", "53", "57P", "25P03", "25006"].iter().any(|class| code.starts_with(class))
                && error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some();
            sqlite_passing || postgres_passing
        }),
        _ => false,
    }
}
