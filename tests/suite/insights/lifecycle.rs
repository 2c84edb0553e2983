use serde_json::json;

use crate::support::TestApp;
use crate::support::client::pointers;

#[tokio::test]
async fn a_schedule_takes_effect_to_the_millisecond_despite_caches() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let created = admin.create("On time").await;
    let (begin, end) = ("2026-11-23T12:10:00Z", "2026-11-23T12:20:00Z");
    let scheduled = json!({ "publish_at": begin, "unpublish_at": end });
    let response = admin.act(&format!("/v1/insights/{}/publish", created.id()), &created.etag(), scheduled).await.expect(200);
    assert_eq!(response.json()["status"], "scheduled");
    let seconds = |header: &str, name: &str| -> i64 {
        header.split(", ").find_map(|part| part.strip_prefix(&format!("{name}="))).unwrap().parse().unwrap()
    };
    for (advance, visible, left) in [(0, false, 600), (599_999, false, 0), (1, true, 600), (599_999, true, 0), (1, false, i64::MAX)] {
        app.advance(advance);
        let detail = app.anonymous().get("/v1/insights/on-time").await;
        assert_eq!(detail.status, if visible { 200 } else { 404 }, "at {}", app.now().rfc3339());
        let list = app.anonymous().get("/v1/insights?count=exact").await.expect(200);
        assert_eq!(list.json()["meta"]["total"], i32::from(visible));
        assert_eq!(list.titles().len(), usize::from(visible));
        assert_eq!(app.anonymous().get("/v1/site").await.json()["stats"]["insights"], i32::from(visible));
        assert_eq!(app.anonymous().get("/v1/categories/debugging").await.json()["insight_count"], i32::from(visible));
        let policy = list.header("cache-control");
        for parts in [&["max-age"][..], &["s-maxage", "stale-while-revalidate"], &["s-maxage", "stale-if-error"]] {
            let lifetime: i64 = parts.iter().map(|part| seconds(&policy, part)).sum();
            assert!(lifetime <= left, "{policy} reaches beyond the next transition, {left} s away");
        }
    }
    assert_eq!(admin.get("/v1/insights?status=expired").await.titles(), ["On time"]);
}

#[tokio::test]
async fn publishing_moves_the_pointer_and_preserves_the_date() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let first = admin.publish("Dated").await;
    let path = format!("/v1/insights/{}", first.id());
    let at = first.json()["published_at"].clone();
    assert_eq!(at, "2026-11-23T12:00:00Z");
    app.advance(3_600_000);
    let revised = admin.patch(&path, &first.etag(), json!({ "title": "Dated, revised" })).await.expect(200);
    assert_eq!(app.anonymous().get(&path).await.json()["title"], "Dated");
    let published = admin.act(&format!("{path}/publish"), &revised.etag(), json!({})).await.expect(200);
    assert_eq!((published.json()["published_at"].clone(), published.json()["revision"].clone()), (at, json!(2)));
    let public = app.anonymous().get(&path).await;
    assert_eq!(
        (public.json()["title"].as_str(), public.json()["updated_at"].as_str()),
        (Some("Dated, revised"), Some("2026-11-23T13:00:00Z"))
    );
    assert_eq!(public.header("last-modified"), "Mon, 23 Nov 2026 13:00:00 GMT");
    let back = admin.act(&format!("{path}/publish"), "*", json!({ "revision": 1 })).await.expect(200);
    assert_eq!(back.json()["revision"], 2, "editors see the newest revision");
    assert_eq!(app.anonymous().get(&path).await.json()["title"], "Dated");
    let again = admin.act(&format!("{path}/publish"), "*", json!({ "revision": 1 })).await.expect(200);
    assert_eq!(again.etag(), back.etag(), "publishing what is live changes nothing");
    let dated = admin.act(&format!("{path}/publish"), "*", json!({ "publish_at": "2020-02-29T10:00:00+02:00" })).await.expect(200);
    assert_eq!(dated.json()["published_at"], "2020-02-29T08:00:00Z");
    for (body, end) in [
        (json!({ "unpublish_at": "2027-01-01T00:00:00Z" }), json!("2027-01-01T00:00:00Z")),
        (json!({}), json!("2027-01-01T00:00:00Z")),
        (json!({ "unpublish_at": null }), json!(null)),
    ] {
        let ended = admin.act(&format!("{path}/publish"), "*", body).await.expect(200);
        assert_eq!(ended.json()["unpublish_at"], end);
    }
}

#[tokio::test]
async fn an_unpublished_insight_is_a_draft_again() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let live = admin.publish("Withdrawn").await;
    let path = format!("/v1/insights/{}", live.id());
    admin.act(&format!("{path}/unpublish"), "\"r1.1-0\"", json!({})).await.problem(412, "stale-revision");
    let withdrawn = admin.act(&format!("{path}/unpublish"), &live.etag(), json!({})).await.expect(200).json();
    assert_eq!((withdrawn["status"].as_str(), withdrawn["published_at"].is_null()), (Some("draft"), true));
    app.anonymous().get(&path).await.problem(404, "not-found");
    app.anonymous().get("/v1/insights/withdrawn").await.problem(404, "not-found");
    assert_eq!(admin.get("/v1/insights?status=draft").await.titles(), ["Withdrawn"]);
}

#[tokio::test]
async fn an_insight_restored_from_the_trash_is_unchanged() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let live = admin.publish("Binned").await;
    let path = format!("/v1/insights/{}", live.id());
    let before = app.anonymous().get(&path).await;
    admin.delete(&path, &live.etag()).await.expect(204);
    for client in [app.anonymous(), admin.clone()] {
        client.get(&path).await.problem(404, "not-found");
        client.get("/v1/insights/binned").await.problem(404, "not-found");
    }
    assert_eq!(app.anonymous().get("/v1/insights").await.titles().len(), 0);
    admin.delete(&path, "*").await.problem(404, "not-found");
    admin.patch(&path, "*", json!({ "title": "x" })).await.problem(404, "not-found");
    assert_eq!(admin.get("/v1/insights?status=deleted").await.titles(), ["Binned"]);
    let restored = admin.act(&format!("{path}/restore"), &live.etag(), json!({})).await.expect(200);
    assert_eq!(restored.json()["status"], "published");
    let after = app.anonymous().get(&path).await.expect(200);
    assert_eq!((after.text(), after.etag()), (before.text(), before.etag()));
}

#[tokio::test]
async fn purging_deletes_everything_and_releases_the_slug() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let gone = admin.publish("Purged").await;
    let path = format!("/v1/insights/{}", gone.id());
    admin.delete(&path, "*").await.expect(204);
    admin.delete(&format!("{path}?permanent=true"), "*").await.expect(204);
    assert_eq!(admin.get("/v1/insights?status=deleted").await.titles().len(), 0);
    admin.act(&format!("{path}/restore"), "*", json!({})).await.problem(404, "not-found");
    assert_eq!(admin.create("Purged").await.slug(), "purged");
    assert!(insights::store::integrity::faults(app.store()).await.unwrap().is_empty());
}

#[tokio::test]
async fn impossible_publications_are_refused() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let created = admin.create("Refused").await;
    let path = format!("/v1/insights/{}/publish", created.id());
    for (body, pointer) in [
        (json!({ "revision": 2 }), "/revision"),
        (json!({ "revision": 0 }), "/revision"),
        (json!({ "publish_at": "tomorrow" }), "/publish_at"),
        (json!({ "publish_at": "2026-01-02T00:00:00Z", "unpublish_at": "2026-01-01T00:00:00Z" }), "/unpublish_at"),
        (json!({ "when": "now" }), "/when"),
    ] {
        let problem = admin.act(&path, "*", body).await.problem(422, "validation-failed");
        assert_eq!(pointers(&problem), [pointer]);
    }
    admin.send("POST", &path, None, &[("if-match", "*")]).await.expect(200);
}

/// An expired insight has changed the lists: purging it must not set `Last-Modified` back.
#[tokio::test]
async fn last_modified_of_a_list_never_decreases() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let created = admin.create("Over soon").await;
    let path = format!("/v1/insights/{}", created.id());
    admin.act(&format!("{path}/publish"), "*", json!({ "unpublish_at": "2026-11-23T12:00:02Z" })).await.expect(200);
    let first = app.anonymous().get("/v1/insights").await;
    assert_eq!(first.titles(), ["Over soon"]);
    app.advance(10_000);
    for (method, path) in [("DELETE", path.clone()), ("DELETE", format!("{path}?permanent=true"))] {
        admin.send(method, &path, None, &[("if-match", "*")]).await.expect(204);
        let since = first.header("last-modified");
        let response = app.anonymous().get_with("/v1/insights", &[("if-modified-since", &since)]).await.expect(200);
        assert!(response.titles().is_empty());
    }
}

/// An insight with an unpublish date keeps it, or its publication after that date is refused.
#[tokio::test]
async fn an_unpublish_date_is_never_dropped_silently() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    admin.create("Ends").await;
    let path = "/v1/insights/ends/publish";
    admin.act(path, "*", json!({ "unpublish_at": "2030-01-01T00:00:00Z" })).await.expect(200);
    let problem = admin.act(path, "*", json!({ "publish_at": "2031-01-01T00:00:00Z" })).await.problem(422, "validation-failed");
    assert_eq!(pointers(&problem), ["/unpublish_at"]);
    let moved = admin.act(path, "*", json!({ "publish_at": "2031-01-01T00:00:00Z", "unpublish_at": null })).await.expect(200);
    assert_eq!(moved.json()["unpublish_at"], json!(null));
}

#[tokio::test]
async fn operations_without_input_refuse_fields_in_the_body() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    admin.publish("Told").await;
    for action in ["unpublish", "restore"] {
        let path = format!("/v1/insights/told/{action}");
        let problem = admin.act(&path, "*", json!({ "publish_at": "2030-01-01T00:00:00Z" })).await.problem(422, "validation-failed");
        assert_eq!(pointers(&problem), ["/publish_at"]);
        let broken = Some(("application/json", "{broken".to_owned()));
        admin.send("POST", &path, broken, &[("if-match", "*")]).await.problem(400, "malformed-body");
        admin.act(&path, "*", json!({})).await.expect(200);
    }
}
