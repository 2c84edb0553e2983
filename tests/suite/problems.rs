//! Real requests produce every problem code of the document; the examples in the document are their responses.

use std::collections::BTreeMap;
use std::fs;

use insights::domain::authority::Scope;
use insights::http::routes::document;
use serde_json::{Value, json};

use crate::openapi::{committed, rewriting};
use crate::support::app::draft;
use crate::support::{Answer, TestApp};

/// Replaces what differs from run to run.
fn redacted(answer: &Answer, app: &TestApp) -> Value {
    let text = answer.text().replace(&app.url, "https://insights.example");
    let mut problem: Value = serde_json::from_str(&text).unwrap();
    problem["request_id"] = json!("01a2074d-773c-75f9-af86-b15862e3321a");
    if problem["code"] == "import-ended" {
        problem["instance"] = json!("/v1/imports/01a2074d-74b5-753d-bf53-d2dad79ec7e6");
    }
    // The ETag of an insight contains a part of its id.
    if let Some((state, _)) = problem["current_etag"].as_str().and_then(|etag| etag.trim_end_matches('"').rsplit_once('.')) {
        problem["current_etag"] = json!(format!("{state}.b246f38c\""));
    }
    for changed in problem.get_mut("changed_by").and_then(Value::as_array_mut).into_iter().flatten() {
        changed["made_by"]["token_id"] = json!("01a2074d-74b5-753d-bf53-d2dad79ec7e6");
    }
    problem
}

async fn produce(app: &TestApp) -> Vec<Answer> {
    let (anonymous, admin) = (app.anonymous(), app.admin().await);
    let weak = app.with_token(&app.machine_token(&[Scope::WebhooksManage]).await);
    let created = admin.post("/v1/insights", json!({ "slug": "taken", "title": "T", "body_markdown": "B", "category": "debugging" })).await;
    let path = "/v1/insights/taken".to_owned();
    admin.patch(&path, &created.etag(), json!({ "title": "Changed" })).await.expect(200);
    let asked = json!({ "grant_type": "password", "email": "nobody@example.org", "password": "wrong password" });
    for _ in 0..10 {
        anonymous.post("/v1/auth/token", asked.clone()).await.expect(401);
    }
    let large = ("application/json", format!("\"{}\"", "x".repeat(1_000_000)));
    vec![
        admin.send("POST", "/v1/insights", Some(("application/json", "{\"title\":".to_owned())), &[]).await,
        anonymous.get("/v1/insights?page=2").await,
        anonymous.get("/v1/insights?limit=1000").await,
        anonymous.get("/v1/insights?cursor=garbage").await,
        anonymous.post("/v1/insights", draft("x")).await,
        weak.post("/v1/insights", draft("x")).await,
        anonymous.get("/v1/insights/there-is-none").await,
        anonymous.send("DELETE", "/v1/insights", None, &[]).await,
        {
            let live = admin.publish("Visible").await;
            anonymous.get_with(&format!("/v1/insights/{}", live.slug()), &[("accept", "image/png")]).await
        },
        stalled(app).await,
        admin.post("/v1/insights", json!({ "slug": "taken", "title": "T", "body_markdown": "B", "category": "debugging" })).await,
        {
            let ended = crate::exchange::import(&admin, "", &[]).await;
            admin.send("DELETE", &format!("/v1/imports/{}", ended["id"].as_str().unwrap()), None, &[]).await
        },
        admin.send("DELETE", "/v1/categories/debugging", None, &[]).await,
        admin.patch(&path, &created.etag(), json!({ "title": "Mine" })).await,
        admin.send("POST", "/v1/insights", Some(large), &[]).await,
        admin.send("POST", "/v1/insights", Some(("text/plain", "x".to_owned())), &[]).await,
        admin.post("/v1/insights", json!({ "title": " ", "category": "nothing", "boddy": "" })).await,
        {
            let keyed = |title: &str| ("application/json", draft(title).to_string());
            admin.send("POST", "/v1/insights", Some(keyed("Once")), &[("idempotency-key", "\"k\"")]).await.expect(201);
            admin.send("POST", "/v1/insights", Some(keyed("Twice")), &[("idempotency-key", "\"k\"")]).await
        },
        admin.send("PATCH", &path, Some(("application/merge-patch+json", "{}".to_owned())), &[]).await,
        anonymous.post("/v1/auth/token", asked).await,
    ]
}

/// A request whose body stops.
async fn stalled(app: &TestApp) -> Answer {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(app.url.trim_start_matches("http://")).await.unwrap();
    let head =
        "POST /v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer::of(status, body.as_bytes().to_vec())
}

/// The problems of a broken service, or of a write that takes ten seconds. Their text is repeated here.
fn failures() -> [(&'static str, Value); 3] {
    let base = |code: &str, title: &str, status: u16, detail: &str| {
        json!({
            "type": format!("https://insights.example/problems/{code}"), "title": title, "status": status, "detail": detail,
            "instance": "/v1/insights", "code": code, "request_id": "01a2074d-773c-75f9-af86-b15862e3321a",
        })
    };
    let progress = "the first request with this Idempotency-Key is still in progress: try again in a moment";
    let internal = "the service failed to process this request: the operator finds the cause in the log under the request id";
    let unavailable = "the database cannot be reached: try again in a moment";
    [
        ("idempotency-in-progress", base("idempotency-in-progress", "The first request with this key is still in progress", 409, progress)),
        ("internal", base("internal", "Internal error", 500, internal)),
        ("unavailable", base("unavailable", "Temporarily unavailable", 503, unavailable)),
    ]
}

#[tokio::test]
async fn every_documented_example_is_the_response_to_a_real_request() {
    let app = TestApp::with_terms().await;
    let mut examples: BTreeMap<String, Value> = failures().into_iter().map(|(code, example)| (code.to_owned(), example)).collect();
    for answer in produce(&app).await {
        let example = redacted(&answer, &app);
        assert_eq!(example["status"], answer.status, "{example}");
        let code = example["code"].as_str().unwrap().to_owned();
        assert!(examples.insert(code.clone(), example).is_none(), "{code} was produced twice");
    }
    let text = format!("{:#}\n", json!(examples));
    let path = committed("problems.json");
    if rewriting() {
        fs::write(&path, &text).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap() == text, "openapi/problems.json is out of date: run the suite twice with UPDATE_OPENAPI=1");
    let schema = &document()["components"]["schemas"]["Problem"];
    for code in schema["properties"]["code"]["examples"].as_array().unwrap() {
        assert!(examples.contains_key(code.as_str().unwrap()), "{code} is never produced");
    }
}

#[tokio::test]
async fn the_type_address_of_every_problem_is_a_page() {
    let app = TestApp::start().await;
    let problem = app.anonymous().get("/v1/nothing").await.problem(404, "not-found");
    let address = problem["type"].as_str().unwrap().strip_prefix(&app.url).unwrap().to_owned();
    assert!(app.anonymous().get(&address).await.expect(200).text().contains("Not found"));
    for code in document()["components"]["schemas"]["Problem"]["properties"]["code"]["examples"].as_array().unwrap() {
        let page = app.anonymous().get(&format!("/problems/{}", code.as_str().unwrap())).await.expect(200);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    }
    app.anonymous().get("/problems/no-such-code").await.problem(404, "not-found");
}

/// 503 with `Retry-After`, and no word about the cause.
#[tokio::test]
async fn requests_get_a_503_while_the_database_is_away() {
    let app = TestApp::with_terms().await;
    app.store().clone().close().await.unwrap();
    for path in ["/v1/insights", "/v1/site", "/health/ready"] {
        let answer = app.anonymous().get(path).await;
        assert!(!answer.header("retry-after").is_empty());
        let problem = answer.problem(503, "unavailable");
        assert!(!problem.to_string().contains("pool"), "{problem}");
    }
    app.anonymous().get("/health/live").await.expect(200);
}
