//! The trash, which maintenance empties, and the audit log, which is append-only.

use serde_json::{Value, json};

use crate::support::TestApp;

const DAY: i64 = 24 * 60 * 60 * 1000;

#[tokio::test]
async fn an_insight_in_the_trash_is_purged_after_thirty_days() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let live = admin.publish("Live").await;
    let path = format!("/v1/insights/{}", live.id());
    admin.delete(&path, &live.etag()).await.expect(204);
    let item = admin.get("/v1/insights?status=deleted").await.expect(200).json()["data"][0].clone();
    assert_eq!((&item["deleted_at"], &item["purge_at"]), (&json!("2026-11-23T12:00:00Z"), &json!("2026-12-23T12:00:00Z")));
    assert!(admin.get("/v1/insights?status=any").await.json()["data"].as_array().unwrap().is_empty());
    app.advance(29 * DAY);
    insights::app::run_maintenance(app.store(), app.now()).await;
    admin.act(&format!("{path}/restore"), &live.etag(), json!({})).await.expect(200);
    app.anonymous().get("/v1/insights/live").await.expect(200);
    admin.delete(&path, "*").await.expect(204);
    app.advance(30 * DAY);
    insights::app::run_maintenance(app.store(), app.now()).await;
    admin.act(&format!("{path}/restore"), "*", json!({})).await.problem(404, "not-found");
    let log = admin.get("/v1/audit-log?action=purged").await.expect(200).json()["data"][0].clone();
    assert_eq!((&log["origin"], &log["label"]), (&json!("system"), &json!("live")));
}

#[tokio::test]
async fn the_audit_log_records_who_did_what_in_which_request() {
    use sea_orm::{ConnectionTrait as _, Statement};
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let (ada, _) = app.signed_in("ada@example.org", "editor").await;
    let created = ada
        .send(
            "POST",
            "/v1/insights",
            Some(("application/json", crate::support::app::draft("Logged").to_string())),
            &[("x-request-id", "my-request")],
        )
        .await
        .expect(201);
    let path = format!("/v1/insights/{}", created.id());
    ada.act(&format!("{path}/publish"), &created.etag(), json!({})).await.expect(200);
    let published = ada.get(&path).await;
    ada.patch(&path, &published.etag(), json!({ "title": "Logged" })).await.expect(200);
    ada.post("/v1/insights", json!({})).await.expect(422);
    let of = |query: String| {
        let admin = admin.clone();
        async move { admin.get(&format!("/v1/audit-log?{query}")).await.expect(200).json()["data"].as_array().unwrap().clone() }
    };
    let entries = of(format!("resource_id={}", created.id())).await;
    let actions: Vec<&Value> = entries.iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, [&json!("published"), &json!("created")]);
    assert_eq!((&entries[1]["request_id"], &entries[1]["made_by"]["name"]), (&json!("my-request"), &json!("ada@example.org")));
    assert_eq!(
        (&entries[1]["resource"], &entries[1]["label"], &entries[1]["origin"]),
        (&json!("insight"), &json!("logged"), &json!("api"))
    );
    let user = entries[1]["made_by"]["user_id"].as_str().unwrap();
    assert_eq!(of("request_id=my-request".to_owned()).await.len(), 1);
    assert_eq!(of(format!("user_id={user}&resource=insight")).await.len(), 2);
    assert_eq!(of(format!("user_id={user}&action=signed-in")).await.len(), 1);
    assert_eq!(of("resource=category".to_owned()).await.len(), 4);
    assert!(of("before=2020-01-01".to_owned()).await.is_empty());
    let leaver = app.machine_token(&[insights::domain::authority::Scope::Admin]).await;
    app.anonymous().post("/v1/auth/revoke", json!({ "token": leaver })).await.expect(200);
    assert_eq!(of("action=revoked&resource=token".to_owned()).await.len(), 1);
    // Pages do not overlap.
    let first = admin.get("/v1/audit-log?limit=3").await.expect(200).json();
    let next =
        admin.get(&format!("/v1/audit-log?limit=3&cursor={}", first["page"]["next_cursor"].as_str().unwrap())).await.expect(200).json();
    assert_eq!(next["data"][0]["sequence"].as_i64().unwrap() + 1, first["data"][2]["sequence"].as_i64().unwrap());
    ada.get("/v1/audit-log").await.problem(403, "insufficient-scope");
    let db = app.store().writer();
    for wrong in ["UPDATE audit_log SET action = 'nothing'", "DELETE FROM audit_log"] {
        assert!(db.execute_raw(Statement::from_string(db.get_database_backend(), wrong)).await.is_err(), "{wrong}");
    }
}
