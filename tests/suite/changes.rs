//! The change feed and the event stream: the same entries under the same numbers, nothing missed, nothing repeated, nothing invisible.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::search::generate::Random;
use crate::support::{Client, TestApp};

/// All changes after a number, page by page.
async fn changes(client: &Client, since: i64) -> Vec<Value> {
    let mut all = Vec::new();
    let mut path = format!("/v1/changes?since={since}&limit=7");
    loop {
        let page = client.get(&path).await.expect(200).json();
        all.extend(page["data"].as_array().unwrap().clone());
        match page["page"]["next_cursor"].as_str() {
            Some(next) => path = format!("/v1/changes?limit=7&cursor={next}"),
            None => return all,
        }
    }
}

/// The events of a stream, until it ends or `enough` events were received.
async fn events(url: &str, since: i64, resumed: bool, enough: usize) -> Vec<Value> {
    let http = reqwest::Client::new();
    let request = if resumed {
        http.get(format!("{url}/v1/events")).header("last-event-id", since.to_string())
    } else {
        http.get(format!("{url}/v1/events?since={since}"))
    };
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = response.bytes_stream();
    let (mut text, mut list) = (String::new(), Vec::new());
    while let Some(Ok(bytes)) = stream.next().await {
        text.push_str(std::str::from_utf8(&bytes).unwrap());
        while let Some(end) = text.find("\n\n") {
            let event: String = text.drain(..end + 2).collect();
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            if let Some(data) = field("data: ") {
                let data: Value = serde_json::from_str(&data).unwrap();
                assert_eq!(field("id: ").unwrap(), data["sequence"].to_string());
                list.push(data);
            }
        }
        if list.len() >= enough {
            break;
        }
    }
    list
}

fn sequences(changes: &[Value]) -> Vec<i64> {
    changes.iter().map(|change| change["sequence"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn entries_show_the_present_state() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let start = changes(&app.anonymous(), 0).await.len();
    let remaining = admin.publish("Kept").await;
    let hidden = admin.publish("Hidden word").await;
    admin.create("Never seen").await;
    let entries = changes(&app.anonymous(), i64::try_from(start).unwrap()).await;
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[0]["type"].as_str(), entries[0]["insight"]["title"].as_str()), (Some("insight.updated"), Some("Kept")));
    admin.act(&format!("/v1/insights/{}/unpublish", hidden.id()), "*", json!({})).await.expect(200);
    let entries = changes(&app.anonymous(), i64::try_from(start).unwrap()).await;
    let of = |id: &str| entries.iter().filter(|change| change["id"] == id).cloned().collect::<Vec<_>>();
    assert_eq!(of(&remaining.id()).len(), 1);
    for change in of(&hidden.id()) {
        assert_eq!((change["type"].as_str(), change["deleted"].as_bool()), (Some("insight.deleted"), Some(true)));
        assert!(change["insight"].is_null() && !change.to_string().contains("idden"), "{change}");
    }
    assert_eq!(of(&hidden.id()).len(), 2);
    admin.delete("/v1/tags/ops", "*").await.expect(204);
    let last = changes(&app.anonymous(), 0).await.pop().unwrap();
    assert_eq!((last["type"].as_str(), last["slug"].as_str()), (Some("tag.deleted"), None));
    let all = changes(&app.anonymous(), 0).await;
    assert_eq!(sequences(&all), (1..=i64::try_from(all.len()).unwrap()).collect::<Vec<_>>(), "numbers have gaps");
    app.anonymous().get("/v1/changes?since=99999").await.problem(400, "invalid-parameter");
    app.anonymous().get("/v1/events?since=99999").await.problem(400, "invalid-parameter");
    app.anonymous().get_with("/v1/events", &[("last-event-id", "x")]).await.problem(400, "invalid-parameter");
}

#[tokio::test]
async fn each_transition_is_logged_once_when_it_is_due() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let created = admin.create("On time").await;
    let input = json!({ "publish_at": "2026-11-23T12:01:00Z", "unpublish_at": "2026-11-23T12:02:00Z" });
    admin.act(&format!("/v1/insights/{}/publish", created.id()), "*", input).await.expect(200);
    let second = app.second_node().await;
    let of = async |app: &TestApp| {
        let all = changes(&app.anonymous(), 0).await;
        let own = all.iter().filter(|change| change["id"] == created.id());
        own.map(|change| (change["deleted"].as_bool().unwrap(), change["at"].as_str().unwrap().to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(of(&app).await, []);
    app.advance(60_000);
    let began = (false, "2026-11-23T12:01:00Z".to_owned());
    assert_eq!((of(&app).await, of(&second).await), (vec![began.clone()], vec![began]));
    app.advance(60_000);
    let entries = of(&second).await;
    assert_eq!(entries.iter().map(|(deleted, _)| *deleted).collect::<Vec<_>>(), [true, true]);
    assert_eq!(entries[1].1, "2026-11-23T12:02:00Z");
    assert_eq!(of(&app).await, entries);
    // A transition that was cancelled is not logged.
    let other = admin.create("Called off").await;
    let path = format!("/v1/insights/{}", other.id());
    admin.act(&format!("{path}/publish"), "*", json!({ "publish_at": "2026-11-23T12:10:00Z" })).await.expect(200);
    admin.act(&format!("{path}/unpublish"), "*", json!({})).await.expect(200);
    app.advance(3_600_000);
    let all = changes(&app.anonymous(), 0).await;
    assert!(!all.iter().any(|change| change["id"] == other.id()));
}

/// A transition that is due but not logged yet is not lost when an editor saves a draft or moves the insight meanwhile.
#[tokio::test]
async fn a_concurrent_write_loses_no_transition() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let make = async |title: &str| {
        let created = admin.create(title).await;
        let path = format!("/v1/insights/{}", created.id());
        admin.act(&format!("{path}/publish"), "*", json!({ "publish_at": "2026-11-23T12:01:00Z" })).await.expect(200);
        (created.id(), path)
    };
    let (drafted, drafted_path) = make("Drafted on").await;
    let (deleted, deleted_path) = make("Deleted then").await;
    app.advance(60_000);
    admin.patch(&drafted_path, "*", json!({ "title": "Another draft" })).await.expect(200);
    admin.delete(&deleted_path, "*").await.expect(204);
    let all = changes(&app.anonymous(), 0).await;
    let last = |id: &str| all.iter().rev().find(|change| change["id"] == id).cloned().unwrap();
    assert_eq!(last(&drafted)["deleted"], false);
    assert_eq!(last(&deleted)["deleted"], true);
}

/// What the log says has happened, also for a node whose clock, or whose request, is slightly behind.
#[tokio::test]
async fn a_publication_logged_by_a_faster_clock_is_shown() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let mut paths = Vec::new();
    for title in ["Kept on", "Purged early", "Called off early"] {
        let created = admin.create(title).await;
        let path = format!("/v1/insights/{}", created.id());
        admin.act(&format!("{path}/publish"), "*", json!({ "publish_at": "2026-11-23T12:00:05Z" })).await.expect(200);
        paths.push((created.id(), path));
    }
    // Another node, with a clock five seconds ahead, logs the transition.
    insights::store::transitions::record(app.store(), insights::domain::clock::Timestamp(app.now().0 + 5_000)).await.unwrap();
    let entries = changes(&app.anonymous(), 0).await;
    for (id, _) in &paths {
        let last = entries.iter().rev().find(|change| change["id"] == *id).unwrap();
        assert_eq!(last["deleted"], false, "{last}");
    }
    admin.delete(&format!("{}?permanent=true", paths[1].1), "*").await.expect(204);
    admin.act(&format!("{}/unpublish", paths[2].1), "*", json!({})).await.expect(200);
    let entries = changes(&app.anonymous(), 0).await;
    for ((id, _), deleted) in paths.iter().zip([false, true, true]) {
        let last = entries.iter().rev().find(|change| change["id"] == *id).unwrap();
        assert_eq!(last["deleted"], deleted, "{last}");
    }
}

#[tokio::test]
async fn head_of_the_event_stream_ends_at_once() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let app = TestApp::start_with(|settings| settings.event_stream_lifetime = 3_600).await;
    let mut stream = tokio::net::TcpStream::connect(app.url.trim_start_matches("http://")).await.unwrap();
    let requests = "HEAD /v1/events HTTP/1.1\r\nHost: x\r\n\r\nGET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(requests.as_bytes()).await.unwrap();
    let mut responses = Vec::new();
    let reading = stream.read_to_end(&mut responses);
    tokio::time::timeout(std::time::Duration::from_secs(10), reading).await.expect("the connection goes on").unwrap();
    let responses = String::from_utf8_lossy(&responses);
    assert_eq!(responses.matches("HTTP/1.1 200 OK").count(), 2, "{responses}");
}

/// A consumer switches between feed and stream, reconnects, and keeps a copy: the copy equals what is visible, and no number is repeated or
/// missing.
#[tokio::test(flavor = "multi_thread")]
async fn switching_between_feed_and_stream_misses_and_repeats_nothing() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let writing = write_at_random(&app, admin.clone(), 60);
    let reading = async {
        let (mut entries, mut random, mut position) = (Vec::new(), Random::new(5), 0);
        while entries.last().is_none_or(|change: &Value| change["insight"]["title"] != "The last one") {
            let new = match random.below(3) {
                0 => changes(&app.anonymous(), position).await,
                way => events(&app.url, position, way == 1, 1 + random.below(5)).await,
            };
            position = sequences(&new).last().copied().unwrap_or(position);
            entries.extend(new);
        }
        entries
    };
    let ((), entries) = futures_util::future::join(writing, reading).await;
    assert_eq!(sequences(&entries), (1..=i64::try_from(entries.len()).unwrap()).collect::<Vec<_>>());
    let mut copy: BTreeMap<String, Value> = BTreeMap::new();
    for change in entries.iter().filter(|change| change["resource"] == "insight") {
        let id = change["id"].as_str().unwrap().to_owned();
        if change["deleted"] == true {
            copy.remove(&id);
        } else {
            copy.insert(id, change["insight"].clone());
        }
    }
    let visible = app.anonymous().get("/v1/insights?limit=100").await.expect(200);
    let visible: BTreeMap<String, Value> =
        visible.json()["data"].as_array().unwrap().iter().map(|item| (item["id"].as_str().unwrap().to_owned(), item.clone())).collect();
    assert_eq!(copy, visible);
}

async fn write_at_random(app: &TestApp, admin: Client, count: usize) {
    let mut random = Random::new(11);
    let mut ids: Vec<String> = Vec::new();
    for number in 0..count {
        let existing = ids.get(random.below(ids.len().max(1))).cloned();
        match (random.below(5), existing) {
            (0 | 1, _) | (_, None) => ids.push(admin.publish(&format!("Number {number}")).await.id()),
            (2, Some(id)) => {
                admin.patch(&format!("/v1/insights/{id}"), "*", json!({ "title": format!("Changed {number}") })).await;
                admin.act(&format!("/v1/insights/{id}/publish"), "*", json!({})).await;
            }
            (3, Some(id)) => {
                let input = json!({ "unpublish_at": "2030-01-01T00:00:00Z" });
                admin.act(&format!("/v1/insights/{id}/publish"), "*", input).await;
            }
            (_, Some(id)) => {
                admin.act(&format!("/v1/insights/{id}/unpublish"), "*", json!({})).await;
            }
        }
        app.advance(10);
    }
    admin.publish("The last one").await;
}

#[tokio::test]
async fn event_streams_are_limited_and_end_at_shutdown() {
    let app = TestApp::start_with(|settings| {
        settings.max_event_streams = 2;
        settings.event_stream_lifetime = 3_600;
        settings.shutdown_timeout = 20;
    })
    .await;
    let http = reqwest::Client::new();
    let open = async || http.get(format!("{}/v1/events", app.url)).send().await.unwrap();
    let (first, second) = (open().await, open().await);
    assert_eq!((first.status(), second.status()), (reqwest::StatusCode::OK, reqwest::StatusCode::OK));
    let third = open().await;
    assert_eq!(third.status(), 503);
    assert!(third.headers().contains_key("retry-after"));
    drop(first);
    // The service notices a disconnected client when it writes: at the next event, or the next heartbeat.
    let admin = app.admin().await;
    let mut tries = 0;
    while open().await.status() == 503 {
        tries += 1;
        assert!(tries < 100, "the slot of a disconnected client is not released");
        admin.post("/v1/tags", json!({ "name": format!("Tag {tries}") })).await.expect(201);
    }
    let started = std::time::Instant::now();
    app.app.stop().await.unwrap();
    assert!(started.elapsed() < std::time::Duration::from_secs(10), "open streams delayed the shutdown");
}

/// A consumer can purge its caches by the tags of an entry, also after a rename.
#[tokio::test]
async fn an_entry_lists_the_cache_tags_that_it_invalidates() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let insight = admin.publish("Kept elsewhere").await;
    let before = app.anonymous().get("/v1/insights/kept-elsewhere").await;
    let since = before.header("content-sequence");
    admin.patch("/v1/categories/debugging", "*", json!({ "slug": "finding-bugs" })).await.expect(200);
    admin.patch("/v1/insights/kept-elsewhere", "*", json!({ "title": "New" })).await.expect(200);
    admin.act("/v1/insights/kept-elsewhere/publish", "*", json!({})).await.expect(200);
    let feed = app.anonymous().get(&format!("/v1/changes?since={since}")).await.expect(200);
    let dropped = feed.each("cache_tags");
    let held: Vec<String> = before.header("cache-tag").split(',').map(str::to_owned).collect();
    for entry in &dropped {
        assert!(held.iter().any(|tag| entry.as_array().unwrap().contains(&json!(tag))), "{entry} names nothing of {held:?}");
    }
    assert!(dropped[0].as_array().unwrap().contains(&json!("category:finding-bugs")));
    assert_eq!(dropped[1], json!(["insights", format!("insight:{}", insight.id())]));
}
