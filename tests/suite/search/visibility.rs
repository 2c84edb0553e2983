//! Invisible texts influence no result, and visibility follows the clock without an event.

use serde_json::json;

use super::{search, titles};
use crate::support::TestApp;

#[tokio::test]
async fn search_follows_a_schedule_to_the_millisecond() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let created = admin.create("Scheduled appearance").await;
    let input = json!({ "publish_at": "2026-11-23T12:01:00Z", "unpublish_at": "2026-11-23T12:02:00Z" });
    admin.act(&format!("/v1/insights/{}/publish", created.id()), "*", input).await.expect(200);
    let anyone = app.anonymous();
    let is_found = async || !titles(&search(&anyone, "q=appearance").await).is_empty();
    let suggestions = async || anyone.get("/v1/search/suggestions?q=sched").await.json()["data"].as_array().unwrap().len();
    for (millis, visible) in [(0, false), (59_999, false), (1, true), (59_999, true), (1, false)] {
        app.advance(millis);
        assert_eq!(is_found().await, visible, "after {millis} ms more");
        assert_eq!(suggestions().await, usize::from(visible));
    }
}

/// The same visible content gives the same scores, whatever was published before, is scheduled, or was never published.
#[tokio::test]
async fn statistics_include_visible_texts_only() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    for number in 0..5 {
        let input = json!({ "title": format!("Story {number}"), "body_markdown": "the herd met a wall of locks", "category": "debugging" });
        let created = admin.post("/v1/insights", input).await.expect(201);
        admin.act(&format!("/v1/insights/{}/publish", created.id()), "*", json!({})).await.expect(200);
    }
    let anyone = app.anonymous();
    let queries = ["q=herd+wall", "q=hrd", "q=loc", "q=wal", "q=story", "q=herdes%20"];
    let answers = async || {
        let mut list = Vec::new();
        for query in queries {
            let mut answer = search(&anyone, query).await.json();
            answer["meta"]["took_ms"] = json!(0);
            answer["meta"]["sequence"] = json!(0);
            list.push(answer);
        }
        list
    };
    let before = answers().await;
    let mut ids = Vec::new();
    for number in 0..12 {
        let body = "herd herd wall hrd story ".repeat(20);
        let input = json!({ "title": format!("Herdes {number}"), "body_markdown": body, "category": "debugging" });
        let created = admin.post("/v1/insights", input).await.expect(201);
        let body = if number % 3 == 0 { json!({ "publish_at": "2027-01-01T00:00:00Z" }) } else { json!({}) };
        admin.act(&format!("/v1/insights/{}/publish", created.id()), "*", body).await.expect(200);
        ids.push(created.id());
    }
    assert_ne!(before, answers().await);
    for (number, id) in ids.iter().enumerate().filter(|(number, _)| number % 3 != 0) {
        let path = format!("/v1/insights/{id}");
        if number % 3 == 1 {
            admin.delete(&path, "*").await.expect(204);
        } else {
            admin.act(&format!("{path}/unpublish"), "*", json!({})).await.expect(200);
        }
    }
    assert_eq!(before, answers().await);
    // A rebuilt index, in one segment, gives the same scores.
    let app = app.restart_without_index().await;
    let anyone = app.anonymous();
    for (query, before) in queries.into_iter().zip(before) {
        let mut answer = search(&anyone, query).await.json();
        answer["meta"]["took_ms"] = json!(0);
        answer["meta"]["sequence"] = json!(0);
        assert_eq!(before, answer, "{query}");
    }
}

/// Words of invisible texts do not count towards the limits of completions and corrections.
#[tokio::test]
async fn words_of_invisible_texts_do_not_crowd_out_visible_ones() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let input = json!({ "title": "Visible", "body_markdown": "There is zqzebu here.", "category": "debugging" });
    let created = admin.post("/v1/insights", input).await.expect(201);
    admin.act(&format!("/v1/insights/{}/publish", created.id()), "*", json!({})).await.expect(200);
    let crowd: String =
        (0..60).flat_map(|number| ['z', 'q', char::from(b'a' + number / 10), char::from(b'a' + number % 10), 'x', ' ']).collect();
    for number in 0..2 {
        let title: String = format!("Crowd {number} {crowd}").chars().take(190).collect();
        let input = json!({ "title": title, "body_markdown": crowd, "category": "debugging" });
        let created = admin.post("/v1/insights", input).await.expect(201);
        admin
            .act(&format!("/v1/insights/{}/publish", created.id()), "*", json!({ "publish_at": "2030-01-01T00:00:00Z" }))
            .await
            .expect(200);
    }
    let anyone = app.anonymous();
    for query in ["q=zq", "q=zqz", "q=zqzbeu"] {
        assert_eq!(titles(&search(&anyone, query).await), ["Visible"], "{query}");
    }
}
