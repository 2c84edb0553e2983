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
        if matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_)) || lost_connection(&error) {
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

fn lost_connection(error: &DbErr) -> bool {
    let (DbErr::Exec(sea_orm::RuntimeErr::SqlxError(inner)) | DbErr::Query(sea_orm::RuntimeErr::SqlxError(inner))) = error else {
        return false;
    };
    match &**inner {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        // Class 57P: the server is shutting down, was crashed, or is starting up.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P") || code.starts_with("08")),
        _ => false,
    }
}
