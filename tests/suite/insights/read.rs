use serde_json::json;

use crate::support::TestApp;

const FORMS: [(&str, &str, &str); 4] = [
    (".json", "application/json", "application/json"),
    (".md", "text/markdown", "text/markdown; charset=utf-8"),
    (".html", "text/html", "text/html; charset=utf-8"),
    (".txt", "text/plain", "text/plain; charset=utf-8"),
];

#[tokio::test]
async fn an_insight_is_read_by_id_or_slug_in_every_representation() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let body = "Byte *exact*\r\n\n\ttabs\u{a0}and\n\n```rust\nlet x = 1;\n```";
    let created = admin
        .post("/v1/insights", json!({ "title": "Forms", "body_markdown": body, "category": "debugging", "tags": ["sql", "rust"] }))
        .await;
    let insight = admin.act(&format!("/v1/insights/{}/publish", created.id()), &created.etag(), json!({})).await.expect(200);
    for name in [insight.id(), insight.slug()] {
        for (suffix, accept, content_type) in FORMS {
            let by_suffix = app.anonymous().get_with(&format!("/v1/insights/{name}{suffix}"), &[("accept", "image/png")]).await.expect(200);
            let by_accept = app.anonymous().get_with(&format!("/v1/insights/{name}"), &[("accept", accept)]).await.expect(200);
            assert_eq!(by_suffix.bytes, by_accept.bytes);
            assert_eq!(by_suffix.etag(), by_accept.etag());
            assert_eq!(by_accept.header("content-type"), content_type);
            assert_eq!(by_accept.header("vary"), "Accept, Accept-Encoding, Authorization");
            assert_eq!(by_accept.header("content-language"), "en");
        }
    }
    let markdown = app.anonymous().get("/v1/insights/forms.md").await.text();
    assert!(markdown.starts_with("---\ntitle: \"Forms\"\nslug: \"forms\"\n"), "{markdown}");
    assert!(markdown.ends_with(body), "the body is not byte-exact: {markdown:?}");
    let json = insight.json();
    assert_eq!(json["tags"], json!([{ "slug": "sql", "name": "SQL" }, { "slug": "rust", "name": "Rust" }]));
    assert_eq!(json["body"]["markdown"], body);
    assert_eq!(app.anonymous().get("/v1/insights/forms.html").await.text(), json["body"]["html"].as_str().unwrap());
    let problem = app.anonymous().get_with("/v1/insights/forms", &[("accept", "image/png")]).await.problem(406, "not-acceptable");
    assert_eq!(problem["accepted"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn each_representation_has_its_own_etag() {
    let app = TestApp::with_terms().await;
    let insight = app.admin().await.publish("Validated").await;
    let mut tags = Vec::new();
    for (suffix, ..) in FORMS {
        let path = format!("/v1/insights/validated{suffix}");
        let first = app.anonymous().get(&path).await.expect(200);
        for if_none_match in [first.etag(), format!("W/{}", first.etag()), format!("\"other\", {}", first.etag()), "*".to_owned()] {
            // Some clients add no-cache to every conditional request; it does not cancel the condition.
            let again =
                app.anonymous().get_with(&path, &[("if-none-match", &if_none_match), ("cache-control", "no-cache")]).await.expect(304);
            assert!(again.bytes.is_empty());
            assert_eq!((again.etag(), again.header("cache-control")), (first.etag(), first.header("cache-control")));
        }
        app.anonymous().get_with(&path, &[("if-modified-since", &first.header("last-modified"))]).await.expect(304);
        app.anonymous().get_with(&path, &[("if-modified-since", "Mon, 01 Jan 2024 00:00:00 GMT")]).await.expect(200);
        app.anonymous()
            .get_with(&path, &[("if-none-match", "\"x\""), ("if-modified-since", &first.header("last-modified"))])
            .await
            .expect(200);
        tags.push(first.etag());
    }
    tags.dedup();
    assert_eq!(tags.len(), 4, "representations share a validator: {tags:?}");
    assert_eq!(app.admin().await.get("/v1/insights/validated").await.etag(), tags[0], "the validator depends on the token");
    assert_eq!(insight.etag(), tags[0], "the validator of a write is not the one of the next read");
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let app = TestApp::with_terms().await;
    app.admin().await.publish("Head").await;
    for path in ["/v1/insights", "/v1/insights/head", "/v1/site", "/v1/categories", "/openapi.json", "/docs", "/health/live"] {
        let get = app.anonymous().get(path).await.expect(200);
        let head = app.anonymous().send("HEAD", path, None, &[]).await.expect(200);
        assert!(head.bytes.is_empty());
        for name in ["etag", "content-type", "cache-control", "last-modified", "content-length"] {
            assert_eq!(head.header(name), get.header(name), "{name} of {path}");
        }
    }
}

#[tokio::test]
async fn texts_fall_back_along_the_locale_chain() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    admin.patch("/v1/categories/debugging", "*", json!({ "translations": { "it": { "name": "Caccia agli errori" } } })).await.expect(200);
    let text = |title: &str| json!({ "title": title, "body_markdown": format!("Body of {title}") });
    let mut draft = text("English");
    draft["category"] = json!("debugging");
    draft["translations"] = json!({ "it": text("Italiano"), "de": text("Deutsch") });
    let created = admin.post("/v1/insights", draft).await.expect(201);
    admin.act(&format!("/v1/insights/{}/publish", created.id()), "*", json!({})).await.expect(200);
    for (requested, got, title, category) in [
        ("it-CH", "it", "Italiano", "Caccia agli errori"),
        ("it", "it", "Italiano", "Caccia agli errori"),
        ("de-AT", "de", "Deutsch", "Debugging"),
        ("fr", "en", "English", "Debugging"),
        ("EN", "en", "English", "Debugging"),
    ] {
        let insight = app.anonymous().get(&format!("/v1/insights/english?locale={requested}")).await.expect(200);
        assert_eq!(insight.header("content-language"), got);
        let insight = insight.json();
        assert_eq!((insight["locale"].as_str(), insight["title"].as_str()), (Some(got), Some(title)), "{requested}");
        assert_eq!(insight["category"]["name"], category, "{requested}");
        assert_eq!(insight["available_locales"], json!(["de", "en", "it"]));
        assert_eq!(app.anonymous().get(&format!("/v1/insights?locale={requested}")).await.titles(), [title]);
    }
    app.anonymous().get("/v1/insights?locale=english").await.problem(400, "invalid-parameter");
}

#[tokio::test]
async fn an_old_slug_redirects_until_another_insight_claims_it() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let insight = admin.publish("First name").await;
    let path = format!("/v1/insights/{}", insight.id());
    let changed = admin.patch(&path, &insight.etag(), json!({ "slug": "second-name" })).await.expect(200);
    app.anonymous().get("/v1/insights/first-name").await.expect(200);
    app.anonymous().get("/v1/insights/second-name").await.problem(404, "not-found");
    admin.act(&format!("{path}/publish"), &changed.etag(), json!({})).await.expect(200);
    for (from, to) in
        [("first-name", "second-name"), ("first-name.md", "second-name.md"), ("first-name?locale=de", "second-name?locale=de")]
    {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let response = client.get(format!("{}/v1/insights/{from}", app.url)).send().await.unwrap();
        assert_eq!(response.status(), 308);
        assert_eq!(response.headers()["location"], format!("/v1/insights/{to}"));
        assert!(response.headers().contains_key("content-sequence"), "also on the request that records the transition");
    }
    assert_eq!(app.anonymous().get("/v1/insights/first-name").await.expect(200).slug(), "second-name");
    let taker = admin
        .post("/v1/insights", json!({ "slug": "first-name", "title": "Taker", "body_markdown": "B", "category": "debugging" }))
        .await
        .expect(201);
    assert_eq!(app.anonymous().get("/v1/insights/first-name").await.expect(200).slug(), "second-name", "not before it is published");
    admin.act(&format!("/v1/insights/{}/publish", taker.id()), "*", json!({})).await.expect(200);
    assert_eq!(app.anonymous().get("/v1/insights/first-name").await.expect(200).id(), taker.id());
}

#[tokio::test]
async fn an_editor_reads_the_newest_revision_and_the_public_the_live_one() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let live = admin.publish("Two faces").await;
    let path = format!("/v1/insights/{}", live.id());
    let draft = admin.patch(&path, &live.etag(), json!({ "title": "Two faces, revised" })).await.expect(200);
    let (public, editors) = (app.anonymous().get(&path).await, admin.get(&path).await);
    assert_eq!((public.json()["revision"].as_i64(), editors.json()["revision"].as_i64()), (Some(1), Some(2)));
    assert_eq!((public.json()["title"].as_str(), public.etag()), (Some("Two faces"), live.etag()));
    assert_eq!((editors.json()["title"].as_str(), editors.etag()), (Some("Two faces, revised"), draft.etag()));
    assert_eq!(editors.header("cache-control"), "private, no-store");
}

/// A draft with another insight's old slug changes nothing in public; only its publication claims the slug.
#[tokio::test]
async fn a_drafted_slug_does_not_replace_a_redirect() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let (author, _) = app.signed_in("author@example.org", "author").await;
    let path = format!("/v1/insights/{}", admin.publish("Old one").await.id());
    admin.patch(&path, "*", json!({ "slug": "new-one" })).await.expect(200);
    admin.act(&format!("{path}/publish"), "*", json!({})).await.expect(200);
    let draft = json!({ "slug": "old-one", "title": "T", "body_markdown": "B", "category": "debugging" });
    let taker = author.post("/v1/insights", draft.clone()).await.expect(201);
    assert_eq!(app.anonymous().get("/v1/insights/old-one").await.expect(200).slug(), "new-one");
    author.delete(&format!("/v1/insights/{}", taker.id()), "*").await.expect(204);
    assert_eq!(app.anonymous().get("/v1/insights/old-one").await.expect(200).slug(), "new-one");
    admin.delete(&format!("/v1/insights/{}?permanent=true", taker.id()), "*").await.expect(204);
    assert_eq!(app.anonymous().get("/v1/insights/old-one").await.expect(200).slug(), "new-one");
    let second = admin.post("/v1/insights", draft).await.expect(201);
    admin.act(&format!("/v1/insights/{}/publish", second.id()), "*", json!({})).await.expect(200);
    assert_eq!(app.anonymous().get("/v1/insights/old-one").await.expect(200).id(), second.id());
}

/// A slug under which nothing was ever visible does not redirect, even if it was scheduled.
#[tokio::test]
async fn a_slug_that_was_never_visible_does_not_redirect() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let path = format!("/v1/insights/{}", admin.publish("Plain").await.id());
    admin.patch(&path, "*", json!({ "slug": "planned-secret" })).await.expect(200);
    admin.act(&format!("{path}/publish"), "*", json!({ "publish_at": "2027-01-01T00:00:00Z" })).await.expect(200);
    admin.act(&format!("{path}/publish"), "*", json!({ "revision": 1, "publish_at": "2026-01-01T00:00:00Z" })).await.expect(200);
    app.anonymous().get("/v1/insights/plain").await.expect(200);
    app.anonymous().get("/v1/insights/planned-secret").await.problem(404, "not-found");
}

/// The site's default locale may change; existing texts keep their locale.
#[tokio::test]
async fn a_new_default_locale_does_not_relabel_old_texts() {
    let app = TestApp::start_with(|settings| settings.demo = true).await;
    let admin = app.admin().await;
    admin.put("/v1/site", "*", json!({ "name": "Z", "title": "Z", "default_locale": "de" })).await.expect(200);
    for (slug, locale, locales) in
        [("expression-index-ignored", "en", json!(["en"])), ("commit-before-async-io", "de", json!(["de", "en", "it"]))]
    {
        let path = format!("/v1/insights/{slug}");
        let patched = admin.patch(&path, "*", json!({ "reading_minutes": 7 })).await.expect(200).json();
        assert_eq!((patched["locale"].as_str(), patched["available_locales"].clone()), (Some(locale), locales));
    }
}

/// A slug that only a draft claims redirects editors as it redirects the public.
#[tokio::test]
async fn editors_follow_the_public_redirect_of_a_drafted_slug() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let first = admin.publish("Shared name").await.id();
    let path = format!("/v1/insights/{first}");
    admin.patch(&path, "*", json!({ "slug": "moved-on" })).await.expect(200);
    admin.act(&format!("{path}/publish"), "*", json!({})).await.expect(200);
    let draft = json!({ "slug": "shared-name", "title": "T", "body_markdown": "B", "category": "debugging" });
    let second = admin.post("/v1/insights", draft).await.expect(201);
    let second_path = format!("/v1/insights/{}", second.id());
    admin.patch(&second_path, "*", json!({ "slug": "another-name" })).await.expect(200);
    let patched = admin.patch("/v1/insights/shared-name", "*", json!({ "title": "Patched by its old name" })).await.expect(200);
    assert_eq!(patched.id(), first);
    // Published under the old slug for a while: the slug stays that insight's afterwards.
    admin.patch(&second_path, "*", json!({ "slug": "shared-name" })).await.expect(200);
    admin.act(&format!("{second_path}/publish"), "*", json!({ "unpublish_at": "2026-11-23T12:00:02Z" })).await.expect(200);
    app.advance(10_000);
    app.anonymous().get("/v1/insights/shared-name").await.problem(404, "not-found");
}
