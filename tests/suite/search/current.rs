//! An answer to a write means that search shows it: on this node at once, on another within a second.

use std::time::{Duration, Instant};

use insights::domain::change::{ChangeKind, NewChange, Resource};
use insights::store::changes;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};

use super::{search, titles};
use crate::exchange::import;
use crate::support::{Client, TestApp};

const WRITERS: usize = 8;
const ROUNDS: usize = 125;

/// One writer: whatever it does is found, or not found any more, as soon as it is answered. Answers how often it looked.
async fn write_and_look(admin: Client, anyone: Client, writer: usize) -> usize {
    let mut looks = 0;
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
                    let found = titles(&search(&anyone, &format!("q={}", token(old))).await);
                    assert!(found.is_empty(), "writer {writer}, round {round}: the text of round {old} is still found: {found:?}");
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
        let found = titles(&search(&anyone, &format!("q={}", token(newest))).await);
        let expected = if round % 5 == 3 { vec![] } else { vec![format!("Insight {}", token(newest))] };
        assert_eq!(found, expected, "writer {writer}, round {round}");
        looks += 1;
    }
    looks
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_answered_is_found_a_thousand_times_in_a_row() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let writers = (0..WRITERS).map(|writer| write_and_look(admin.clone(), app.anonymous(), writer));
    let looks: usize = futures_util::future::join_all(writers).await.into_iter().sum();
    assert_eq!(looks, 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_node_shows_a_write_within_a_second() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let second = app.second_node().await;
    for round in 0..10 {
        admin.publish(&format!("Announced{round}")).await;
        let written = Instant::now();
        while titles(&search(&second.anonymous(), &format!("q=announced{round}")).await).is_empty() {
            assert!(written.elapsed() < Duration::from_secs(1), "round {round}: not found after {:?}", written.elapsed());
            tokio::task::yield_now().await;
        }
    }
}

/// A transaction that took its number first and commits last: nobody who follows the log may have gone past it.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_commits_late_is_not_missed() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let late = admin.create("Latecomer").await;
    let early = admin.create("Earlybird").await;
    let id: uuid::Uuid = late.id().parse().unwrap();
    let txn = app.store().begin().await.unwrap();
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
    changes::append_all(&txn, &[change], app.now()).await.unwrap();
    let path = format!("/v1/insights/{}/publish", early.id());
    let mut publishing = std::pin::pin!(admin.act(&path, "*", json!({})));
    let overtook = tokio::time::timeout(Duration::from_millis(300), &mut publishing).await;
    assert!(overtook.is_err(), "a later number was committed first");
    app.store().commit_quietly(txn).await.unwrap();
    publishing.await.expect(200);
    app.app.settled().await.unwrap();
    let anyone = app.anonymous();
    assert_eq!(titles(&search(&anyone, "q=latecomer").await), ["Latecomer"]);
    assert_eq!(titles(&search(&anyone, "q=earlybird").await), ["Earlybird"]);
    let changes = anyone.get("/v1/changes?limit=100").await.expect(200);
    let told: Vec<String> = changes.each("id").iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
    assert!(told.contains(&late.id()) && told.contains(&early.id()));
}

/// An import is taken into the index in large parts. What was written twice meanwhile is there once, as it was written last.
#[tokio::test]
async fn what_comes_in_by_the_hundred_is_found_once() {
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
    let found = async |word: &str| search(&anyone, &format!("q={word}&limit=1")).await.json()["meta"]["total"].clone();
    assert_eq!([found("heron").await, found("egret").await, found("bittern").await], [json!(0), json!(0), json!(160)]);
    admin.patch("/v1/insights/item-7", "*", json!({ "body_markdown": "A heron." })).await.expect(200);
    admin.act("/v1/insights/item-7/publish", "*", json!({})).await.expect(200);
    assert_eq!([found("heron").await, found("bittern").await], [json!(1), json!(159)]);
}

/// Whatever the index has to do, requests come first.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_index_follows_on_threads_that_stand_back() {
    let app = TestApp::with_terms().await;
    app.app.settled().await.unwrap();
    // The 19th field; the second is a name in brackets.
    let nice = |stat: &str| -> i64 { stat.rsplit_once(") ").unwrap().1.split(' ').nth(16).unwrap().parse().unwrap() };
    let own = nice(&std::fs::read_to_string("/proc/thread-self/stat").unwrap());
    let threads = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path().join("stat"));
    // One may end meanwhile.
    let stats: Vec<String> = threads.filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    let named = |name: &str| -> Vec<i64> { stats.iter().filter(|stat| stat.contains(name)).map(|stat| nice(stat)).collect() };
    let following = named("(background)");
    assert!(following.len() > 1, "{following:?}");
    assert!(following.iter().all(|nice| *nice == (own + 10).min(19)), "{following:?}");
    assert!(named("(sqlx-").iter().all(|nice| *nice == own), "connections serve requests: {:?}", named("(sqlx-"));
}
