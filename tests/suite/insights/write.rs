use serde_json::json;

use crate::support::TestApp;
use crate::support::app::draft;
use crate::support::client::pointers;

#[tokio::test]
async fn a_created_draft_has_every_field() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let created = admin.post("/v1/insights", draft("Größe: how it’s made")).await.expect(201);
    assert_eq!(created.header("location"), format!("/v1/insights/{}", created.id()));
    assert_eq!(created.header("cache-control"), "private, no-store");
    let json = created.json();
    assert_eq!(json["slug"], "grosse-how-its-made");
    assert_eq!((json["status"].as_str(), json["revision"].as_i64()), (Some("draft"), Some(1)));
    assert_eq!((json["excerpt"].as_str(), json["excerpt_source"].as_str()), (Some("The body of Größe: how it’s made."), Some("derived")));
    assert_eq!((json["reading_minutes"].as_i64(), json["reading_minutes_source"].as_str()), (Some(1), Some("derived")));
    for (field, value) in [("published_at", json!(null)), ("canonical_url", json!(null)), ("tags", json!([])), ("extra", json!({}))] {
        assert_eq!(json[field], value, "{field}");
    }
    assert_eq!(admin.get(&format!("/v1/insights/{}", created.id())).await.expect(200).etag(), created.etag());
}

#[tokio::test]
async fn every_invalid_field_is_reported_at_once() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let input = json!({
        "title": "", "body_markdown": null, "category": 7, "tags": ["ok", "Not OK"], "reading_minutes": 1.5, "canonical_url": "ftp://x", "nope": 1,
        "translations": { "de": { "title": "T", "boddy": "B" } },
    });
    let problem = admin.post("/v1/insights", input).await.problem(422, "validation-failed");
    assert_eq!(
        pointers(&problem),
        [
            "/title",
            "/body_markdown",
            "/category",
            "/tags/1",
            "/reading_minutes",
            "/canonical_url",
            "/translations/de/body_markdown",
            "/translations/de/boddy",
            "/nope"
        ]
    );
    let input = json!({ "title": "T", "body_markdown": "B", "category": "none", "tags": ["rust", "none"], "authors": ["none"] });
    let problem = admin.post("/v1/insights", input).await.problem(422, "validation-failed");
    assert_eq!(pointers(&problem), ["/category", "/tags/1", "/authors/0"]);
    let input = json!({ "title": "T", "body_markdown": "B", "category": "debugging", "translations": { "en": { "title": "T", "body_markdown": "B" } } });
    let problem = admin.post("/v1/insights", input).await.problem(422, "validation-failed");
    assert_eq!(pointers(&problem), ["/translations/en"]);
    for (body, code, status) in [("[]", "validation-failed", 422), ("{", "malformed-body", 400), ("", "malformed-body", 400)] {
        admin.send("POST", "/v1/insights", Some(("application/json", body.to_owned())), &[]).await.problem(status, code);
    }
    assert_eq!(admin.get("/v1/insights?status=any&count=exact").await.json()["meta"]["total"], 0, "refused input was stored");
}

#[tokio::test]
async fn writes_of_existing_insights_need_if_match() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let first = admin.create("Stateful").await;
    let path = format!("/v1/insights/{}", first.id());
    for (method, body) in [("PUT", Some(("application/json", draft("x").to_string()))), ("DELETE", None)] {
        admin.send(method, &path, body, &[]).await.problem(428, "precondition-required");
    }
    admin.send("POST", &format!("{path}/publish"), None, &[]).await.problem(428, "precondition-required");
    let second = admin.patch(&path, &first.etag(), json!({ "title": "Stateful again", "reading_minutes": 3 })).await.expect(200);
    assert_ne!(first.etag(), second.etag());
    let problem = admin.put(&path, &first.etag(), draft("x")).await.problem(412, "stale-revision");
    assert_eq!(problem["changed_fields"], json!(["title", "reading_minutes"]));
    admin.put(&path, problem["current_etag"].as_str().unwrap(), draft("Third")).await.expect(200);
    admin.put(&path, &second.etag(), draft("x")).await.problem(412, "stale-revision");
    let fourth = admin.put(&path, "*", draft("Fourth")).await.expect(200);
    assert_eq!((fourth.json()["revision"].as_i64(), fourth.slug()), (Some(4), "stateful".to_owned()), "a PUT without a slug keeps it");
    let weak = format!("W/{}", fourth.etag());
    admin.put(&path, &weak, draft("x")).await.problem(412, "stale-revision");
    admin.delete(&path, &second.etag()).await.problem(412, "stale-revision");
    admin.put("/v1/insights/there-is-none", "*", draft("x")).await.problem(404, "not-found");
}

#[tokio::test]
async fn a_put_replaces_and_a_patch_merges() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let full = json!({
        "title": "Full", "excerpt": "Given", "body_markdown": "B", "category": "debugging", "tags": ["rust", "sql"], "authors": ["ada"],
        "reading_minutes": 9, "canonical_url": "https://x.example/a", "seo": { "title": "S", "description": "D" }, "extra": { "a": { "b": 1, "c": 2 } },
        "translations": { "de": { "title": "Voll", "body_markdown": "K" }, "it": { "title": "Pieno", "body_markdown": "C" } },
    });
    let created = admin.post("/v1/insights", full).await.expect(201);
    let path = format!("/v1/insights/{}", created.id());
    let changes = json!({
        "excerpt": null, "tags": ["ops"], "seo": { "title": null }, "extra": { "a": { "b": null, "d": 3 } }, "translations": { "de": null, "it": { "title": "Tutto" } }
    });
    let patched = admin.patch(&path, &created.etag(), changes).await.expect(200).json();
    assert_eq!((patched["excerpt"].as_str(), patched["excerpt_source"].as_str()), (Some("B"), Some("derived")));
    assert_eq!(patched["tags"], json!([{ "slug": "ops", "name": "Ops" }]));
    assert_eq!(patched["seo"], json!({ "title": null, "description": "D", "image_url": null }));
    assert_eq!(patched["extra"], json!({ "a": { "c": 2, "d": 3 } }));
    assert_eq!(patched["available_locales"], json!(["en", "it"]));
    assert_eq!((patched["reading_minutes"].as_i64(), patched["authors"][0]["slug"].as_str()), (Some(9), Some("ada")));
    let replaced = admin.put(&path, "*", draft("Bare")).await.expect(200).json();
    assert_eq!(
        (replaced["tags"].clone(), replaced["extra"].clone(), replaced["reading_minutes_source"].clone()),
        (json!([]), json!({}), json!("derived"))
    );
    let wrong = admin.send("PATCH", &path, Some(("application/json", "{}".to_owned())), &[("if-match", "*")]).await;
    assert_eq!(wrong.problem(415, "unsupported-media-type")["accepted"], json!(["application/merge-patch+json"]));
    let problem = admin.patch(&path, "*", json!({ "title": null, "unknown": null })).await.problem(422, "validation-failed");
    assert_eq!(pointers(&problem), ["/title", "/unknown"]);
}

#[tokio::test]
async fn a_write_that_changes_nothing_appends_nothing() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let created = admin.create("Same").await;
    let path = format!("/v1/insights/{}", created.id());
    for same in [admin.put(&path, "*", draft("Same")).await, admin.patch(&path, "*", json!({})).await] {
        assert_eq!(same.expect(200).etag(), created.etag());
    }
}

#[tokio::test]
async fn a_slug_in_the_input_is_used_exactly_or_refused() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let with_slug = |slug: &str| json!({ "slug": slug, "title": "T", "body_markdown": "B", "category": "debugging" });
    admin.post("/v1/insights", with_slug("mine")).await.expect(201);
    let problem = admin.post("/v1/insights", with_slug("mine")).await.problem(409, "slug-taken");
    assert_eq!(problem["suggestions"], json!(["mine-2", "mine-3", "mine-4"]));
    let other = admin.create("Other").await;
    admin.patch(&format!("/v1/insights/{}", other.id()), "*", json!({ "slug": "mine" })).await.problem(409, "slug-taken");
    for number in ["mine-2", "mine-3"] {
        let mut derived = with_slug("x");
        derived["slug"] = json!(null);
        derived["title"] = json!("Mine");
        assert_eq!(admin.post("/v1/insights", derived).await.expect(201).slug(), number);
    }
}

#[tokio::test]
async fn put_with_if_none_match_creates_under_the_slug_in_the_path() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let body = || Some(("application/json", draft("Any title").to_string()));
    let created = admin.send("PUT", "/v1/insights/chosen", body(), &[("if-none-match", "*")]).await.expect(201);
    assert_eq!(created.slug(), "chosen");
    let refused = admin.send("PUT", "/v1/insights/chosen", body(), &[("if-none-match", "*")]).await.problem(412, "stale-revision");
    assert!(created.etag().starts_with(refused["current_etag"].as_str().unwrap().trim_end_matches('"')));
}

#[tokio::test]
async fn authors_change_their_own_drafts_only() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let (author, _) = app.signed_in("author@example.org", "author").await;
    let own = author.create("Own").await;
    let own_path = format!("/v1/insights/{}", own.id());
    author.patch(&own_path, &own.etag(), json!({ "title": "Own, better" })).await.expect(200);
    author.act(&format!("{own_path}/publish"), "*", json!({})).await.problem(403, "insufficient-scope");
    let hidden = admin.create("Hidden").await;
    let hidden_path = format!("/v1/insights/{}", hidden.id());
    author.get(&hidden_path).await.problem(404, "not-found");
    author.patch(&hidden_path, "*", json!({ "title": "x" })).await.problem(404, "not-found");
    author.delete(&hidden_path, "*").await.problem(404, "not-found");
    let public = admin.publish("Public").await;
    let public_path = format!("/v1/insights/{}", public.id());
    author.get(&public_path).await.expect(200);
    author.patch(&public_path, "*", json!({ "title": "x" })).await.problem(403, "insufficient-scope");
    admin.act(&format!("{own_path}/publish"), "*", json!({})).await.expect(200);
    author.delete(&own_path, "*").await.problem(403, "insufficient-scope");
    author.delete(&format!("{own_path}?permanent=true"), "*").await.problem(403, "insufficient-scope");
}

/// New drafts have equal states; their `ETag`s must differ.
#[tokio::test]
async fn an_etag_matches_one_insight_only() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let first = admin.create("Taken").await;
    admin.patch("/v1/insights/taken", &first.etag(), json!({ "slug": "moved-away" })).await.expect(200);
    admin.create("Taken").await;
    for (method, body) in [("PUT", Some(("application/json", draft("x").to_string()))), ("DELETE", None)] {
        admin.send(method, "/v1/insights/taken", body, &[("if-match", &first.etag())]).await.problem(412, "stale-revision");
    }
    let tag = admin.post("/v1/tags", json!({ "slug": "moved", "name": "One" })).await.expect(201);
    admin.send("DELETE", "/v1/tags/moved", None, &[]).await.expect(204);
    admin.post("/v1/tags", json!({ "slug": "moved", "name": "Other" })).await.expect(201);
    admin.put("/v1/tags/moved", &tag.etag(), json!({ "slug": "moved", "name": "x" })).await.problem(412, "stale-revision");
}

#[tokio::test]
async fn if_none_match_stops_a_write_of_that_state() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let created = admin.create("There").await;
    let patch = || Some(("application/merge-patch+json", json!({ "title": "x" }).to_string()));
    for refused in ["*", &created.etag()] {
        let conditions = [("if-match", "*"), ("if-none-match", refused)];
        admin.send("PATCH", "/v1/insights/there", patch(), &conditions).await.problem(412, "stale-revision");
    }
    admin.send("PATCH", "/v1/insights/there", patch(), &[("if-match", "*"), ("if-none-match", "\"other\"")]).await.expect(200);
    let bad =
        admin.send("PUT", "/v1/insights/Bad_Slug", Some(("application/json", draft("x").to_string())), &[("if-none-match", "*")]).await;
    assert_eq!(pointers(&bad.problem(422, "validation-failed")), ["/slug"]);
    let encoded = [("if-match", "*"), ("content-encoding", "gzip")];
    admin.send("PATCH", "/v1/insights/there", patch(), &encoded).await.problem(415, "unsupported-media-type");
}

/// Language tags are case-insensitive.
#[tokio::test]
async fn a_patch_matches_locales_case_insensitively() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let mut input = draft("Translated");
    input["translations"] = json!({ "it-CH": { "title": "Titolo", "body_markdown": "Testo" } });
    admin.post("/v1/insights", input).await.expect(201);
    let longer = json!({ "translations": { "it-ch": { "title": "Altro", "body_markdown": "Testo" } } });
    admin.patch("/v1/insights/translated", "*", longer).await.expect(200);
    assert_eq!(admin.get("/v1/insights/translated?locale=it-CH").await.expect(200).json()["title"], "Altro");
    let gone = admin.patch("/v1/insights/translated", "*", json!({ "translations": { "it-ch": null } })).await.expect(200);
    assert_eq!(gone.json()["available_locales"], json!(["en"]));
}

/// The slug of a draft is visible only to those who may read the draft.
#[tokio::test]
async fn a_refusal_does_not_reveal_a_drafted_slug() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let (author, _) = app.signed_in("author@example.org", "author").await;
    admin.publish("Public").await;
    admin.patch("/v1/insights/public", "*", json!({ "slug": "secret-plan" })).await.expect(200);
    author.get("/v1/insights/public/revisions").await.problem(403, "insufficient-scope");
    author.get("/v1/insights/secret-plan/revisions").await.problem(404, "not-found");
    author.patch("/v1/insights/secret-plan", "*", json!({ "title": "x" })).await.problem(404, "not-found");
    author.delete("/v1/insights/secret-plan", "*").await.problem(404, "not-found");
}
