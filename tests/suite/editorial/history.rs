//! Revisions: list, read, compare, restore; and the details of a 412.

use serde_json::{Value, json};

use crate::support::TestApp;

#[tokio::test]
async fn every_revision_stays_readable_and_can_be_restored() {
    let app = TestApp::with_terms().await;
    let (ada, _) = app.signed_in("ada@example.org", "editor").await;
    let created = ada.create("First").await;
    let path = format!("/v1/insights/{}", created.id());
    app.advance(1_000);
    let change = json!({ "title": "Second", "body_markdown": "One.\n\nTwo words changed.\n", "tags": ["rust"], "translations": { "it": { "title": "Secondo", "body_markdown": "Uno." } } });
    let second = ada.patch(&path, &created.etag(), change).await.expect(200);
    ada.act(&format!("{path}/publish"), &second.etag(), json!({ "revision": 1 })).await.expect(200);
    let list = ada.get(&format!("{path}/revisions")).await.expect(200);
    assert_eq!(list.header("cache-control"), "private, no-store");
    let list = list.json()["data"].clone();
    assert_eq!((&list[0]["number"], &list[1]["number"]), (&json!(2), &json!(1)));
    assert_eq!((&list[0]["is_newest"], &list[0]["is_live"]), (&json!(true), &json!(false)));
    assert_eq!((&list[1]["is_newest"], &list[1]["is_live"]), (&json!(false), &json!(true)));
    assert_eq!(list[0]["made_by"]["name"], "ada@example.org");
    assert!(list[0]["made_by"]["user_id"].is_string());
    assert_eq!(list[0]["origin"], "api");
    assert_eq!(list[0]["created_at"], "2026-11-23T12:00:01Z");
    assert_eq!(list[0]["locales"], json!(["en", "it"]));
    let first_page = ada.get(&format!("{path}/revisions?limit=1")).await.expect(200).json();
    let next = format!("{path}/revisions?limit=1&cursor={}", first_page["page"]["next_cursor"].as_str().unwrap());
    assert_eq!(ada.get(&next).await.expect(200).json()["data"][0]["number"], 1);
    let first = ada.get(&format!("{path}/revisions/1")).await.expect(200).json();
    assert_eq!(first["content"]["title"], "First");
    assert_eq!(first["content"]["body_markdown"], "The body of First.");
    ada.get(&format!("{path}/revisions/3")).await.problem(404, "not-found");
    ada.get(&format!("{path}/revisions/x")).await.problem(404, "not-found");
    // Restoring appends a revision; the live one stays.
    let state = ada.get(&path).await.expect(200).etag();
    ada.act(&format!("{path}/revisions/1/restore"), "\"r1.1-x\"", json!({})).await.problem(412, "stale-revision");
    let restored = ada.act(&format!("{path}/revisions/1/restore"), &state, json!({})).await.expect(200);
    assert_eq!((restored.json()["title"].clone(), restored.json()["revision"].clone()), (json!("First"), json!(3)));
    let newest = ada.get(&format!("{path}/revisions/3")).await.expect(200).json();
    assert_eq!((&newest["origin"], &newest["restored_from"]), (&json!("restore"), &json!(1)));
    assert_eq!(newest["content"], ada.get(&format!("{path}/revisions/1")).await.json()["content"]);
    app.anonymous().get(&format!("{path}/revisions")).await.problem(401, "unauthenticated");
    let (author, _) = app.signed_in("author@example.org", "author").await;
    author.get(&format!("{path}/revisions")).await.problem(403, "insufficient-scope");
    let hidden = ada.create("Hidden").await;
    author.get(&format!("/v1/insights/{}/revisions", hidden.id())).await.problem(404, "not-found");
}

#[tokio::test]
async fn two_revisions_are_compared_field_by_field() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let created = admin.create("First").await;
    let path = format!("/v1/insights/{}", created.id());
    let change = json!({ "title": "Second", "body_markdown": "The body of Second.", "tags": ["rust"], "extra": { "k": 1 }, "translations": { "it": { "title": "Secondo", "body_markdown": "Uno." } } });
    admin.patch(&path, &created.etag(), change).await.expect(200);
    let diff = admin.get(&format!("{path}/revisions/2/diff")).await.expect(200).json();
    assert_eq!((&diff["from"], &diff["to"]), (&json!(1), &json!(2)));
    let of = |pointer: &str| -> Value {
        diff["changes"]
            .as_array()
            .unwrap()
            .iter()
            .find(|change| change["pointer"] == pointer)
            .unwrap_or_else(|| panic!("{pointer} in {diff}"))
            .clone()
    };
    assert_eq!((&of("/title")["before"], &of("/title")["after"]), (&json!("First"), &json!("Second")));
    assert_eq!(of("/tags")["after"], json!(["rust"]));
    assert_eq!(of("/extra/k")["after"], 1);
    assert_eq!(of("/translations/it")["after"]["title"], "Secondo");
    let body = of("/body_markdown")["text"].clone();
    assert!(body["unified"].as_str().unwrap().contains("-The body of First."), "{body}");
    let parts = body["hunks"][0]["parts"].as_array().unwrap().clone();
    let joined = |op: &str| -> String {
        parts.iter().filter(|part| part["op"] == "equal" || part["op"] == op).map(|part| part["text"].as_str().unwrap()).collect()
    };
    assert_eq!((joined("delete").as_str(), joined("insert").as_str()), ("The body of First.", "The body of Second."));
    let back = admin.get(&format!("{path}/revisions/1/diff?against=2")).await.expect(200).json();
    assert_eq!(back["changes"][0]["before"], "Second");
    assert_eq!(admin.get(&format!("{path}/revisions/1/diff")).await.expect(200).json()["changes"], json!([]));
    admin.get(&format!("{path}/revisions/2/diff?against=9")).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_stale_write_gets_the_changes_and_a_merged_candidate() {
    let app = TestApp::with_terms().await;
    let (ada, _) = app.signed_in("ada@example.org", "editor").await;
    let (grace, _) = app.signed_in("grace@example.org", "editor").await;
    let body = "# Title\n\nFirst paragraph.\n\nSecond paragraph.\n\nThird paragraph.\n";
    let created = ada.post("/v1/insights", json!({ "title": "T", "body_markdown": body, "category": "debugging" })).await.expect(201);
    let path = format!("/v1/insights/{}", created.id());
    let theirs = json!({ "body_markdown": body.replace("First", "Her first"), "tags": ["rust"] });
    grace.patch(&path, &created.etag(), theirs).await.expect(200);
    let mine = json!({ "body_markdown": body.replace("Third", "My third"), "title": "Mine" });
    let late = ada.patch(&path, &created.etag(), mine).await.problem(412, "stale-revision");
    assert_eq!(late["changed_fields"], json!(["body_markdown", "tags"]));
    assert_eq!(late["changed_by"][0]["made_by"]["name"], "grace@example.org");
    assert_eq!(late["changed_by"][0]["revision"], 2);
    assert_eq!(late["merge"]["clean"], true, "{late}");
    let candidate = late["merge"]["candidate"].clone();
    assert_eq!(candidate["body_markdown"], body.replace("First", "Her first").replace("Third", "My third"));
    assert_eq!((&candidate["title"], &candidate["tags"]), (&json!("Mine"), &json!(["rust"])));
    // The candidate is a valid input, and current_etag the precondition for it.
    let merged = ada.put(&path, late["current_etag"].as_str().unwrap(), candidate).await.expect(200);
    assert_eq!(merged.json()["title"], "Mine");
    let clash = json!({ "title": "T", "body_markdown": body.replace("First", "His first"), "category": "debugging" });
    let late = ada.put(&path, &created.etag(), clash).await.problem(412, "stale-revision");
    assert_eq!(late["merge"]["clean"], false);
    let text = late["merge"]["candidate"]["body_markdown"].as_str().unwrap();
    for part in ["Her first", "His first", "<<<<<<<", "=======", ">>>>>>>", "My third"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(late["merge"]["conflicts"].as_array().unwrap().iter().any(|conflict| conflict["pointer"] == "/body_markdown"));
    // A later publication is listed too.
    let before = ada.get(&path).await.expect(200).etag();
    grace.act(&format!("{path}/publish"), "*", json!({})).await.expect(200);
    let late = ada.patch(&path, &before, json!({ "title": "Late" })).await.problem(412, "stale-revision");
    assert_eq!(late["changed_fields"], json!(["status"]));
    assert_eq!(
        (&late["changed_by"][0]["action"], &late["changed_by"][0]["made_by"]["name"]),
        (&json!("published"), &json!("grace@example.org"))
    );
    // An omitted slug is not a conflict.
    let late = ada
        .put(&path, &created.etag(), json!({ "title": "T", "body_markdown": body, "category": "debugging" }))
        .await
        .problem(412, "stale-revision");
    assert_eq!(late["merge"]["candidate"]["slug"], "t");
    // A stale publication has no text to merge.
    let late = ada.act(&format!("{path}/publish"), &created.etag(), json!({})).await.problem(412, "stale-revision");
    assert!(late.get("merge").is_none() && late["changed_by"].as_array().unwrap().len() == 3);
}

/// Deleted tags, and a slug that another insight has now, are not restored.
#[tokio::test]
async fn a_restored_revision_leaves_out_stale_references() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    admin.post("/v1/tags", json!({ "name": "Short lived" })).await.expect(201);
    let input =
        json!({ "slug": "first-slug", "title": "T", "body_markdown": "Old.", "category": "debugging", "tags": ["rust", "short-lived"] });
    let created = admin.post("/v1/insights", input).await.expect(201);
    let path = format!("/v1/insights/{}", created.id());
    admin.patch(&path, "*", json!({ "slug": "second-slug", "tags": null, "body_markdown": "New." })).await.expect(200);
    admin.send("DELETE", "/v1/tags/short-lived", None, &[]).await.expect(204);
    admin
        .post("/v1/insights", json!({ "slug": "first-slug", "title": "Other", "body_markdown": "B", "category": "debugging" }))
        .await
        .expect(201);
    let restored = admin.act(&format!("{path}/revisions/1/restore"), "*", json!({})).await.expect(200).json();
    assert_eq!((&restored["slug"], &restored["body"]["markdown"]), (&json!("second-slug"), &json!("Old.")));
    assert_eq!(restored["tags"].as_array().unwrap().len(), 1);
    let old = admin.get(&format!("{path}/revisions/1")).await.expect(200).json();
    assert_eq!(old["content"]["tags"], json!(["rust", "short-lived"]));
    for odd in ["-9223372036854775808", "+1", "01", "0", "99999999999"] {
        admin.get(&format!("{path}/revisions/{odd}/diff")).await.problem(404, "not-found");
    }
}

/// A slug that was public redirects permanently, can be resolved, and can be claimed again.
#[tokio::test]
async fn an_archived_slug_redirects_and_is_released_when_its_holder_is_purged() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let live = admin.publish("Old name").await;
    let path = format!("/v1/insights/{}", live.id());
    let patched = admin.patch(&path, "*", json!({ "slug": "new-name" })).await.expect(200);
    admin.act(&format!("{path}/publish"), &patched.etag(), json!({})).await.expect(200);
    let anonymous = app.anonymous();
    let pointer = anonymous.get("/v1/insights/old-name?resolve=false").await.expect(200);
    assert_eq!(pointer.header("content-type"), "application/vnd.insights.pointer+json");
    let pointer = pointer.json();
    assert_eq!((&pointer["slug"], &pointer["current_slug"], &pointer["id"]), (&json!("old-name"), &json!("new-name"), &json!(live.id())));
    assert_eq!(pointer["url"], format!("{}/v1/insights/new-name", app.url));
    assert_eq!(anonymous.get("/v1/insights/new-name?resolve=false").await.expect(200).json()["slug"], "new-name");
    // A derived slug never claims it. An explicit one does, and redirects stay until it is published.
    assert_eq!(admin.create("Old name").await.slug(), "old-name-2");
    let claimant = admin
        .post("/v1/insights", json!({ "slug": "old-name", "title": "T", "body_markdown": "B", "category": "debugging" }))
        .await
        .expect(201);
    assert_eq!(anonymous.get("/v1/insights/old-name?resolve=false").await.expect(200).json()["current_slug"], "new-name");
    admin.delete(&format!("/v1/insights/{}?permanent=true", claimant.id()), "*").await.expect(204);
    let back = admin.patch(&path, "*", json!({ "slug": "old-name" })).await.expect(200);
    admin.act(&format!("{path}/publish"), &back.etag(), json!({})).await.expect(200);
    assert_eq!(anonymous.get("/v1/insights/old-name").await.expect(200).id(), live.id());
    assert_eq!(anonymous.get("/v1/insights/new-name?resolve=false").await.expect(200).json()["current_slug"], "old-name");
}
