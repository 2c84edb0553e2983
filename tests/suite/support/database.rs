//! A new database for each test: a file, or a database on the server of `TEST_DATABASE`.

use sqlx::{Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;

#[expect(clippy::disallowed_methods, reason = "the environment says which database the suite runs on")]
pub(crate) fn server() -> Option<String> {
    std::env::var("TEST_DATABASE").ok().filter(|url| !url.is_empty())
}

/// The URL of a new, empty database.
pub(crate) async fn fresh(folder: &TempDir) -> String {
    let Some(server) = server() else { return format!("sqlite://{}/insights.db", folder.path().display()) };
    let name = folder.path().file_name().unwrap().to_str().unwrap().trim_start_matches('.').to_lowercase();
    let mut connection = PgConnection::connect(&server).await.expect("TEST_DATABASE answers");
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE \"{name}\""))).await.unwrap();
    connection.close().await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}
