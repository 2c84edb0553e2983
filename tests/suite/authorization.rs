//! Every operation of the document refuses every kind of insufficient token.

use insights::domain::authority::{Admin, Origin, Scope};
use insights::domain::user::TokenDraft;
use insights::editorial::accounts;
use insights::editorial::keys::{AUDIENCE, Claims};
use insights::http::routes::document;
use insights::store;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::openapi::operations;
use crate::support::TestApp;

/// Invalid tokens, each with the reason.
async fn bad_tokens(app: &TestApp) -> Vec<(&'static str, String)> {
    let (_, granted) = app.signed_in("admin@example.org", "admin").await;
    let good = granted["access_token"].as_str().unwrap().to_owned();
    app.with_token(&good).get("/v1/auth/me").await.expect(200);
    let key = store::keys::list(app.store().reader()).await.unwrap().remove(0);
    let claims: Claims = {
        use base64::Engine as _;
        let payload = good.split('.').nth(1).unwrap();
        serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    };
    let header = Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::EdDSA) };
    let sign = |claims: &Value| jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(&key.private_key)).unwrap();
    let with = |name: &str, value: Value| {
        let mut changed = json!(claims);
        changed[name] = value;
        sign(&changed)
    };
    let without = |name: &str| {
        let mut changed = json!(claims);
        changed.as_object_mut().unwrap().remove(name);
        sign(&changed)
    };
    assert_eq!(claims.aud, AUDIENCE);
    app.with_token(&sign(&json!(claims))).get("/v1/auth/me").await.expect(200);
    let part = |header: Value| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header.to_string())
    };
    let payload = good.split('.').nth(1).unwrap();
    let hs256 = Header { kid: Some(key.kid.clone()), ..Header::new(Algorithm::HS256) };
    let draft = TokenDraft { name: "gone".to_owned(), scopes: vec![Scope::Admin], expires_at: None };
    let (admin, store, now) = (Admin::system(Origin::Cli), app.store(), app.now());
    let pending = accounts::create_token(store, &admin, draft, now).await.unwrap();
    let (row, revoked) = pending.commit(store, now).await.unwrap();
    accounts::revoke_token(store, &admin, row.id, now).await.unwrap().commit(store, now).await.unwrap();
    let (_, other) = app.signed_in("leaver@example.org", "admin").await;
    app.anonymous().post("/v1/auth/revoke", json!({ "token": other["refresh_token"] })).await.expect(200);
    vec![
        ("expired", with("exp", json!(app.now().seconds() - 1))),
        ("not yet good", with("nbf", json!(app.now().seconds() + 60))),
        ("for another audience", with("aud", json!("somebody-else"))),
        ("without audience", without("aud")),
        ("of another issuer", with("iss", json!("https://evil.example"))),
        ("without issuer", without("iss")),
        ("without expiry", without("exp")),
        ("of no session", with("sid", json!(uuid::Uuid::nil()))),
        ("of another user", with("sub", json!(uuid::Uuid::nil()))),
        ("alg none", format!("{}.{payload}.", part(json!({ "alg": "none", "typ": "JWT", "kid": key.kid })))),
        ("HS256 with the public key", jsonwebtoken::encode(&hs256, &claims, &EncodingKey::from_secret(&key.public_key)).unwrap()),
        ("truncated", good[..good.len() - 4].to_owned()),
        ("unsigned", good.rsplit_once('.').unwrap().0.to_owned()),
        ("a revoked session's", other["access_token"].as_str().unwrap().to_owned()),
        ("a revoked machine token", revoked.clone()),
        ("a machine token with a typing error", format!("{}0", &revoked[..revoked.len() - 1])),
        ("a refresh token", granted["refresh_token"].as_str().unwrap().to_owned()),
        ("nonsense", "x".to_owned()),
    ]
}

fn concrete_path(path: &str) -> String {
    let id = "01a2074d-74b5-753d-bf53-d2dad79ec7e6";
    path.replace("{id_or_slug}", id)
        .replace("{slug}", "debugging")
        .replace("{id}", id)
        .replace("{number}", "1")
        .replace("{code}", "internal")
        .replace("{asset}", "init.js")
}

/// The scopes that the document requires of an operation; `None` if it needs no token.
fn required_scopes(operation: &Value) -> Option<Vec<String>> {
    let security = operation["security"].as_array().unwrap();
    if security.iter().any(|entry| entry.as_object().unwrap().is_empty()) {
        return None;
    }
    let scopes = security.iter().find_map(|entry| entry.get("password")).unwrap();
    Some(scopes.as_array().unwrap().iter().map(|scope| scope.as_str().unwrap().to_owned()).collect())
}

#[tokio::test]
async fn every_operation_refuses_invalid_tokens() {
    let app = TestApp::with_terms().await;
    let bad = bad_tokens(&app).await;
    let mut secured = 0;
    for (method, path, operation) in operations(&document()) {
        let path = concrete_path(&path);
        let reads_token = operation["security"].as_array().unwrap().iter().any(|entry| entry.get("bearer").is_some());
        if !reads_token {
            continue;
        }
        for (what, token) in &bad {
            let response = app.with_token(token).send(&method, &path, Some(("application/json", "{".to_owned())), &[]).await;
            assert!(response.header("www-authenticate").starts_with("Bearer"), "{method} {path} with a token {what}");
            assert_eq!(response.status, 401, "{method} {path} with a token {what}: {}", response.text());
        }
        if let Some(scopes) = required_scopes(&operation) {
            secured += 1;
            let response = app.anonymous().send(&method, &path, Some(("application/json", "{".to_owned())), &[]).await;
            assert!(!response.header("www-authenticate").is_empty());
            response.problem(401, "unauthenticated");
            insufficient_token_is_refused(&app, &method, &path, &scopes).await;
        }
    }
    assert!(secured >= 30, "only {secured} operations are secured");
}

/// Every scope but the required one (and `admin`, which includes all).
async fn insufficient_token_is_refused(app: &TestApp, method: &str, path: &str, scopes: &[String]) {
    let Some(needed) = scopes.first().map(|scope| Scope::parse(scope).unwrap()) else { return };
    let others: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| *scope != needed && *scope != Scope::Admin).collect();
    let weak = app.with_token(&app.machine_token(&others).await);
    let problem = weak.send(method, path, Some(("application/json", "{".to_owned())), &[]).await.problem(403, "insufficient-scope");
    assert_eq!(problem["required_scope"], needed.as_str(), "{method} {path}");
}
