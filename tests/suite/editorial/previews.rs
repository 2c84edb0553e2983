//! Preview tokens: one revision of one insight until they expire; never cached, never indexed.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn a_preview_token_shows_its_revision_and_nothing_else() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let created = admin.create("Unseen").await;
    let other = admin.publish("Other").await;
    let path = format!("/v1/insights/{}", created.id());
    let made = admin.post(&format!("{path}/preview-tokens"), json!({ "expires_in": 3600 })).await.expect(201);
    assert_eq!(made.header("location"), format!("{path}/preview-tokens/{}", made.id()));
    let made = made.json();
    assert_eq!((&made["revision"], &made["expires_at"]), (&json!(1), &json!("2026-11-23T13:00:00Z")));
    let (token, url) = (made["token"].as_str().unwrap(), made["url"].as_str().unwrap());
    let shown = app.anonymous().get(url.strip_prefix(&app.url).unwrap()).await.expect(200);
    assert_eq!((shown.json()["title"].clone(), shown.json()["status"].clone()), (json!("Unseen"), json!("draft")));
    assert_eq!(shown.header("cache-control"), "private, no-store");
    assert_eq!(shown.header("x-robots-tag"), "noindex, nofollow, noarchive");
    assert_eq!(shown.header("referrer-policy"), "no-referrer");
    assert!(shown.header("cache-tag").is_empty());
    // By slug, as HTML.
    let html = app.anonymous().get(&format!("/v1/insights/unseen.html?preview={token}")).await.expect(200);
    assert_eq!(html.header("content-type"), "text/html; charset=utf-8");
    // A later revision is not shown.
    admin.patch(&path, "*", json!({ "title": "Later" })).await.expect(200);
    assert_eq!(app.anonymous().get(&format!("{path}?preview={token}")).await.expect(200).json()["title"], "Unseen");
    // The token does not work for another insight, and an invalid token does not even show what is public.
    for wrong in [
        format!("/v1/insights/{}?preview={token}", other.id()),
        format!("{path}?preview=insp_{}", "0".repeat(56)),
        format!("/v1/insights/other?preview={token}"),
        path.clone(),
    ] {
        app.anonymous().get(&wrong).await.problem(404, "not-found");
    }
    app.anonymous().get(&format!("/v1/insights?preview={token}")).await.problem(400, "unknown-parameter");
    let feed = app.anonymous().get("/v1/changes?since=0").await.expect(200).text();
    assert!(!feed.contains(&created.id()));
    let list = admin.get(&format!("{path}/preview-tokens")).await.expect(200);
    assert!(!list.text().contains(token) && list.json()["data"][0]["id"] == made["id"]);
    app.anonymous().get(&format!("{path}/preview-tokens")).await.problem(401, "unauthenticated");
    admin.delete(&format!("{path}/preview-tokens/{}", made["id"].as_str().unwrap()), "*").await.expect(204);
    app.anonymous().get(&format!("{path}?preview={token}")).await.problem(404, "not-found");
    admin.delete(&format!("{path}/preview-tokens/{}", made["id"].as_str().unwrap()), "*").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_preview_token_expires_and_is_revoked_with_its_creator() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let created = admin.create("Unseen").await;
    let path = format!("/v1/insights/{}", created.id());
    let token = |made: crate::support::Answer| made.json()["token"].as_str().unwrap().to_owned();
    let soon = token(
        admin.post(&format!("{path}/preview-tokens"), json!({ "expires_at": "2026-11-23T12:00:01Z", "revision": 1 })).await.expect(201),
    );
    app.advance(999);
    app.anonymous().get(&format!("{path}?preview={soon}")).await.expect(200);
    app.advance(1);
    app.anonymous().get(&format!("{path}?preview={soon}")).await.problem(404, "not-found");
    let day = token(admin.post(&format!("{path}/preview-tokens"), json!({})).await.expect(201));
    admin.delete(&path, "*").await.expect(204);
    app.anonymous().get(&format!("{path}?preview={day}")).await.problem(404, "not-found");
    admin.act(&format!("{path}/restore"), "*", json!({})).await.expect(200);
    app.anonymous().get(&format!("{path}?preview={day}")).await.expect(200);
    admin.delete(&format!("{path}?permanent=true"), "*").await.expect(204);
    app.anonymous().get(&format!("{path}?preview={day}")).await.problem(404, "not-found");
    let other = admin.create("Another").await;
    let path = format!("/v1/insights/{}/preview-tokens", other.id());
    for wrong in [
        json!({ "revision": 2 }),
        json!({ "expires_in": 5 }),
        json!({ "expires_at": "2020-01-01T00:00:00Z" }),
        json!({ "expires_at": "2027-01-01T00:00:00Z" }),
        json!({ "expires_in": 60, "expires_at": "2026-11-24T00:00:00Z" }),
    ] {
        admin.post(&path, wrong).await.problem(422, "validation-failed");
    }
    insights::app::run_maintenance(app.store(), app.now()).await;
    // It is revoked when its creator is disabled.
    let (ada, _) = app.signed_in("ada@example.org", "editor").await;
    let made = ada.post(&path, json!({})).await.expect(201).json();
    let shown = made["url"].as_str().unwrap().strip_prefix(&app.url).unwrap();
    app.anonymous().get(shown).await.expect(200);
    let users = admin.get("/v1/users").await.expect(200).json();
    let ada = users["data"].as_array().unwrap().iter().find(|user| user["email"] == "ada@example.org").unwrap()["id"].clone();
    admin.patch(&format!("/v1/users/{}", ada.as_str().unwrap()), "*", json!({ "disabled": true })).await.expect(200);
    app.anonymous().get(shown).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_preview_of_an_old_revision_shows_deleted_terms() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let mut input = crate::support::app::draft("Tagged");
    input["tags"] = json!(["ops"]);
    admin.post("/v1/insights", input).await.expect(201);
    let mut other = crate::support::app::draft("Similar words in the body");
    other["slug"] = json!("similar");
    admin.post("/v1/insights", other).await.expect(201);
    admin.act("/v1/insights/similar/publish", "*", json!({})).await.expect(200);
    admin.patch("/v1/insights/tagged", "*", json!({ "tags": [] })).await.expect(200);
    admin.send("DELETE", "/v1/tags/ops", None, &[]).await.expect(204);
    let made = admin.post("/v1/insights/tagged/preview-tokens", json!({ "revision": 1 })).await.expect(201).json();
    let token = made["token"].as_str().unwrap();
    let shown = app.anonymous().get(&format!("/v1/insights/tagged?include=related&preview={token}")).await.expect(200).json();
    assert_eq!(shown["tags"], json!([{ "slug": "ops", "name": "Ops" }]));
    assert!(shown["related"].is_array());
    let markdown = app.anonymous().get(&format!("/v1/insights/tagged.md?preview={token}")).await.expect(200).text();
    assert!(markdown.contains("tags: [\"ops\"]"), "{markdown}");
}
