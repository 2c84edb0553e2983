//! Related insights: the most similar visible ones with their reason, without the insight itself.

use serde_json::json;

use crate::support::TestApp;

#[tokio::test]
async fn related_insights_are_ordered_by_similarity_with_their_reason() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let publish = async |title: &str, body: &str, category: &str, tags: &[&str]| {
        let input = json!({ "title": title, "body_markdown": body, "category": category, "tags": tags });
        let created = admin.post("/v1/insights", input).await.expect(201);
        admin.act(&format!("/v1/insights/{}/publish", created.id()), "*", json!({})).await.expect(200);
        created.slug()
    };
    let subject =
        publish("Vacuum and bloat", "Autovacuum lagged behind; the bloat grew with every tuple.", "debugging", &["sql", "ops"]).await;
    publish("More on bloat", "Tuple bloat, and how autovacuum was tuned.", "infrastructure", &[]).await;
    publish("Tagged alike", "Nothing shared in words here whatsoever.", "infrastructure", &["sql", "ops"]).await;
    publish("Same shelf", "Entirely different content sits here.", "debugging", &[]).await;
    publish("Elsewhere", "Unconnected prose.", "distributed-systems", &["rust"]).await;
    admin.create("Vacuum bloat autovacuum draft").await;
    let anyone = app.anonymous();
    let answer = anyone.get(&format!("/v1/insights/{subject}/related")).await.expect(200);
    let related: Vec<(String, String)> = answer.json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| (hit["insight"]["title"].as_str().unwrap().to_owned(), hit["reason"].as_str().unwrap().to_owned()))
        .collect();
    let pair = |title: &str, reason: &str| (title.to_owned(), reason.to_owned());
    assert_eq!(
        related[..2].iter().collect::<std::collections::BTreeSet<_>>(),
        [&pair("More on bloat", "text"), &pair("Tagged alike", "tags")].into()
    );
    assert_eq!(related[2], pair("Same shelf", "category"));
    assert!(!related.iter().any(|(title, _)| title == "Vacuum and bloat" || title.contains("draft")), "{related:?}");
    assert_eq!(anyone.get(&format!("/v1/insights/{subject}/related?limit=1")).await.json()["data"].as_array().unwrap().len(), 1);
    // The same with `include=related` in lists and single insights.
    let list = anyone.get("/v1/insights?include=related&limit=2").await.expect(200).json();
    assert!(list["data"].as_array().unwrap().iter().all(|item| item["related"].is_array()), "{list}");
    let one = anyone.get(&format!("/v1/insights/{subject}?include=related")).await.expect(200).json();
    assert_eq!(one["related"].as_array().unwrap().len(), 3);
    assert!(anyone.get(&format!("/v1/insights/{subject}")).await.json()["related"].is_null());
    anyone.get("/v1/insights/there-is-none/related").await.problem(404, "not-found");
    // An old slug redirects to the new one.
    admin.patch(&format!("/v1/insights/{subject}"), "*", json!({ "slug": "moved-on" })).await.expect(200);
    admin.act("/v1/insights/moved-on/publish", "*", json!({})).await.expect(200);
    let answer = anyone.get("/v1/insights/moved-on/related").await.expect(200);
    assert!(!answer.text().contains("\"slug\":\"moved-on\""));
}
