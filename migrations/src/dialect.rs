//! Placeholders for the differences between the two schemas: each step is written once.
//!
//! Times are integers (milliseconds since 1970, UTC) on both: as text, `SQLite` would compare them wrongly. Text that
//! is ordered or compared uses byte order on both.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

const WORDS: [(&str, &str, &str); 8] = [
    ("{id}", "BLOB", "uuid"),
    ("{int}", "INTEGER", "bigint"),
    ("{bool}", "INTEGER", "boolean"),
    ("{text}", "TEXT", "text COLLATE \"C\""),
    ("{bytes}", "BLOB", "bytea"),
    ("{sequence}", "INTEGER PRIMARY KEY AUTOINCREMENT", "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
    ("{strict}", "STRICT", ""),
    ("{now}", "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)", "(extract(epoch FROM now()) * 1000)::bigint"),
];

/// Runs the `;`-separated statements of a step.
pub(crate) async fn run(manager: &SchemaManager<'_>, step: &str) -> Result<(), DbErr> {
    let sqlite = manager.get_database_backend() == DbBackend::Sqlite;
    let mut sql = step.to_owned();
    for (word, on_sqlite, on_postgres) in WORDS {
        sql = sql.replace(word, if sqlite { on_sqlite } else { on_postgres });
    }
    for statement in sql.split(';').map(str::trim).filter(|s| !s.is_empty()) {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}
