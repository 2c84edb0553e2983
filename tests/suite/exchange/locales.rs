//! The reference site in its three languages, from the API alone.

use serde_json::{Value, json};

use crate::support::TestApp;

#[tokio::test]
async fn lists_and_insights_have_every_language_of_the_site() {
    let app = TestApp::start_with(|settings| settings.demo = true).await;
    let anyone = app.anonymous();
    let site = anyone.get("/v1/site").await.expect(200).json();
    assert_eq!(site["locales"], json!(["en", "de", "it"]));
    for (locale, own) in [("en", 6), ("de", 2), ("it", 2), ("it-CH", 2)] {
        let cards = anyone.get(&format!("/v1/insights?locale={locale}")).await.expect(200).json()["data"].as_array().unwrap().clone();
        assert_eq!(cards.len(), 6);
        let language = locale.split('-').next().unwrap();
        let translated: Vec<&Value> = cards.iter().filter(|card| card["locale"] == language).collect();
        assert_eq!(translated.len(), own, "{locale}");
        for card in &cards {
            for name in ["title", "excerpt", "published_at", "slug"] {
                assert!(card[name].as_str().is_some_and(|text| !text.is_empty()), "{name} of {card}");
            }
            assert!(card["category"]["name"].is_string() && card["reading_minutes"].as_i64() > Some(0));
            let fallback = card["locale"] == "en" || card["locale"] == language;
            assert!(fallback, "{card}");
        }
        let page = anyone.get(&format!("/v1/insights/commit-before-async-io?locale={locale}")).await.expect(200);
        assert_eq!(page.header("content-language"), language);
        let link = page.header("link");
        for alternate in ["en", "de", "it", "x-default"] {
            assert!(link.contains(&format!("hreflang=\"{alternate}\"")), "{link}");
        }
        assert!(link.contains(&format!("<{}/v1/insights/commit-before-async-io?locale=de>; rel=\"alternate\"; hreflang=\"de\"", app.url)));
        let fallback = anyone.get(&format!("/v1/insights/expression-index-ignored?locale={locale}")).await.expect(200);
        assert_eq!(fallback.header("content-language"), "en");
        assert_eq!(fallback.json()["available_locales"], json!(["en"]));
    }
    let found = anyone.get("/v1/search?q=alternanza&locale=it").await.expect(200);
    assert_eq!(found.status, 200);
}

/// A PATCH of `translations` changes one locale, and the others stay.
#[tokio::test]
async fn a_patch_adds_and_removes_one_locale() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let created = admin.create("English").await;
    let path = format!("/v1/insights/{}", created.id());
    let text = |title: &str| json!({ "title": title, "body_markdown": "Text." });
    let german = admin.patch(&path, &created.etag(), json!({ "translations": { "de": text("Deutsch") } })).await.expect(200);
    let italian = admin.patch(&path, &german.etag(), json!({ "translations": { "it": text("Italiano") } })).await.expect(200);
    assert_eq!(italian.json()["available_locales"], json!(["de", "en", "it"]));
    let fixed =
        admin.patch(&path, &italian.etag(), json!({ "translations": { "it": { "title": "Italiano!" }, "de": null } })).await.expect(200);
    assert_eq!(fixed.json()["available_locales"], json!(["en", "it"]));
    let revision = admin.get(&format!("{path}/revisions/4")).await.expect(200).json();
    assert_eq!(revision["content"]["translations"], json!({ "it": { "title": "Italiano!", "excerpt": null, "body_markdown": "Text." } }));
}
