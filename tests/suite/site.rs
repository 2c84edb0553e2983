//! The site's settings.

use insights::domain::authority::Scope;
use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn the_site_exists_from_the_first_start_and_can_be_replaced() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    let before = app.anonymous().get("/v1/site").await.expect(200);
    assert_eq!(before.json()["default_locale"], "en");
    let input = json!({
        "name": "ZERONE", "title": "Insights", "headline": "H", "intro": "I", "base_url": "https://zerone.example/", "default_locale": "en",
        "locales": ["de", "it"], "translations": { "de": { "title": "Einblicke", "headline": "Ü" } },
    });
    let editor = app.with_token(&app.machine_token(&[Scope::InsightsWrite, Scope::InsightsPublish]).await);
    editor.send("PUT", "/v1/site", Some(("application/json", input.to_string())), &[]).await.problem(403, "insufficient-scope");
    let after = admin.put("/v1/site", &before.etag(), input.clone()).await.expect(200);
    assert_eq!(after.json()["locales"], json!(["en", "de", "it"]), "the default locale is one of them");
    assert_eq!(after.json()["base_url"], "https://zerone.example");
    admin.put("/v1/site", &before.etag(), input).await.problem(412, "stale-revision");
    let german = app.anonymous().get("/v1/site?locale=de-CH").await.json();
    assert_eq!((german["title"].as_str(), german["intro"].as_str()), (Some("Einblicke"), Some("I")));
    assert_eq!(app.anonymous().get("/v1/site").await.etag(), after.etag(), "the validator depends on the token");
    admin.put("/v1/site", "*", json!({ "name": "", "theme": 1 })).await.problem(422, "validation-failed");
}
