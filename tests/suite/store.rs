//! The store: the schema, the row types, corrupt values, and the order of the change log.

use std::sync::{Arc, Mutex};

use insights::store::Store;
use insights::store::rows::{
    change, insight, link, refresh_token, revision, revision_body, revision_text, session, signing_key, slug, token, user,
};
use sea_orm::{ConnectionTrait as _, EntityTrait as _};

use crate::support::{TestApp, database};

#[tokio::test]
async fn migrations_run_once() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let store = Store::open(&database::fresh(&folder).await, 2).await.unwrap();
    let pending = store.pending_migrations().await.unwrap();
    assert!(pending.len() >= 4);
    assert_eq!(store.migrate().await.unwrap(), pending);
    assert!(store.migrate().await.unwrap().is_empty());
    store.close().await.unwrap();
}

#[tokio::test]
async fn every_row_type_matches_its_table() {
    let app = TestApp::start_with(|settings| settings.demo = true).await;
    app.signed_in("ada@example.org", "editor").await;
    app.machine_token(&[]).await;
    macro_rules! read {
        ($($entity:path),*) => { $(
            assert!(!<$entity>::find().all(app.store().reader()).await.unwrap().is_empty(), stringify!($entity));
        )* };
    }
    read!(change::Entity, insight::Entity, link::revision_tag::Entity, link::revision_author::Entity, refresh_token::Entity);
    read!(revision::Entity, revision_body::Entity, revision_text::Entity, session::Entity, signing_key::Entity, slug::Entity);
    read!(token::Entity, user::Entity, insights::store::rows::site::Entity);
    assert!(insights::store::integrity::faults(app.store()).await.unwrap().is_empty());
}

#[tokio::test]
async fn constraints_refuse_inconsistent_rows() {
    use sea_orm::Statement;
    let app = TestApp::start_with(|settings| settings.demo = true).await;
    let db = app.store().writer();
    for wrong in [
        "UPDATE insights SET slug = (SELECT min(slug) FROM insights)",
        "UPDATE insights SET live_revision = 99",
        "UPDATE insights SET published_at = NULL",
        "UPDATE insights SET unpublish_at = published_at",
        "DELETE FROM categories",
        "UPDATE revision_texts SET excerpt_source = 'somebody'",
        "UPDATE revisions SET reading_minutes = 0",
    ] {
        let statement = Statement::from_string(db.get_database_backend(), wrong);
        assert!(db.execute_raw(statement).await.is_err(), "{wrong}");
    }
}

/// A follower of the log would miss a transaction that takes its number first and commits last. The lock prevents it: the second one waits.
#[tokio::test(flavor = "multi_thread")]
async fn changes_are_numbered_in_the_order_of_their_commits() {
    use insights::domain::change::{ChangeKind, NewChange, Resource};
    use insights::store::changes;
    let app = TestApp::start().await;
    let change =
        NewChange { kind: ChangeKind::Updated, resource: Resource::Site, resource_id: None, slug: None, public: true, cache_tags: vec![] };
    let first = app.store().begin().await.unwrap();
    changes::append_all(&first, std::slice::from_ref(&change), app.now()).await.unwrap();
    let (store, now) = (app.store().clone(), app.now());
    let second = async {
        let txn = store.begin().await.unwrap();
        changes::commit(&store, txn, &change, now).await.unwrap();
    };
    let mut second = std::pin::pin!(second);
    let early = tokio::time::timeout(std::time::Duration::from_millis(300), &mut second).await;
    assert!(early.is_err(), "the second writer did not wait for the first to commit");
    let before = changes::newest(app.store().reader()).await.unwrap();
    app.store().commit_quietly(first).await.unwrap();
    second.await;
    assert_eq!(changes::newest(app.store().reader()).await.unwrap().0, before.0 + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_start_together_on_an_empty_database_all_start() {
    let folder = tempfile::Builder::new().prefix("insights_test_").tempdir().unwrap();
    let mut settings = crate::support::app::settings(&folder, database::fresh(&folder).await);
    settings.demo = true;
    let clock = insights::domain::clock::Clock::System;
    // A SQLite database belongs to one node.
    let nodes = if database::server().is_some() { 3 } else { 1 };
    let starting = (0..nodes).map(|_| insights::app::App::start(&settings, clock.clone()));
    for app in futures_util::future::join_all(starting).await {
        let app = app.expect("every node starts");
        assert_eq!(insights::store::site::stats(app.store.reader(), clock.now()).await.unwrap().insights, 6);
        app.stop().await.unwrap();
    }
}

/// The log of this process, as operators read it.
#[derive(Clone, Default)]
struct CapturedLog(Arc<Mutex<Vec<u8>>>);

impl CapturedLog {
    fn start() -> Self {
        let log = Self::default();
        let writer = log.clone();
        tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).try_init().expect("the first log of this process");
        log
    }

    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut self.0.lock().unwrap())).unwrap()
    }
}

impl std::io::Write for CapturedLog {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_corrupt_json_column_is_a_500_whose_cause_is_in_the_log_only() {
    let log = CapturedLog::start();
    let app = TestApp::start_with(|settings| {
        settings.demo = true;
        settings.cache_bytes = 0;
    })
    .await;
    if app.store().is_postgres() {
        return;
    }
    let admin = app.admin().await;
    let insight = "/v1/insights/symptom-is-not-root-cause";
    let revisions = format!("{insight}/revisions");
    let line = r#"{"slug":"a","title":"A","body_markdown":"a","category":"debugging"}"#;
    let import = admin.send("POST", "/v1/imports", Some(("application/x-ndjson", line.to_owned())), &[]).await.expect(202).id();
    let items = format!("/v1/imports/{import}/items");
    while admin.get(&items).await.expect(200).json()["data"][0]["state"] == "waiting" {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    for (table, column, path) in [
        ("site", "locales", "/v1/site"),
        ("site", "translations", "/v1/site"),
        ("categories", "translations", "/v1/categories/debugging"),
        ("revisions", "locales", insight),
        ("revisions", "seo", insight),
        ("revisions", "extra", insight),
        ("revisions", "locales", &revisions),
        ("revision_bodies", "toc", insight),
        ("changes", "cache_tags", "/v1/changes"),
        ("import_items", "notes", &items),
    ] {
        let write = async |sql: String| app.store().writer().execute_unprepared(&sql).await.unwrap();
        write(format!("UPDATE {table} SET {column} = 'no JSON ' || {column}")).await;
        log.take();
        let problem = admin.get(path).await.problem(500, "internal");
        write(format!("UPDATE {table} SET {column} = substr({column}, 9)")).await;
        assert!(!problem.to_string().contains(column), "{table}.{column}: {problem}");
        let logged = log.take();
        assert!(logged.contains("ERROR") && logged.contains(column), "{table}.{column}: {logged}");
        admin.get(path).await.expect(200);
    }
}
