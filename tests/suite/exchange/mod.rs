//! Imports and exports.

mod authority;
mod crash;
mod folders;
mod imports;
mod locales;
mod round_trip;

use std::path::Path;

use serde_json::{Value, json};

use crate::cli::{insights, said};
use crate::support::{Answer, Client, TestApp};

/// Sends lines and waits until the import is finished.
pub(crate) async fn import(client: &Client, query: &str, lines: &[Value]) -> Value {
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    let sent = send(client, query, text.join("\n")).await.expect(202);
    finished(client, &sent.id()).await
}

pub(crate) async fn send(client: &Client, query: &str, body: String) -> Answer {
    client.send("POST", &format!("/v1/imports{query}"), Some(("application/x-ndjson", body)), &[]).await
}

pub(crate) async fn finished(client: &Client, id: &str) -> Value {
    loop {
        let import = client.get(&format!("/v1/imports/{id}")).await.expect(200).json();
        if !import["finished_at"].is_null() {
            return import;
        }
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn items(client: &Client, id: &Value, query: &str) -> Vec<Value> {
    let path = format!("/v1/imports/{}/items?limit=100{query}", id.as_str().unwrap());
    client.get(&path).await.expect(200).json()["data"].as_array().unwrap().clone()
}

/// Runs the binary on a database; returns its output.
fn run(folder: &Path, url: &str, arguments: &[&str]) -> String {
    let output = insights(folder, url).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    said(&output)
}

fn line(slug: &str) -> Value {
    json!({ "slug": slug, "title": format!("Title of {slug}"), "body_markdown": format!("Words of {slug}."), "category": "debugging" })
}

/// Creates insights of every kind that an export has to handle.
async fn create_every_kind(app: &TestApp) -> Client {
    let admin = app.admin().await;
    admin
        .put("/v1/site", "*", json!({ "name": "N", "title": "T", "default_locale": "en", "locales": ["en", "de", "it"] }))
        .await
        .expect(200);
    admin
        .patch("/v1/tags/rust", "*", json!({ "name": "Rust: \"the\" language", "description": "Line one\nline two\n", "translations": { "de": { "name": "Rost", "description": "D" } } }))
        .await
        .expect(200);
    admin.post("/v1/tags", json!({ "name": "Unused", "slug": "2024-01-05-launch" })).await.expect(201);
    let odd = "a \u{85} b \u{2028} c \\ d \"e\" 'f' # g: h - {i} [j] \u{1F600} \u{feff}x\u{7f}";
    let inputs = [
        json!({ "title": "Plain", "body_markdown": "One.", "category": "debugging" }),
        json!({ "title": odd, "excerpt": odd, "body_markdown": format!("---\n\n{odd}\r\nno end"), "category": "infrastructure", "tags": ["rust", "sql"],
            "authors": ["grace", "ada"], "reading_minutes": 7, "canonical_url": "https://example.org/a?b=c#d", "seo": { "title": odd, "image_url": "https://example.org/i.png" },
            "extra": { "nested": { "list": [1, 2.5, -3e300, true, null, "x"], "": {} }, "key: odd": odd },
            "translations": { "de": { "title": "Titel", "body_markdown": "\n\nText\n" }, "it-CH": { "title": "Titolo", "excerpt": "E", "body_markdown": "Testo" } } }),
        json!({ "title": "Scheduled", "body_markdown": "Later.\n", "category": "debugging" }),
        json!({ "title": "Over", "body_markdown": "Was.\n", "category": "debugging" }),
        json!({ "title": "Only drafted", "body_markdown": "Draft.\n", "category": "debugging", "tags": ["ops"] }),
        json!({ "title": "Two versions", "body_markdown": "Live.\n", "category": "debugging" }),
        json!({ "title": "Renamed", "slug": "old-name", "body_markdown": "Body.\n", "category": "debugging" }),
        // It claims the old slug of the one before; until it is published, the slug redirects to that one.
        json!({ "title": "Successor", "slug": "old-name", "body_markdown": "Body.\n", "category": "debugging" }),
    ];
    let publications = [
        Some(json!({ "publish_at": "2026-04-18T09:00:00.123Z" })),
        Some(json!({ "unpublish_at": "2030-01-01T00:00:00Z" })),
        Some(json!({ "publish_at": "2027-01-01T00:00:00Z" })),
        Some(json!({ "publish_at": "2019-01-01T00:00:00Z", "unpublish_at": "2020-01-01T00:00:00Z" })),
        None,
        Some(json!({})),
        Some(json!({})),
        Some(json!({ "publish_at": "2027-01-01T00:00:00Z" })),
    ];
    for (input, publication) in inputs.into_iter().zip(publications) {
        let path = format!("/v1/insights/{}", admin.post("/v1/insights", input.clone()).await.expect(201).id());
        if let Some(publication) = publication {
            admin.act(&format!("{path}/publish"), "*", publication).await.expect(200);
        }
        match input["title"].as_str().unwrap() {
            "Two versions" => {
                let newer = json!({ "title": "Two versions, newer", "body_markdown": "Newer.\n", "translations": { "de": { "title": "Neuer", "body_markdown": "Neu." } } });
                admin.patch(&path, "*", newer).await.expect(200);
            }
            "Renamed" => {
                admin.patch(&path, "*", json!({ "slug": "new-name" })).await.expect(200);
                admin.act(&format!("{path}/publish"), "*", json!({})).await.expect(200);
            }
            _ => {}
        }
    }
    let trashed = admin.create("In the trash").await;
    admin.delete(&format!("/v1/insights/{}", trashed.id()), "*").await.expect(204);
    admin
}
