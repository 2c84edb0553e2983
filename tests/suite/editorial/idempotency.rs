//! `Idempotency-Key`: one write and one response for repeated and concurrent requests.

use futures_util::future::join_all;
use insights::http::routes::document;
use serde_json::{Value, json};

use crate::openapi::operations;
use crate::support::app::draft;
use crate::support::{Answer, Client, TestApp};

async fn keyed(client: &Client, key: &str, body: &Value) -> Answer {
    client.send("POST", "/v1/insights", Some(("application/json", body.to_string())), &[("idempotency-key", key)]).await
}

#[tokio::test]
async fn a_repeated_write_is_applied_once_with_the_same_response() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let first = keyed(&admin, "\"once\"", &draft("Once")).await.expect(201);
    assert!(first.header("idempotency-replayed").is_empty());
    // The key without quotes is the same key.
    let again = keyed(&admin, "once", &draft("Once")).await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    for name in ["etag", "location", "content-type", "cache-control"] {
        assert_eq!(first.header(name), again.header(name), "{name}");
    }
    assert_eq!(first.text(), again.text());
    keyed(&admin, "\"once\"", &draft("Another")).await.problem(422, "idempotency-mismatch");
    // Another caller's key is another key.
    let other = app.admin().await;
    assert_ne!(keyed(&other, "\"once\"", &draft("Once")).await.expect(201).id(), first.id());
    assert_eq!(admin.get("/v1/insights?status=draft&count=exact").await.json()["meta"]["total"], 2);
    // A PATCH whose own first run made its If-Match stale gets the stored response.
    let path = format!("/v1/insights/{}", first.id());
    let repeat = || async {
        let body = Some(("application/merge-patch+json", json!({ "title": "Twice" }).to_string()));
        admin.send("PATCH", &path, body, &[("idempotency-key", "\"patch\""), ("if-match", &first.etag())]).await.expect(200)
    };
    let (one, two) = (repeat().await, repeat().await);
    assert_eq!((one.text(), one.etag()), (two.text(), two.etag()));
    // A failure is not stored: the corrected request succeeds with the same key.
    keyed(&admin, "\"later\"", &json!({ "title": "Later", "body_markdown": "B", "category": "none" })).await.expect(422);
    keyed(&admin, "\"later\"", &draft("Later")).await.expect(201);
    for wrong in ["\"\"", "a b", "\"open"] {
        assert_eq!(keyed(&admin, wrong, &draft("x")).await.problem(400, "invalid-parameter")["parameter"], "Idempotency-Key");
    }
    // The key expires after a day.
    app.advance(24 * 60 * 60 * 1000 + 1);
    let later = keyed(&admin, "\"once\"", &draft("Once")).await.expect(201);
    assert_ne!(later.id(), first.id());
    insights::app::run_maintenance(app.store(), app.now()).await;
}

/// A replay waits for search like the write itself, and a renamed user is the same caller.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_is_returned_when_search_shows_the_write() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    for round in 0..10 {
        let created = admin.create(&format!("Zebra{round}")).await;
        let path = format!("/v1/insights/{}/publish", created.id());
        let publish = || async {
            let key = format!("\"publish-{round}\"");
            let headers = [("idempotency-key", key.as_str()), ("if-match", "*")];
            admin.send("POST", &path, Some(("application/json", "{}".to_owned())), &headers).await.expect(200);
            admin.get(&format!("/v1/search?q=zebra{round}")).await.expect(200).json()["meta"]["total"].clone()
        };
        let totals = join_all((0..4).map(|_| publish())).await;
        assert_eq!(totals, [1, 1, 1, 1]);
    }
    let (ada, _) = app.signed_in("ada@example.org", "admin").await;
    let me = ada.get("/v1/auth/me").await.expect(200).json();
    let path = format!("/v1/users/{}", me["user_id"].as_str().unwrap());
    let etag = ada.get(&path).await.expect(200).etag();
    let repeat = || async {
        let body = Some(("application/merge-patch+json", json!({ "email": "new@example.org" }).to_string()));
        ada.send("PATCH", &path, body, &[("idempotency-key", "\"rename\""), ("if-match", &etag)]).await.expect(200)
    };
    let (one, two) = (repeat().await, repeat().await);
    assert_eq!((one.text(), two.header("idempotency-replayed").as_str()), (two.text(), "true"));
}

/// A replay has the same response, including secrets, which are encrypted in the database.
#[tokio::test]
async fn every_post_and_patch_of_the_document_can_be_replayed() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let mut repeated = 0;
    for (method, path, operation) in operations(&document()) {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        if !parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key") || path.starts_with("/v1/imports") {
            continue;
        }
        let insight = admin.create(&format!("{method} {path}")).await;
        let user =
            json!({ "email": format!("u{repeated}@example.org"), "name": "U", "role": "author", "password": "a long enough password" });
        let user_id =
            if path.contains("/users/{id}") { admin.post("/v1/users", user.clone()).await.expect(201).id() } else { String::new() };
        let terms = path.split('/').nth(2).unwrap();
        let slug = if path.contains("{slug}") {
            admin.post(&format!("/v1/{terms}"), json!({ "name": path })).await.expect(201).slug()
        } else {
            String::new()
        };
        let body = match (method.as_str(), path.as_str()) {
            ("POST", "/v1/insights") => draft("Repeated"),
            ("POST", "/v1/users") => user,
            ("POST", "/v1/tokens") => json!({ "name": "t", "scopes": ["insights:write"] }),
            ("POST", "/v1/categories" | "/v1/tags" | "/v1/authors") | ("PATCH", _) if !path.contains("insights") => {
                json!({ "name": "Repeated" })
            }
            ("PATCH", _) => json!({ "title": "Repeated" }),
            _ => json!({}),
        };
        let path = path.replace("{id_or_slug}", &insight.id()).replace("{number}", "1").replace("{slug}", &slug).replace("{id}", &user_id);
        let media_type = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let key = format!("\"key-{repeated}\"");
        let headers = [("idempotency-key", key.as_str()), ("if-match", "*")];
        let mut answers = Vec::new();
        for _ in 0..2 {
            answers.push(admin.send(&method, &path, Some((media_type, body.to_string())), &headers).await);
        }
        assert!(answers[0].status < 300, "{method} {path}: {}", answers[0].text());
        assert_eq!(answers[1].header("idempotency-replayed"), "true", "{method} {path}");
        assert_eq!((answers[0].status, answers[0].text()), (answers[1].status, answers[1].text()), "{method} {path}");
        repeated += 1;
    }
    assert!(repeated >= 12, "only {repeated} writes can be replayed");
}

/// 64 concurrent requests: one insight, one response.
#[tokio::test(flavor = "multi_thread")]
async fn identical_concurrent_posts_create_one_insight() {
    let app = TestApp::with_terms().await;
    let other = app.second_node_if_shared().await;
    let token = app.machine_token(&[insights::domain::authority::Scope::Admin]).await;
    let mut nodes = vec![app.with_token(&token)];
    nodes.extend(other.as_ref().map(|node| node.with_token(&token)));
    for round in 0..100 {
        let (key, body) = (format!("\"round-{round}\""), draft(&format!("Round {round}")));
        let requests = (0..64).map(|n| keyed(&nodes[n % nodes.len()], &key, &body));
        let answers = join_all(requests).await;
        let created: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
        assert!(!created.is_empty());
        for answer in &answers {
            match answer.status {
                201 => assert_eq!((answer.text(), answer.etag()), (created[0].text(), created[0].etag())),
                409 => assert_eq!(answer.json()["code"], "idempotency-in-progress"),
                other => panic!("{other}: {}", answer.text()),
            }
        }
        assert_eq!(created.iter().filter(|answer| answer.header("idempotency-replayed").is_empty()).count(), 1);
    }
    let total = nodes[0].get("/v1/insights?status=any&count=exact&limit=1").await.json()["meta"]["total"].clone();
    assert_eq!(total, 100);
    app.app.settled().await.unwrap();
}
