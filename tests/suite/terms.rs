//! Categories, tags and authors.

use serde_json::json;

use crate::support::TestApp;
use crate::support::client::pointers;

#[tokio::test]
async fn each_kind_of_term_has_six_operations() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for kind in ["categories", "tags", "authors"] {
        let path = format!("/v1/{kind}");
        let created =
            admin.post(&path, json!({ "name": "Data & Köpfe", "translations": { "de-at": { "name": "Daten" } } })).await.expect(201);
        assert_eq!(created.slug(), "data-kopfe");
        assert_eq!(created.header("location"), format!("{path}/data-kopfe"));
        assert_eq!(admin.post(&path, json!({ "name": "Data & Köpfe" })).await.expect(201).slug(), "data-kopfe-2");
        let problem = admin.post(&path, json!({ "name": "x", "slug": "data-kopfe" })).await.problem(409, "slug-taken");
        assert_eq!(problem["suggestions"][0], "data-kopfe-3");
        let item = format!("{path}/data-kopfe");
        let public = app.anonymous().get(&item).await.expect(200);
        assert_eq!(public.etag(), created.etag(), "the validator depends on the token");
        assert!(public.json().get("translations").is_none());
        assert_eq!(admin.get(&item).await.json()["translations"]["de-AT"]["name"], "Daten");
        assert_eq!(app.anonymous().get(&format!("{item}?locale=de-AT")).await.json()["name"], "Daten");
        let patched = admin.patch(&item, &created.etag(), json!({ "description": "Why not" })).await.expect(200);
        admin.patch(&item, &created.etag(), json!({ "description": "Late" })).await.problem(412, "stale-revision");
        let renamed = admin.put(&item, &patched.etag(), json!({ "name": "Renamed", "slug": "renamed" })).await.expect(200).json();
        assert_eq!((renamed["slug"].as_str(), renamed["description"].as_str()), (Some("renamed"), Some("")));
        app.anonymous().get(&item).await.problem(404, "not-found");
        admin.send("DELETE", &format!("{path}/renamed"), None, &[]).await.expect(204);
        admin.send("DELETE", &format!("{path}/renamed"), None, &[]).await.problem(404, "not-found");
        assert_eq!(app.anonymous().get(&path).await.each("slug"), ["data-kopfe-2"]);
        let problem = admin.post(&path, json!({ "name": " ", "slug": "A", "color": 1 })).await.problem(422, "validation-failed");
        assert_eq!(pointers(&problem), ["/slug", "/name", "/color"]);
    }
}

#[tokio::test]
async fn a_term_in_use_cannot_be_deleted() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let input = json!({ "title": "T", "body_markdown": "B", "category": "debugging", "tags": ["rust"], "authors": ["ada"] });
    let insight = admin.post("/v1/insights", input).await.expect(201);
    for path in ["/v1/categories/debugging", "/v1/tags/rust", "/v1/authors/ada"] {
        let problem = admin.send("DELETE", path, None, &[]).await.problem(409, "in-use");
        assert_eq!(problem["uses"], 1);
    }
    let path = format!("/v1/insights/{}", insight.id());
    admin.patch(&path, "*", json!({ "category": "infrastructure", "tags": [], "authors": null })).await.expect(200);
    for path in ["/v1/categories/debugging", "/v1/tags/rust", "/v1/authors/ada"] {
        admin.send("DELETE", path, None, &[]).await.expect(204);
    }
    let problem = admin.act(&format!("{path}/publish"), "*", json!({ "revision": 1 })).await.problem(422, "validation-failed");
    assert_eq!(pointers(&problem), ["/revision"], "a revision whose category is gone cannot be published");
    admin.post("/v1/categories", json!({ "name": "Debugging" })).await.expect(201);
}

#[tokio::test]
async fn term_lists_are_paged_and_counted() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    admin.publish("Counted").await;
    admin.create("Not counted").await;
    let first = app.anonymous().get("/v1/categories?limit=3").await.expect(200);
    assert_eq!(first.each("slug"), ["debugging", "infrastructure", "data-engineering"]);
    assert_eq!(first.each("insight_count"), [1, 0, 0]);
    let next = first.json()["page"]["next_cursor"].as_str().unwrap().to_owned();
    let second = app.anonymous().get(&format!("/v1/categories?limit=3&cursor={next}")).await.expect(200);
    assert_eq!(second.each("slug"), ["distributed-systems"]);
    let back = second.json()["page"]["prev_cursor"].as_str().unwrap().to_owned();
    assert_eq!(app.anonymous().get(&format!("/v1/categories?limit=3&cursor={back}")).await.each("slug"), first.each("slug"));
    app.anonymous().get(&format!("/v1/tags?cursor={next}")).await.problem(400, "invalid-cursor");
    let etag = first.etag();
    app.anonymous().get_with("/v1/categories?limit=3", &[("if-none-match", &etag)]).await.expect(304);
}

#[tokio::test]
async fn insights_show_the_new_name_of_a_term_at_once() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let before = admin.publish("Renaming").await;
    app.advance(2_000);
    admin.patch("/v1/categories/debugging", "*", json!({ "name": "Finding bugs" })).await.expect(200);
    let after = app.anonymous().get("/v1/insights/renaming").await;
    assert_eq!(after.json()["category"]["name"], "Finding bugs");
    assert_ne!(after.etag(), before.etag(), "other bytes under one validator");
    let since = before.header("last-modified");
    app.anonymous().get_with("/v1/insights/renaming", &[("if-modified-since", &since)]).await.expect(200);
    admin.patch("/v1/insights/renaming", &before.etag(), json!({ "title": "x" })).await.expect(200);
}

#[tokio::test]
async fn a_slug_similar_to_a_deleted_one_does_not_conflict() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let id = app.anonymous().get("/v1/tags/ops").await.id();
    for slug in [format!("deleted-{id}"), "deleted".to_owned()] {
        admin.post("/v1/tags", json!({ "name": "x", "slug": slug })).await.expect(201);
    }
    admin.send("DELETE", "/v1/tags/ops", None, &[]).await.expect(204);
    admin.post("/v1/tags", json!({ "name": "x", "slug": id })).await.problem(422, "validation-failed");
}

#[tokio::test]
async fn a_failed_precondition_stops_a_write() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let json = || Some(("application/json", json!({ "slug": "debugging", "name": "Overwritten" }).to_string()));
    let none = [("if-none-match", "*")];
    admin.send("PUT", "/v1/categories/debugging", json(), &none).await.problem(412, "stale-revision");
    admin.send("DELETE", "/v1/tags/ops", None, &none).await.problem(412, "stale-revision");
    let dated = [("if-unmodified-since", "Thu, 01 Jan 2026 00:00:00 GMT")];
    admin.send("PUT", "/v1/categories/debugging", json(), &dated).await.problem(428, "precondition-required");
    assert_eq!(app.anonymous().get("/v1/categories/debugging").await.json()["name"], "Debugging");
}
