//! Dry runs (`validate_only=true`): every check and permission, and no change.

use insights::domain::authority::{Editor, Origin};
use insights::editorial::imports::{self, ImportMode};
use insights::http::routes::document;
use insights::store;
use serde_json::{Value, json};

use crate::openapi::operations;
use crate::support::TestApp;
use crate::support::app::draft;

#[tokio::test]
async fn a_dry_run_shows_what_would_be_stored_and_warns() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    admin.publish("Known title").await;
    let body = "# One\n\n### Three\n\nSome words [here](/insights/there-is-none) and [there](#nowhere) and [known](/insights/known-title).\n\n![](https://example.org/a.png)\n\n<script>alert(1)</script>\n";
    let input = json!({ "title": "Known title", "body_markdown": body, "category": "debugging", "translations": { "de": { "title": "T", "body_markdown": "![](x.png)" } } });
    let report = admin.post("/v1/insights?validate_only=true", input.clone()).await.expect(200);
    assert_eq!(report.header("content-type"), "application/vnd.insights.report+json");
    assert!(report.header("location").is_empty());
    let report = report.json();
    assert_eq!(report["slug"], "known-title-2");
    assert_eq!(report["excerpt"], "Some words here and there and known.");
    assert_eq!(report["reading_minutes"], 1);
    assert_eq!(report["body"]["toc"][1]["id"], "three");
    assert!(report.get("id").is_none());
    let mut codes: Vec<(String, String)> = report["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| (warning["pointer"].as_str().unwrap().to_owned(), warning["code"].as_str().unwrap().to_owned()))
        .collect();
    codes.sort();
    let expected = [
        ("/body_markdown", "dead-anchor"),
        ("/body_markdown", "dead-link"),
        ("/body_markdown", "heading-jump"),
        ("/body_markdown", "missing-alt"),
        ("/body_markdown", "stripped-html"),
        ("/title", "duplicate-title"),
        ("/translations/de/body_markdown", "missing-alt"),
    ];
    assert_eq!(codes, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    admin.post("/v1/insights?validate_only=true", json!({ "title": "T" })).await.problem(422, "validation-failed");
    admin.post("/v1/insights?validate_only=perhaps", input.clone()).await.problem(400, "invalid-parameter");
    app.anonymous().post("/v1/insights?validate_only=true", input).await.problem(401, "unauthenticated");
}

/// A dry run does not reveal unpublished insights of others to an author.
#[tokio::test]
async fn a_dry_run_warns_only_about_what_the_caller_may_see() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    admin.create("Secret plan").await;
    let (author, _) = app.signed_in("author@example.org", "author").await;
    let input =
        json!({ "title": "Secret plan", "body_markdown": "[a](/insights/secret-plan) [b](/insights/nothing)", "category": "debugging" });
    let codes = |report: Value| -> Vec<String> {
        report["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].as_str().unwrap().to_owned()).collect()
    };
    let report = author.post("/v1/insights?validate_only=true", input.clone()).await.expect(200).json();
    assert_eq!(codes(report), ["dead-link", "dead-link"]);
    let report = admin.post("/v1/insights?validate_only=true", input).await.expect(200).json();
    assert_eq!(codes(report), ["unpublished-link", "dead-link", "duplicate-title"]);
}

/// Every row of every table, in one text.
async fn dump(app: &TestApp) -> String {
    use sea_orm::{ConnectionTrait as _, Statement};
    let db = app.store().reader();
    let mut out = Vec::new();
    for table in [
        "insights",
        "slugs",
        "revisions",
        "revision_texts",
        "revision_bodies",
        "revision_tags",
        "live_tags",
        "categories",
        "tags",
        "authors",
        "site",
        "changes",
        "transitions",
        "users",
        "tokens",
        "sessions",
        "preview_tokens",
        "idempotency_keys",
        "audit_log",
        "imports",
        "import_items",
    ] {
        let text = if app.store().is_postgres() {
            format!("SELECT coalesce(string_agg(t::text, '|' ORDER BY t::text), '') AS all_rows FROM {table} t")
        } else {
            let columns: Vec<String> = db
                .query_all_raw(Statement::from_string(db.get_database_backend(), format!("SELECT name FROM pragma_table_info('{table}')")))
                .await
                .unwrap()
                .iter()
                .filter_map(|row| row.try_get::<String>("", "name").ok())
                .map(|name| format!("quote({name})"))
                .collect();
            format!("SELECT coalesce(group_concat({}, '|'), '') AS all_rows FROM {table}", columns.join("||','||"))
        };
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), text)).await.unwrap().unwrap();
        out.push(format!("{table}: {}", row.try_get::<String>("", "all_rows").unwrap()));
    }
    out.join("\n")
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table of the input of each operation")]
async fn no_dry_run_changes_a_byte() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let live = admin.publish("Live").await;
    let trashed = admin.create("Trashed").await;
    admin.delete(&format!("/v1/insights/{}", trashed.id()), "*").await.expect(204);
    let draft_only = admin.create("Draft").await;
    admin.patch(&format!("/v1/insights/{}", draft_only.id()), "*", json!({ "title": "Draft again" })).await.expect(200);
    let preview = admin.post(&format!("/v1/insights/{}/preview-tokens", live.id()), json!({})).await.expect(201);
    let user = json!({ "email": "u@example.org", "name": "U", "role": "author", "password": "a long enough password" });
    let user_id = admin.post("/v1/users", user.clone()).await.expect(201).id();
    let token_id = admin.post("/v1/tokens", json!({ "name": "t", "scopes": ["admin"] })).await.expect(201).id();
    admin.post("/v1/tags", json!({ "name": "Unused" })).await.expect(201);
    let site = admin.get("/v1/site").await;
    let editor = Editor::system(Origin::Cli);
    let receiver = imports::begin(app.store(), &editor, ImportMode::default(), app.now()).await.unwrap();
    app.app.settled().await.unwrap();
    let (before, newest) = (dump(&app).await, store::changes::newest(app.store().reader()).await.unwrap());
    let mut count = 0;
    for (method, path, operation) in operations(&document()) {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        if !parameters.iter().any(|parameter| parameter["name"] == "validate_only") || path == "/v1/imports" {
            continue;
        }
        let id = operation["operationId"].as_str().unwrap();
        let insight = match id {
            "restore_insight" => trashed.id(),
            "unpublish_insight" | "delete_insight" => live.id(),
            _ if path.contains("preview-tokens") => live.id(),
            _ => draft_only.id(),
        };
        let body: Value = match id {
            "create_insight" | "replace_insight" => draft("Dry run"),
            "patch_insight" => json!({ "title": "Dry run", "slug": "dry-run" }),
            "create_user" => json!({ "email": "v@example.org", "name": "V", "role": "author", "password": "a long enough password" }),
            "replace_user" => user.clone(),
            "create_token" => json!({ "name": "n", "scopes": ["admin"] }),
            "replace_site" => json!({ "name": "N", "title": "T", "default_locale": "en", "locales": ["en"] }),
            _ if path.starts_with("/v1/insights") => json!({}),
            _ => json!({ "name": "Dry run" }),
        };
        let body = if method == "DELETE" || matches!(id, "unpublish_insight" | "restore_insight" | "restore_revision") {
            None
        } else {
            Some(body.to_string())
        };
        let slug = match path.split('/').nth(2).unwrap() {
            "categories" => "infrastructure",
            "tags" => "unused",
            _ => "ada",
        };
        let end = if path.contains("preview-tokens") {
            preview.id()
        } else if path.contains("imports") {
            receiver.id.to_string()
        } else if path.contains("tokens") {
            token_id.clone()
        } else {
            user_id.clone()
        };
        let path = path.replace("{id_or_slug}", &insight).replace("{number}", "1").replace("{slug}", slug).replace("{id}", &end);
        let media_type = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        let answer = admin
            .send(
                &method,
                &format!("{path}?validate_only=true"),
                body.map(|body| (media_type, body)),
                &[("if-match", "*"), ("idempotency-key", "\"k\"")],
            )
            .await
            .expect(200);
        assert_eq!(answer.header("content-type"), "application/vnd.insights.report+json", "{id}");
        assert!(answer.json()["warnings"].is_array() && answer.json().get("token").is_none(), "{id}: {}", answer.text());
        count += 1;
    }
    assert!(count >= 25, "only {count} writes have a dry run");
    assert_eq!(dump(&app).await, before);
    // No sequence number was used.
    admin.post("/v1/tags", json!({ "name": "Real" })).await.expect(201);
    assert_eq!(store::changes::newest(app.store().reader()).await.unwrap().0, newest.0 + 1);
    assert_eq!(admin.get("/v1/site").await.json()["name"], site.json()["name"]);
}
