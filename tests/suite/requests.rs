//! What is true of every request: methods, CORS, ids, limits. And the reference page.

use insights::domain::authority::Scope;
use insights::http::routes::document;

use crate::openapi::operations;
use crate::support::TestApp;
use crate::support::app::draft;
use crate::support::client::Client;

#[tokio::test]
async fn a_405_lists_the_allowed_methods() {
    let app = TestApp::start().await;
    for (path, methods) in [
        ("/v1/insights", "GET, POST, HEAD, OPTIONS"),
        ("/v1/insights/some-slug", "GET, PUT, DELETE, PATCH, HEAD, OPTIONS"),
        ("/v1/insights/some-slug/publish", "POST, OPTIONS"),
        ("/docs", "GET, HEAD, OPTIONS"),
    ] {
        let sorted = |text: &str| {
            let mut list: Vec<String> = text.split(", ").map(str::to_owned).collect();
            list.sort();
            list
        };
        let refused = app.anonymous().send("TRACE", path, None, &[]).await;
        assert_eq!(sorted(&refused.header("allow")), sorted(methods), "{path}");
        refused.problem(405, "method-not-allowed");
        let options = app.anonymous().send("OPTIONS", path, None, &[]).await.expect(204);
        assert_eq!(sorted(&options.header("allow")), sorted(methods));
    }
    app.anonymous().send("OPTIONS", "/v1/nothing", None, &[]).await.problem(404, "not-found");
    app.anonymous().send("BREW", "/v1/insights", None, &[]).await.problem(405, "method-not-allowed");
    for path in ["/v1", "/v1/insights/", "/v1/insights/a/b/c", "/v1/insights/%ff%00", "/v1/insights/..%2f..", "/v1/users/x%0d%0a"] {
        let answer = app.admin().await.get(path).await;
        answer.problem(404, "not-found");
    }
}

#[tokio::test]
async fn any_origin_may_send_requests_but_never_with_credentials() {
    let app = TestApp::start().await;
    let asked =
        [("origin", "https://a.example"), ("access-control-request-method", "PATCH"), ("access-control-request-headers", "if-match")];
    let preflight = app.anonymous().send("OPTIONS", "/v1/insights/x", None, &asked).await.expect(204);
    assert_eq!(preflight.header("access-control-allow-origin"), "*");
    assert_eq!(preflight.header("access-control-max-age"), "86400");
    assert!(preflight.header("access-control-allow-methods").contains("PATCH"));
    for name in ["Authorization", "If-Match", "Content-Type", "Idempotency-Key"] {
        assert!(preflight.header("access-control-allow-headers").contains(name), "{name}");
    }
    assert!(preflight.headers.get("access-control-allow-credentials").is_none());
    for answer in [app.anonymous().get("/v1/insights").await, app.anonymous().get("/v1/nothing").await] {
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        assert!(answer.header("access-control-expose-headers").contains("ETag"));
    }
}

#[tokio::test]
async fn a_request_id_is_echoed_if_it_is_safe_to_log() {
    let app = TestApp::start().await;
    let own = app.anonymous().get_with("/v1/nothing", &[("x-request-id", "trace-42")]).await;
    assert_eq!(own.header("x-request-id"), "trace-42");
    assert_eq!(own.problem(404, "not-found")["request_id"], "trace-42");
    for odd in ["", "a b", "<script>", &"x".repeat(200)] {
        let answer = app.anonymous().get_with("/v1/insights", &[("x-request-id", odd)]).await.expect(200);
        assert_eq!(answer.header("x-request-id").len(), 36, "{odd:?}");
    }
}

#[tokio::test]
async fn bodies_have_a_maximum_size() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let mut large = draft("Large");
    large["body_markdown"] = "x".repeat(1_000_000).into();
    let problem = admin.post("/v1/insights", large.clone()).await.problem(413, "payload-too-large");
    assert_eq!(problem["limit"], 1_000_000);
    large["body_markdown"] = "x".repeat(500_001).into();
    admin.post("/v1/insights", large.clone()).await.problem(422, "validation-failed");
    large["body_markdown"] = "é ".repeat(200_000).into();
    admin.post("/v1/insights", large).await.expect(201);
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    admin.send("POST", "/v1/insights", Some(("application/json", deep)), &[]).await.problem(400, "malformed-body");
}

/// Garbage in every part of a request is refused.
#[tokio::test]
async fn invalid_input_is_never_a_500() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    admin.publish("Odd").await;
    let cursors =
        [r#"{"k":"text","i":"01a2074d-74b5-753d-bf53-d2dad79ec7e6","b":false,"l":"000000000000"}"#, r#"{"k":1e400,"i":"x","b":1,"l":""}"#];
    let mut queries: Vec<String> = cursors.iter().map(|text| format!("cursor={}", base64_url(text))).collect();
    queries.extend(
        [
            "cursor=%00",
            "limit=9223372036854775808",
            "published_after=0001-01-01T00:00:00%2B23:59",
            "published_before=9999-12-31T23:59:59-23:59",
            "tag=%F0%28%8C%BC",
            "category=%00",
            "locale=%E2%80%AE",
            "fields=",
            "sort=",
            "%=%",
            "&&&&",
            "min_minutes=-1",
        ]
        .map(str::to_owned),
    );
    for query in queries {
        for path in ["/v1/insights", "/v1/categories", "/v1/insights/odd", "/v1/users"] {
            let status = admin.get(&format!("{path}?{query}")).await.status;
            assert!(status == 200 || status == 400, "{path}?{query}: {status}");
        }
    }
    for kind in ["categories", "tags", "authors"] {
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let body = Some(("application/json", "{}".to_owned()));
            admin.send(method, &format!("/v1/{kind}/%00"), body, &[("if-match", "*")]).await.problem(404, "not-found");
        }
    }
    // A valid cursor of this list whose key has another type.
    let own = app.anonymous().get("/v1/insights?limit=1&sort=title").await.json();
    assert!(own["page"]["next_cursor"].is_null());
    for (name, value) in [
        ("if-none-match", "\u{e9}"),
        ("if-match", "\u{e9}"),
        ("accept", "\u{e9}"),
        ("accept-encoding", ";;q=x"),
        ("accept", ""),
        ("authorization", "Basic x"),
        ("authorization", "\u{e9}"),
        ("content-type", "multipart/form-data"),
        ("if-modified-since", "then"),
    ] {
        for (method, path) in
            [("GET", "/v1/insights/odd"), ("GET", "/v1/insights"), ("PUT", "/v1/insights/odd"), ("POST", "/v1/auth/token")]
        {
            let status = app.anonymous().send(method, path, None, &[(name, value)]).await.status;
            assert!(status < 500, "{method} {path} with {name}: {value} gave {status}");
        }
    }
    for text in ["a\u{0}b", "\u{202e}", "\u{feff}", "👩‍👩‍👧", "\\u0000"] {
        let input = serde_json::json!({ "title": text, "body_markdown": text, "category": "debugging", "extra": { "k": text } });
        let status = admin.post("/v1/insights", input).await.status;
        assert!([201, 422].contains(&status), "{text:?}: {status}");
    }
}

fn base64_url(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

#[tokio::test]
async fn the_landing_page_links_to_pages_that_exist() {
    let app = TestApp::start().await;
    let page = app.anonymous().get("/").await.expect(200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "public, max-age=3600");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'") && !page.text().contains("<script"));
    let head = app.anonymous().send("HEAD", "/", None, &[]).await.expect(200);
    assert_eq!((head.etag(), head.bytes.len()), (page.etag(), 0));
    app.anonymous().get_with("/", &[("if-none-match", &page.etag())]).await.expect(304);
    let text = page.text();
    let links: Vec<&str> = text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(["docs", "v1/insights", "openapi.json"].iter().all(|link| links.contains(link)), "{links:?}");
    for link in links {
        assert!(!link.starts_with('/') && !link.contains("://"), "{link} is not relative");
        app.anonymous().get(&format!("/{link}")).await.expect(200);
    }
    assert!(text.contains("docs/tutorial.md") && text.contains("insights tokens create"), "{text}");
}

#[tokio::test]
async fn the_reference_page_loads_nothing_from_other_origins() {
    let app = TestApp::start().await;
    let page = app.anonymous().get("/docs").await.expect(200);
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    let outside: Vec<String> = page.text().split(['"', '\'']).filter(|part| part.starts_with("http")).map(str::to_owned).collect();
    assert!(outside.is_empty(), "the page refers to other origins: {outside:?}");
    for (asset, kind) in
        [("init.js", "text/javascript; charset=utf-8"), ("scalar.js", "text/javascript; charset=utf-8"), ("favicon.svg", "image/svg+xml")]
    {
        assert_eq!(app.anonymous().get(&format!("/docs/{asset}")).await.expect(200).header("content-type"), kind);
    }
    let packed = app.anonymous().get_with("/docs/scalar.js", &[("accept-encoding", "br")]).await.expect(200);
    assert_eq!(packed.header("content-encoding"), "br");
    assert!(packed.bytes.len() < app.anonymous().get("/docs/scalar.js").await.bytes.len() / 3);
    app.anonymous().get("/docs/nothing.js").await.problem(404, "not-found");
    assert!(operations(&document()).len() > 40);
}

/// Past the limit, requests are refused with `Retry-After`; health checks are always answered.
#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_in_flight_get_a_503() {
    let app = TestApp::start_with(|settings| settings.max_requests = 0).await;
    let refused = app.anonymous().get("/v1/insights").await;
    assert!(!refused.header("retry-after").is_empty());
    refused.problem(503, "unavailable");
    app.anonymous().get("/health/live").await.expect(200);
    let app = TestApp::start_with(|settings| settings.max_requests = 2).await;
    for _ in 0..10 {
        app.anonymous().get("/v1/insights").await.expect(200);
    }
}

/// Behind a proxy that adds a path, every address in a response has that path.
#[tokio::test]
async fn addresses_include_the_path_of_the_public_address() {
    let app = TestApp::start_with(|settings| settings.base_url = Some("https://x.example/api".to_owned())).await;
    let admin = Client::new(reqwest::Client::new(), address(&app), Some(app.machine_token(&[Scope::Admin]).await));
    let made = admin.post("/v1/categories", serde_json::json!({ "name": "Debugging" })).await.expect(201);
    assert_eq!(made.header("location"), "/api/v1/categories/debugging");
    let created = admin.create("Placed").await;
    assert_eq!(created.header("location"), format!("/api/v1/insights/{}", created.id()));
}

/// The address of the listener.
fn address(app: &TestApp) -> String {
    format!("http://{}", app.app.address)
}

#[tokio::test]
async fn the_head_of_a_stream_has_no_content_length() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for path in ["/v1/events", "/v1/exports/insights"] {
        let head = admin.send("HEAD", path, None, &[]).await.expect(200);
        assert_eq!(head.header("content-length"), "", "{path}");
    }
}

#[tokio::test]
async fn a_401_without_a_token_names_no_error() {
    let app = TestApp::start().await;
    for path in ["/v1/insights?status=draft", "/v1/users"] {
        let answer = app.anonymous().get(path).await.expect(401);
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"insights\"", "{path}");
    }
}
