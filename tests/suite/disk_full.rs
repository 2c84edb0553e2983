//! A database that runs full, then has room again: no acknowledged write is lost, and none is refused for longer than it is full.
//!
//! `SQLite` rolls a transaction back by itself when the disk is full. A pooled connection that still believes to be in that transaction
//! would from then on commit nothing, and answer 201.

use insights::store::Store;
use sea_orm::ConnectionTrait as _;
use serde_json::json;

use crate::support::TestApp;
use crate::support::app::draft;

/// Lets the database grow by no page more, as a full disk does, on the connection that writes.
async fn fill(store: &Store) {
    store.writer().execute_unprepared("PRAGMA max_page_count = 1").await.unwrap();
}

/// How many rows another connection sees in the change log: what is committed, and nothing else.
async fn committed_changes(store: &Store) -> i64 {
    let row = store
        .reader()
        .query_one_raw(sea_orm::Statement::from_string(store.reader().get_database_backend(), "SELECT count(*) AS number FROM changes"));
    row.await.unwrap().unwrap().try_get("", "number").unwrap()
}

#[tokio::test]
async fn writes_after_a_full_disk_are_committed() {
    let app = TestApp::with_terms().await;
    if app.store().is_postgres() {
        return;
    }
    let editor = app.admin().await;
    let large = json!({ "title": "Large", "category": "debugging", "body_markdown": "word ".repeat(90_000) });
    fill(app.store()).await;
    let refused = editor.post("/v1/insights", large.clone()).await;
    assert_eq!(refused.status, 503, "a full disk passes: {}", refused.text());
    // There is room again, for a connection that has not been told otherwise. A dry run is a transaction that is rolled back.
    app.store().writer().execute_unprepared("PRAGMA max_page_count = 4294967294").await.unwrap();
    editor.post("/v1/insights?validate_only=true", draft("Tried")).await.expect(200);
    for number in 0..3 {
        let before = committed_changes(app.store()).await;
        let title = format!("After the disk was full {number}");
        let created = editor.post("/v1/insights", draft(&title)).await.expect(201);
        assert_eq!(committed_changes(app.store()).await, before + 1, "a 201 that another connection cannot see");
        let id = created.json()["id"].as_str().unwrap().to_owned();
        editor.get(&format!("/v1/insights/{id}")).await.expect(200);
    }
    editor.get("/health/ready").await.expect(200);
    let app = app.restart_without_index().await;
    let list = app.admin().await.get("/v1/insights?status=draft&count=exact").await.expect(200);
    assert_eq!(list.json()["meta"]["total"], 3);
}
