//! Public lists are read from summaries. A summary equals its revision, or it is ignored.

use insights::store::{integrity, summaries};
use sea_orm::ConnectionTrait as _;
use serde_json::json;

use crate::support::TestApp;

const LISTS: [&str; 7] = [
    "/v1/insights",
    "/v1/insights?locale=it-CH",
    "/v1/insights?locale=de&sort=title&limit=3",
    "/v1/insights?category=data-engineering&sort=-updated_at",
    "/v1/insights?tag=queues&fields=slug,tags,authors,seo,extra",
    "/v1/insights?sort=reading_minutes&min_minutes=2",
    "/v1/insights?limit=100&published_before=2030-01-01",
];

/// The samples, and one insight with every field of a revision. The response cache is off.
async fn app() -> TestApp {
    let app = TestApp::start_with(|settings| {
        settings.demo = true;
        settings.cache_bytes = 0;
    })
    .await;
    let editor = app.admin().await;
    for (path, name) in [("/v1/authors", "Ada \"A.\" Lovelace"), ("/v1/tags", "It\u{2019}s <new>, \\ done")] {
        let translations = json!({ "it": { "name": format!("{name} (it)") } });
        editor.post(path, json!({ "name": name, "slug": "of-the-test", "translations": translations })).await.expect(201);
    }
    let input = json!({
        "title": "Quotes \" and \\ and \u{1f980}, one % and one %s, \u{1f} and \u{1e}",
        "excerpt": "A line,\nand another [\"with\", null] \u{1e}\u{1f}\u{7f}",
        "body_markdown": "Text.",
        "category": "debugging",
        "tags": ["of-the-test", "queues"],
        "authors": ["of-the-test"],
        "reading_minutes": 7,
        "canonical_url": "https://example.org/a?b=1&c=%20",
        "seo": { "title": "T \"q\"", "description": null, "image_url": "https://example.org/i.png" },
        "extra": { "\u{1f}": "\u{1e}", "z": [1, 2.50, 1e30, -0.0, null, true], "a": { "nested": "\u{0007}\u{2028}" }, "": "" },
        "translations": { "it": { "title": "Titolo", "body_markdown": "Testo." } },
    });
    let made = editor.post("/v1/insights", input).await.expect(201);
    editor.act(&format!("/v1/insights/{}/publish", made.id()), &made.etag(), json!({})).await.expect(200);
    app
}

async fn answers(app: &TestApp) -> Vec<(String, String)> {
    let mut answers = Vec::new();
    for path in LISTS {
        let answer = app.anonymous().get(path).await.expect(200);
        answers.push((answer.header("etag"), answer.text()));
    }
    answers
}

#[tokio::test]
async fn a_list_is_the_same_with_and_without_summaries() {
    let app = app().await;
    let with = answers(&app).await;
    assert!(with[1].1.contains("Titolo") && with[1].1.contains("(it)"), "{}", with[1].1);
    // Of another revision; malformed; and none.
    for without in ["'9' || substr(live_summary, 2)", "'{}'", "NULL"] {
        app.store().writer().execute_unprepared(&format!("UPDATE insights SET live_summary = {without}")).await.unwrap();
        assert!(!integrity::faults(app.store()).await.unwrap().is_empty(), "{without} is not reported");
        let found = answers(&app).await;
        for (place, path) in LISTS.iter().enumerate() {
            assert_eq!(with[place], found[place], "{path}");
        }
        assert!(summaries::renew(app.store()).await.unwrap() > 0);
        assert_eq!(integrity::faults(app.store()).await.unwrap(), Vec::<String>::new());
        assert_eq!(with, answers(&app).await);
    }
}

#[tokio::test]
async fn an_upgrade_is_detected_by_the_newest_summary() {
    let app = app().await;
    let stale = async |which: &str| {
        let spoiled = format!("UPDATE insights SET live_summary = '[1,\"of another version\"]' WHERE live_revision IS NOT NULL{which}");
        app.store().writer().execute_unprepared(&spoiled).await.unwrap();
        summaries::renew_after_upgrade(app.store()).await.unwrap()
    };
    let (newest, oldest) = ("SELECT max(position_at) FROM insights", "SELECT min(position_at) FROM insights");
    assert_eq!(
        stale(&format!(" AND position_at = ({oldest}) AND position_at < ({newest})")).await,
        0,
        "only the newest summary is checked"
    );
    assert_eq!(stale("").await, 7);
    assert_eq!(integrity::faults(app.store()).await.unwrap(), Vec::<String>::new());
}
