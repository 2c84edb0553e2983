//! Metrics, and responses while the database is away.

use std::time::Duration;

use serde_json::json;

use crate::support::app::draft;
use crate::support::{Client, TestApp};

/// The value of a series, with its labels if it has any.
async fn metric(client: &Client, name: &str) -> Option<f64> {
    let response = client.get("/metrics").await.expect(200);
    let text = String::from_utf8(response.bytes).unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

fn requests(method: &str, route: &str, status: u16) -> String {
    format!(
        "http_server_request_duration_seconds_count{{http_request_method=\"{method}\",http_route=\"{route}\",\
         http_response_status_code=\"{status}\"}}"
    )
}

#[tokio::test]
async fn requests_and_cache_hits_are_counted() {
    let app = TestApp::with_terms().await;
    let client = app.anonymous();
    let head = client.get("/metrics").await.expect(200);
    assert_eq!(head.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert_eq!(head.header("cache-control"), "private, no-store");
    let hits = metric(&client, "insights_cache_hits_total").await.unwrap();
    for _ in 0..3 {
        client.get("/v1/insights").await.expect(200);
    }
    assert_eq!(metric(&client, "insights_cache_hits_total").await, Some(hits + 2.0));
    assert_eq!(metric(&client, &requests("GET", "/v1/insights", 200)).await, Some(1.0));
    app.admin().await.post("/v1/insights", draft("Counted")).await.expect(201);
    client.post("/v1/insights", draft("Refused")).await.expect(401);
    assert_eq!(metric(&client, &requests("POST", "/v1/insights", 201)).await, Some(1.0));
    assert_eq!(metric(&client, &requests("POST", "/v1/insights", 401)).await, Some(1.0));
    assert_eq!(metric(&client, "insights_search_lag_rows").await, Some(0.0));
    for name in ["insights_search_ready", "insights_log_readable", "insights_requests_in_flight"] {
        assert_eq!(metric(&client, name).await, Some(1.0), "{name}");
    }
}

#[tokio::test]
async fn clients_cannot_add_series() {
    let app = TestApp::start().await;
    let client = app.anonymous();
    for path in ["/nothing", "/nothing/else", "/v1/insights/none", "/v1/insights/other"] {
        client.get(path).await.expect(404);
        client.send("BREW", path, None, &[]).await;
    }
    assert_eq!(metric(&client, &requests("GET", "", 404)).await, Some(2.0));
    assert_eq!(metric(&client, &requests("GET", "/v1/insights/{id_or_slug}", 404)).await, Some(2.0));
    let text = client.get("/metrics").await.text();
    assert!(!text.contains("BREW") && !text.contains("none") && !text.contains("else"), "{text}");
    assert!(text.contains("http_request_method=\"_OTHER\""), "{text}");
}

#[tokio::test]
async fn separate_metrics_are_served_only_at_their_own_address() {
    let app = TestApp::start_with(|settings| settings.metrics_bind = Some("127.0.0.1:0".parse().unwrap())).await;
    app.anonymous().get("/metrics").await.problem(404, "not-found");
    let own = format!("http://{}", app.app.metrics_address.unwrap());
    let response = reqwest::get(format!("{own}/metrics")).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.text().await.unwrap().contains("insights_build_info{version="));
    assert_eq!(reqwest::get(format!("{own}/v1/insights")).await.unwrap().status(), 404);
}

#[tokio::test]
async fn cache_entries_are_served_and_marked_while_the_database_is_away() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let created = admin.post("/v1/insights", draft("Cached")).await.expect(201);
    admin.act(&format!("/v1/insights/{}/publish", created.id()), &created.etag(), json!({})).await.expect(200);
    let client = app.anonymous();
    let before = client.get("/v1/insights").await.expect(200);
    assert_eq!(before.header("cache-status"), "");
    app.store().clone().close().await.unwrap();
    // The projection notices at its next poll.
    for _ in 0..100 {
        if app.app.cache.is_database_away() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let cached = client.get("/v1/insights").await.expect(200);
    assert_eq!((cached.header("cache-status"), cached.etag()), ("insights; hit; detail=database-away".to_owned(), before.etag()));
    assert_eq!(cached.bytes, before.bytes);
    client.get_with("/v1/insights", &[("if-none-match", &before.etag())]).await.expect(304);
    client.get("/v1/insights?limit=3").await.problem(503, "unavailable");
    admin.post("/v1/insights", draft("Lost")).await.problem(503, "unavailable");
    client.get("/health/ready").await.expect(503);
    client.get("/health/live").await.expect(200);
    assert_eq!(metric(&client, "insights_log_readable").await, Some(0.0));
}
