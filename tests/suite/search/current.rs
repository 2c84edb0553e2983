//! Read-your-writes: a search finds an acknowledged write, on the same node at once, on another node within a second.

use std::time::{Duration, Instant};

use insights::domain::change::{ChangeKind, NewChange, Resource};
use insights::store::changes;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, Statement};
use serde_json::{Value, json};

use super::{search, titles};
use crate::exchange::import;
use crate::support::{Client, TestApp};

const WRITERS: usize = 8;
const ROUNDS: usize = 125;

/// One writer, whose every write must be visible to the next search. Returns the number of searches.
async fn write_and_search(admin: Client, anyone: Client, writer: usize) -> usize {
    let mut searches = 0;
    let token = |round: usize| format!("w{writer}r{round}x");
    let created = admin.create(&format!("Insight {}", token(0))).await;
    let path = format!("/v1/insights/{}", created.id());
    let mut live: Option<usize> = None;
    for round in 0..ROUNDS {
        match round % 5 {
            0..3 => {
                admin.patch(&path, "*", json!({ "title": format!("Insight {}", token(round)), "body_markdown": "B" })).await.expect(200);
                admin.act(&format!("{path}/publish"), "*", json!({})).await.expect(200);
                if let Some(old) = live.replace(round) {
                    let results = titles(&search(&anyone, &format!("q={}", token(old))).await);
                    assert!(results.is_empty(), "writer {writer}, round {round}: the text of round {old} is still found: {results:?}");
                }
            }
            3 => {
                admin.act(&format!("{path}/unpublish"), "*", json!({})).await.expect(200);
            }
            _ => {
                admin.act(&format!("{path}/publish"), "*", json!({})).await.expect(200);
            }
        }
        let newest = live.unwrap();
        let results = titles(&search(&anyone, &format!("q={}", token(newest))).await);
        let expected = if round % 5 == 3 { vec![] } else { vec![format!("Insight {}", token(newest))] };
        assert_eq!(results, expected, "writer {writer}, round {round}");
        searches += 1;
    }
    searches
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_write_is_found_by_the_next_search() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let writers = (0..WRITERS).map(|writer| write_and_search(admin.clone(), app.anonymous(), writer));
    let searches: usize = futures_util::future::join_all(writers).await.into_iter().sum();
    assert_eq!(searches, 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_node_finds_a_write_within_a_second() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let second = app.second_node().await;
    for round in 0..10 {
        admin.publish(&format!("Announced{round}")).await;
        let started = Instant::now();
        while titles(&search(&second.anonymous(), &format!("q=announced{round}")).await).is_empty() {
            assert!(started.elapsed() < Duration::from_secs(1), "round {round}: not found after {:?}", started.elapsed());
            tokio::task::yield_now().await;
        }
    }
}

/// Publishes the first revision of an insight as a write does, without its handler.
async fn publish_in_sql(app: &TestApp, txn: &DatabaseTransaction, id: &str) {
    let id: uuid::Uuid = id.parse().unwrap();
    let values = [app.now().0.into(), id.into()];
    let sql = "UPDATE insights SET live_revision = 1, published_at = $1, position_at = $1 WHERE id = $2";
    txn.execute_raw(Statement::from_sql_and_values(txn.get_database_backend(), sql, values)).await.unwrap();
    let change = NewChange {
        kind: ChangeKind::Published,
        resource: Resource::Insight,
        resource_id: Some(id),
        slug: None,
        public: true,
        cache_tags: Vec::new(),
    };
    changes::append_all(txn, &[change], app.now()).await.unwrap();
}

/// A transaction that gets its row sequence first and commits last: no projection may have advanced past it.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_commits_late_is_applied() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let late = admin.create("Latecomer").await;
    let early = admin.create("Earlybird").await;
    let txn = app.store().begin().await.unwrap();
    publish_in_sql(&app, &txn, &late.id()).await;
    let path = format!("/v1/insights/{}/publish", early.id());
    let mut publishing = std::pin::pin!(admin.act(&path, "*", json!({})));
    let finished_first = tokio::time::timeout(Duration::from_millis(300), &mut publishing).await;
    assert!(finished_first.is_err(), "a later sequence was committed first");
    app.store().commit_quietly(txn).await.unwrap();
    publishing.await.expect(200);
    app.app.settled().await.unwrap();
    let anyone = app.anonymous();
    assert_eq!(titles(&search(&anyone, "q=latecomer").await), ["Latecomer"]);
    assert_eq!(titles(&search(&anyone, "q=earlybird").await), ["Earlybird"]);
    let changes = anyone.get("/v1/changes?limit=100").await.expect(200);
    let changed_ids: Vec<String> = changes.each("id").iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
    assert!(changed_ids.contains(&late.id()) && changed_ids.contains(&early.id()));
}

/// A text that cannot be read is an error that stops the index, not a text without headings.
#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_text_stops_the_index_until_it_is_repaired() {
    let app = TestApp::with_terms().await;
    let (admin, anyone) = (app.admin().await, app.anonymous());
    let damaged = admin.create("Damaged").await;
    let run = async |sql: &str| app.store().writer().execute_unprepared(sql).await.unwrap();
    run("UPDATE revision_bodies SET toc = 'no JSON ' || toc").await;
    let txn = app.store().begin().await.unwrap();
    publish_in_sql(&app, &txn, &damaged.id()).await;
    app.store().commit_quietly(txn).await.unwrap();
    // The write succeeds, after it has waited for search in vain.
    admin.publish("Later").await;
    assert_eq!(anyone.get("/v1/search?q=later").await.status, 503);
    run("UPDATE revision_bodies SET toc = substr(toc, 9) WHERE toc LIKE 'no JSON %'").await;
    let repaired = Instant::now();
    while anyone.get("/v1/search?q=later").await.status == 503 {
        assert!(repaired.elapsed() < Duration::from_secs(10), "the index does not recover");
    }
    assert_eq!(titles(&search(&anyone, "q=later").await), ["Later"]);
    assert_eq!(titles(&search(&anyone, "q=damaged").await), ["Damaged"]);
}

/// An import is indexed in large batches. An insight that is written twice in a batch is indexed once, as written last.
#[tokio::test]
async fn bulk_changes_index_the_last_version_once() {
    let app = TestApp::with_terms().await;
    let (admin, anyone) = (app.admin().await, app.anonymous());
    let line = |number: usize, word: &str| {
        json!({ "slug": format!("item-{number}"), "title": format!("Item {number}"), "body_markdown": format!("{word} everywhere."),
            "category": "debugging", "status": "published", "published_at": "2026-01-01T00:00:00Z" })
    };
    let words = ["heron", "egret", "bittern"];
    let lines: Vec<Value> = words.iter().flat_map(|word| (0..160).map(move |number| line(number, word))).collect();
    let import = import(&admin, "", &lines).await;
    assert_eq!((&import["counts"]["created"], &import["counts"]["updated"]), (&json!(160), &json!(320)));
    let total = async |word: &str| search(&anyone, &format!("q={word}&limit=1")).await.json()["meta"]["total"].clone();
    assert_eq!([total("heron").await, total("egret").await, total("bittern").await], [json!(0), json!(0), json!(160)]);
    admin.patch("/v1/insights/item-7", "*", json!({ "body_markdown": "A heron." })).await.expect(200);
    admin.act("/v1/insights/item-7/publish", "*", json!({})).await.expect(200);
    assert_eq!([total("heron").await, total("bittern").await], [json!(1), json!(159)]);
}

/// Requests have priority over indexing.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn indexing_runs_on_low_priority_threads() {
    let app = TestApp::with_terms().await;
    app.app.settled().await.unwrap();
    // The 19th field; the second one is the name in parentheses.
    let nice = |stat: &str| -> i64 { stat.rsplit_once(") ").unwrap().1.split(' ').nth(16).unwrap().parse().unwrap() };
    let own = nice(&std::fs::read_to_string("/proc/thread-self/stat").unwrap());
    let threads = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path().join("stat"));
    // A thread can end in the meantime.
    let stats: Vec<String> = threads.filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    let nice_of = |name: &str| -> Vec<i64> { stats.iter().filter(|stat| stat.contains(name)).map(|stat| nice(stat)).collect() };
    let background = nice_of("(background)");
    assert!(background.len() > 1, "{background:?}");
    assert!(background.iter().all(|nice| *nice == (own + 10).min(19)), "{background:?}");
    assert!(nice_of("(sqlx-").iter().all(|nice| *nice == own), "connections serve requests: {:?}", nice_of("(sqlx-"));
}
