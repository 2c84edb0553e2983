//! Sessions, machine tokens, users, keys.

use insights::domain::authority::Scope;
use serde_json::{Value, json};

use crate::support::TestApp;
use crate::support::client::pointers;

fn refresh(token: &Value) -> Value {
    json!({ "grant_type": "refresh_token", "refresh_token": token })
}

#[tokio::test]
async fn a_password_grant_accepts_json_and_forms() {
    let app = TestApp::start().await;
    let (client, granted) = app.signed_in("ada@example.org", "editor").await;
    assert_eq!((granted["token_type"].as_str(), granted["expires_in"].as_i64()), (Some("Bearer"), Some(900)));
    assert_eq!(granted["scope"], "insights:write insights:publish webhooks:manage");
    let me = client.get("/v1/auth/me").await.expect(200).json();
    assert_eq!((me["name"].as_str(), me["role"].as_str()), (Some("ada@example.org"), Some("editor")));
    let form = "grant_type=password&email=ADA%40example.org&password=correct+horse+battery".to_owned();
    let response = app.anonymous().send("POST", "/v1/auth/token", Some(("application/x-www-form-urlencoded", form)), &[]).await.expect(200);
    assert_eq!(response.header("cache-control"), "private, no-store");
    app.anonymous().send("POST", "/v1/auth/token", Some(("text/plain", "x".to_owned())), &[]).await.problem(415, "unsupported-media-type");
    let problem = app.anonymous().post("/v1/auth/token", json!({ "grant_type": "magic" })).await.problem(422, "validation-failed");
    assert_eq!(pointers(&problem), ["/grant_type", "/email", "/password"]);
    app.advance(900_000);
    client.get("/v1/auth/me").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn reusing_a_refresh_token_revokes_the_session() {
    let app = TestApp::start().await;
    let (first, granted) = app.signed_in("ada@example.org", "editor").await;
    let second = app.anonymous().post("/v1/auth/token", refresh(&granted["refresh_token"])).await.expect(200).json();
    let renewed = app.with_token(second["access_token"].as_str().unwrap());
    renewed.get("/v1/auth/me").await.expect(200);
    app.anonymous().post("/v1/auth/token", refresh(&granted["refresh_token"])).await.problem(401, "unauthenticated");
    for client in [&first, &renewed] {
        client.get("/v1/auth/me").await.problem(401, "unauthenticated");
    }
    app.anonymous().post("/v1/auth/token", refresh(&second["refresh_token"])).await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_uses_of_a_refresh_token_succeed_at_most_once() {
    let app = TestApp::start().await;
    let (_, granted) = app.signed_in("ada@example.org", "editor").await;
    let uses = (0..20).map(|_| {
        let (client, body) = (app.anonymous(), refresh(&granted["refresh_token"]));
        async move { client.post("/v1/auth/token", body).await.status }
    });
    let responses = futures_util::future::join_all(uses).await;
    assert_eq!(responses.iter().filter(|status| **status == 200).count(), 1, "{responses:?}");
    assert!(responses.iter().all(|status| [200, 401].contains(status)), "{responses:?}");
}

#[tokio::test]
async fn revoking_a_token_revokes_its_session_or_machine_token() {
    let app = TestApp::start().await;
    let (client, granted) = app.signed_in("ada@example.org", "editor").await;
    app.anonymous().post("/v1/auth/revoke", json!({ "token": "unknown" })).await.expect(200);
    app.anonymous().post("/v1/auth/revoke", json!({ "token": granted["access_token"] })).await.expect(200);
    client.get("/v1/auth/me").await.problem(401, "unauthenticated");
    app.anonymous().post("/v1/auth/token", refresh(&granted["refresh_token"])).await.problem(401, "unauthenticated");
    let machine = app.machine_token(&[Scope::Admin]).await;
    let form = format!("token={machine}");
    app.anonymous().send("POST", "/v1/auth/revoke", Some(("application/x-www-form-urlencoded", form)), &[]).await.expect(200);
    app.with_token(&machine).get("/v1/auth/me").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn failed_sign_ins_are_throttled_for_known_and_unknown_accounts_alike() {
    let app = TestApp::start().await;
    app.signed_in("ada@example.org", "editor").await;
    for email in ["ada@example.org", "nobody@example.org"] {
        let attempt = json!({ "grant_type": "password", "email": email, "password": "wrong password" });
        let mut first = None;
        for _ in 0..10 {
            let problem = app.anonymous().post("/v1/auth/token", attempt.clone()).await.problem(401, "unauthenticated");
            let detail = problem["detail"].clone();
            assert_eq!(*first.get_or_insert(detail.clone()), detail);
        }
        let refused = app.anonymous().post("/v1/auth/token", attempt).await;
        assert_eq!(refused.header("retry-after"), "901");
        refused.problem(429, "quota-exceeded");
    }
    let right = json!({ "grant_type": "password", "email": "ada@example.org", "password": "correct horse battery" });
    app.anonymous().post("/v1/auth/token", right.clone()).await.problem(429, "quota-exceeded");
    app.advance(901_000);
    app.anonymous().post("/v1/auth/token", right).await.expect(200);
}

#[tokio::test]
async fn changing_a_password_or_disabling_a_user_revokes_their_tokens() {
    let app = TestApp::start().await;
    let root = app.admin().await;
    for change in [json!({ "password": "another long password" }), json!({ "disabled": true }), json!({ "role": "editor" })] {
        let email = format!("user{}@example.org", change.as_object().unwrap().keys().next().unwrap());
        let (client, granted) = app.signed_in(&email, "admin").await;
        let id = client.get("/v1/auth/me").await.json()["user_id"].as_str().unwrap().to_owned();
        let created_token = client.post("/v1/tokens", json!({ "name": "mine", "scopes": ["admin"] })).await.expect(201).json();
        let machine = app.with_token(created_token["token"].as_str().unwrap());
        machine.get("/v1/users").await.expect(200);
        root.patch(&format!("/v1/users/{id}"), "*", change.clone()).await.expect(200);
        if change.get("role").is_some() {
            machine.get("/v1/users").await.problem(403, "insufficient-scope");
            client.get("/v1/users").await.problem(403, "insufficient-scope");
            continue;
        }
        client.get("/v1/auth/me").await.problem(401, "unauthenticated");
        machine.get("/v1/auth/me").await.problem(401, "unauthenticated");
        app.anonymous().post("/v1/auth/token", refresh(&granted["refresh_token"])).await.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn administrators_create_change_and_delete_users() {
    let app = TestApp::start().await;
    let root = app.admin().await;
    let input = json!({ "email": "Ada@Example.org", "name": "Ada", "role": "admin", "password": "correct horse battery" });
    let created = root.post("/v1/users", input.clone()).await.expect(201);
    assert_eq!(created.json()["email"], "ada@example.org");
    assert!(!created.text().contains("argon2"));
    let path = format!("/v1/users/{}", created.id());
    assert_eq!(pointers(&root.post("/v1/users", input).await.problem(409, "in-use")), ["/email"]);
    let problem = root.post("/v1/users", json!({ "email": "x", "name": "", "role": "king", "password": "short" })).await;
    assert_eq!(pointers(&problem.problem(422, "validation-failed")), ["/email", "/name", "/role", "/password"]);
    root.patch(&path, "*", json!({ "role": "author" })).await.problem(409, "in-use");
    root.delete(&path, "*").await.problem(409, "in-use");
    let other = json!({ "email": "grace@example.org", "name": "Grace", "role": "admin", "password": "correct horse battery" });
    root.post("/v1/users", other).await.expect(201);
    let renamed = root.patch(&path, &created.etag(), json!({ "name": "Ada L." })).await.expect(200);
    root.patch(&path, &created.etag(), json!({ "name": "x" })).await.problem(412, "stale-revision");
    assert_eq!(root.get("/v1/users").await.each("name"), ["Ada L.", "Grace"]);
    assert_eq!(root.get(&path).await.etag(), renamed.etag());
    root.delete(&path, "*").await.expect(204);
    root.get(&path).await.problem(404, "not-found");
}

#[tokio::test]
async fn machine_tokens_are_shown_once_and_expire() {
    let app = TestApp::start().await;
    let root = app.admin().await;
    let input = json!({ "name": "nightly", "scopes": ["insights:write"], "expires_at": "2026-11-23T13:00:00Z" });
    let created_token = root.post("/v1/tokens", input).await.expect(201).json();
    let secret = created_token["token"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("ins_") && secret.len() == 60);
    let path = format!("/v1/tokens/{}", created_token["id"].as_str().unwrap());
    assert_eq!(root.get(&path).await.expect(200).json()["last_used_at"], Value::Null);
    app.with_token(&secret).get("/v1/auth/me").await.expect(200);
    let shown = root.get(&path).await.expect(200);
    assert_eq!(shown.json()["last_used_at"], "2026-11-23T12:00:00Z");
    assert!(!shown.text().contains(&secret) && !root.get("/v1/tokens").await.text().contains(&secret));
    app.with_token(&secret).get("/v1/users").await.problem(403, "insufficient-scope");
    app.advance(3_600_000);
    app.with_token(&secret).get("/v1/auth/me").await.problem(401, "unauthenticated");
    root.delete(&path, "*").await.expect(204);
    root.get(&path).await.problem(404, "not-found");
    let past = json!({ "name": "late", "scopes": ["admin"], "expires_at": "2020-01-01T00:00:00Z" });
    assert_eq!(pointers(&root.post("/v1/tokens", past).await.problem(422, "validation-failed")), ["/expires_at"]);
}

#[tokio::test]
async fn the_next_signing_key_is_published_before_it_signs() {
    let app = TestApp::start().await;
    let kids = |set: &Value| set["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect::<Vec<_>>();
    let before = app.anonymous().get("/.well-known/jwks.json").await.expect(200).json();
    assert_eq!(kids(&before).len(), 2);
    assert_eq!((before["keys"][0]["kty"].as_str(), before["keys"][0]["crv"].as_str()), (Some("OKP"), Some("Ed25519")));
    let (old, _) = app.signed_in("ada@example.org", "editor").await;
    app.advance(30 * 24 * 3_600_000 - 60_000);
    app.app.keys.rotate(app.store(), app.now()).await.unwrap();
    assert_eq!(app.anonymous().get("/.well-known/jwks.json").await.json(), before, "not yet");
    let (young, _) = app.signed_in("grace@example.org", "editor").await;
    app.advance(120_000);
    app.app.keys.rotate(app.store(), app.now()).await.unwrap();
    let after = app.anonymous().get("/.well-known/jwks.json").await.json();
    assert_eq!(kids(&after).len(), 3, "the old key is believed as long as its tokens live");
    young.get("/v1/auth/me").await.expect(200);
    let (new, granted) = app.signed_in("joan@example.org", "editor").await;
    new.get("/v1/auth/me").await.expect(200);
    let kid = jsonwebtoken::decode_header(granted["access_token"].as_str().unwrap()).unwrap().kid.unwrap();
    assert_eq!(kids(&before)[1], kid.as_str(), "what was announced is what signs");
    old.get("/v1/auth/me").await.problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_failed_sign_ins_are_throttled() {
    let app = TestApp::start().await;
    let attempt = json!({ "grant_type": "password", "email": "ada@example.org", "password": "wrong password" });
    let anonymous = app.anonymous();
    let responses = futures_util::future::join_all((0..60).map(|_| anonymous.post("/v1/auth/token", attempt.clone()))).await;
    assert_eq!(responses.iter().filter(|response| response.status == 401).count(), 10);
    assert_eq!(responses.iter().filter(|response| response.status == 429).count(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_administrator_cannot_be_removed() {
    let app = TestApp::start().await;
    let root = app.admin().await;
    for round in 0..5 {
        let ids = futures_util::future::join_all(["a", "b"].map(|name| {
            let (root, email) = (root.clone(), format!("{name}{round}@example.org"));
            let input = json!({ "email": email, "name": name, "role": "admin", "password": "correct horse battery" });
            async move { root.post("/v1/users", input).await.expect(201).id() }
        }))
        .await;
        let demoted = futures_util::future::join_all(ids.iter().map(|id| {
            let (root, path) = (root.clone(), format!("/v1/users/{id}"));
            async move { root.patch(&path, "*", json!({ "role": "author" })).await.status }
        }))
        .await;
        assert!(demoted.iter().all(|status| [200, 409].contains(status)), "{demoted:?}");
        assert!(root.get("/v1/users?limit=100").await.each("role").contains(&json!("admin")), "no administrator is left");
        for id in ids {
            root.patch(&format!("/v1/users/{id}"), "*", json!({ "role": "author" })).await;
        }
    }
}
