//! `first_published_at`: when the first publication of an insight began.

use insights::domain::authority::Scope;
use insights::store::{integrity, transitions};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};

use crate::exchange::{import, items};
use crate::support::{Client, TestApp};

const START: &str = crate::support::app::START;
const HOUR: i64 = 3_600_000;

async fn first(client: &Client, path: &str) -> Value {
    let shown = client.get(path).await.expect(200).json();
    assert!(shown.as_object().unwrap().contains_key("first_published_at"), "{shown}");
    shown["first_published_at"].clone()
}

async fn sound(app: &TestApp) {
    assert_eq!(integrity::faults(app.store()).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn it_is_null_until_a_schedule_begins_by_the_clock_without_a_write() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let created = admin.create("Planned").await;
    let path = format!("/v1/insights/{}", created.id());
    assert_eq!(first(&admin, &path).await, Value::Null);
    let begin = "2026-11-23T12:10:00Z";
    admin.act(&format!("{path}/publish"), &created.etag(), json!({ "publish_at": begin })).await.expect(200);
    assert_eq!(first(&admin, &path).await, Value::Null, "a scheduled insight has not been published");
    assert_eq!(admin.get("/v1/insights?status=scheduled").await.each("first_published_at"), [Value::Null]);
    sound(&app).await;
    app.advance(599_999);
    assert_eq!(first(&admin, &path).await, Value::Null);
    app.advance(1);
    assert_eq!(first(&admin, &path).await, begin);
    assert_eq!(first(&app.anonymous(), "/v1/insights/planned").await, begin);
    assert_eq!(app.anonymous().get("/v1/insights").await.each("first_published_at"), [json!(begin)]);
    sound(&app).await;
}

#[tokio::test]
async fn a_schedule_that_is_withdrawn_or_moved_before_it_begins_leaves_nothing() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let path = format!("/v1/insights/{}", admin.create("Withdrawn").await.id());
    admin.act(&format!("{path}/publish"), "*", json!({ "publish_at": "2026-11-23T13:00:00Z" })).await.expect(200);
    admin.act(&format!("{path}/unpublish"), "*", json!({})).await.expect(200);
    app.advance(2 * HOUR);
    assert_eq!(first(&admin, &path).await, Value::Null);
    for at in ["2026-11-23T15:00:00Z", "2026-11-23T16:00:00Z"] {
        admin.act(&format!("{path}/publish"), "*", json!({ "publish_at": at })).await.expect(200);
    }
    app.advance(HOUR + HOUR / 2);
    assert_eq!(first(&admin, &path).await, Value::Null);
    app.advance(HOUR);
    assert_eq!(first(&admin, &path).await, "2026-11-23T16:00:00Z");
    sound(&app).await;
}

#[tokio::test]
async fn it_never_changes_after_the_first_publication_has_begun() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let path = format!("/v1/insights/{}", admin.publish("Lasting").await.id());
    let unchanged = async |when: &str| {
        app.advance(HOUR);
        assert_eq!(first(&admin, &path).await, START, "{when}");
        sound(&app).await;
    };
    unchanged("published").await;
    admin.patch(&path, "*", json!({ "title": "Lasting, revised" })).await.expect(200);
    unchanged("edited").await;
    admin.act(&format!("{path}/unpublish"), "*", json!({})).await.expect(200);
    unchanged("unpublished").await;
    admin.act(&format!("{path}/publish"), "*", json!({})).await.expect(200);
    unchanged("published again").await;
    let public = app.anonymous().get(&path).await.expect(200).json();
    assert_eq!((&public["published_at"], &public["first_published_at"]), (&json!("2026-11-23T15:00:00Z"), &json!(START)));
    admin.delete(&path, "*").await.expect(204);
    assert_eq!(admin.get("/v1/insights?status=deleted").await.each("first_published_at"), [json!(START)]);
    admin.act(&format!("{path}/restore"), "*", json!({})).await.expect(200);
    unchanged("restored").await;
    admin.act(&format!("{path}/publish"), "*", json!({ "publish_at": "2026-12-24T00:00:00Z" })).await.expect(200);
    unchanged("scheduled again").await;
    admin.act(&format!("{path}/publish"), "*", json!({ "publish_at": "2020-02-29T00:00:00Z" })).await.expect(200);
    unchanged("dated back").await;
}

#[tokio::test]
async fn every_representation_shows_it_and_no_write_sets_it() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let published = admin.publish("Shown").await;
    let path = format!("/v1/insights/{}", published.id());
    let partial = app.anonymous().get("/v1/insights?fields=first_published_at").await.expect(200).json();
    assert_eq!(partial["data"], json!([{ "first_published_at": START }]));
    let markdown = app.anonymous().get("/v1/insights/shown.md").await.expect(200).text();
    assert!(markdown.contains(&format!("\npublished_at: {START}\nfirst_published_at: {START}\n")), "{markdown}");
    let exported = admin.get("/v1/exports/insights").await.expect(200).text();
    let line: Value = serde_json::from_str(exported.lines().next().unwrap()).unwrap();
    assert_eq!(line["first_published_at"], START);
    let change = json!({ "first_published_at": "2020-01-01T00:00:00Z" });
    let mut whole = crate::support::app::draft("Shown");
    whole["first_published_at"] = change["first_published_at"].clone();
    for answer in [
        admin.patch(&path, "*", change.clone()).await,
        admin.put(&path, "*", whole.clone()).await,
        admin.post("/v1/insights", whole).await,
        admin.act(&format!("{path}/publish"), "*", change).await,
    ] {
        let problem = answer.problem(422, "validation-failed");
        assert_eq!(
            (&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]),
            (&json!("/first_published_at"), &json!("unknown-field"))
        );
    }
    assert_eq!(first(&admin, &path).await, START);
}

fn line(slug: &str, times: &Value) -> Value {
    let mut line = json!({ "slug": slug, "title": slug, "body_markdown": "Text.", "category": "debugging" });
    line.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
    line
}

#[tokio::test]
async fn an_import_sets_it() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let (first_at, later) = ("2019-01-01T00:00:00Z", "2026-01-01T00:00:00Z");
    let lines = [
        line("both", &json!({ "published_at": later, "first_published_at": first_at })),
        line("only-published", &json!({ "published_at": later })),
        line("draft", &json!({ "status": "draft", "first_published_at": first_at })),
        line("scheduled", &json!({ "published_at": "2030-01-01T00:00:00Z", "first_published_at": first_at })),
        line("planned", &json!({ "published_at": "2030-01-01T00:00:00Z", "first_published_at": "2029-01-01T00:00:00Z" })),
        line("now", &json!({ "status": "published", "first_published_at": first_at })),
    ];
    let done = import(&admin, "", &lines).await;
    assert_eq!(done["counts"]["created"], 6, "{done}");
    for (slug, expected) in [
        ("both", json!(first_at)),
        ("only-published", json!(later)),
        ("draft", json!(first_at)),
        ("scheduled", json!(first_at)),
        ("planned", Value::Null),
        ("now", json!(first_at)),
    ] {
        assert_eq!(first(&admin, &format!("/v1/insights/{slug}")).await, expected, "{slug}");
    }
    assert_eq!(import(&admin, "", &lines).await["counts"]["unchanged"], 6, "the same lines change nothing");
    // A line without it leaves it alone, one with another one sets it, whatever the line says about the status.
    let earlier = "2018-01-01T00:00:00Z";
    for (times, expected) in [
        (json!({ "status": "draft" }), first_at),
        (json!({ "status": "published" }), first_at),
        (json!({ "first_published_at": earlier }), earlier),
        (json!({ "status": "draft", "first_published_at": first_at }), first_at),
        (json!({ "first_published_at": earlier }), earlier),
    ] {
        let done = import(&admin, "", &[line("both", &times)]).await;
        assert_eq!(done["counts"]["failed"], 0, "{done}");
        assert_eq!(first(&admin, "/v1/insights/both").await, expected, "{times}");
    }
    sound(&app).await;
}

#[tokio::test]
async fn an_import_refuses_a_first_publication_that_cannot_be() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    for times in [
        json!({ "published_at": "2026-01-01T00:00:00Z", "first_published_at": "2027-01-02T00:00:00Z" }),
        json!({ "status": "published", "first_published_at": "2027-01-01T00:00:00Z" }),
        json!({ "published_at": "2030-01-01T00:00:00Z", "first_published_at": "2030-01-01T00:00:01Z" }),
        json!({ "status": "draft", "first_published_at": "2027-01-01T00:00:00Z" }),
        json!({ "first_published_at": "2027-01-01T00:00:00Z" }),
        json!({ "first_published_at": "yesterday" }),
    ] {
        let done = import(&admin, "", &[line("x", &times)]).await;
        assert_eq!(done["counts"]["failed"], 1, "{times}: {done}");
        let failed = items(&admin, &done["id"], "").await;
        assert_eq!(failed[0]["problem"]["errors"][0]["pointer"], "/first_published_at", "{failed:?}");
        admin.get("/v1/insights/x").await.expect(404);
    }
    // To say that an insight was public takes the scope to publish.
    let writer = app.with_token(&app.machine_token(&[Scope::InsightsWrite]).await);
    let done = import(&writer, "", &[line("x", &json!({ "status": "draft", "first_published_at": "2019-01-01T00:00:00Z" }))]).await;
    assert_eq!(done["counts"]["failed"], 1, "{done}");
}

/// The schema and the rows as the version before left them.
async fn downgrade(app: &TestApp) {
    for statement in [
        "ALTER TABLE insights DROP COLUMN first_published_at",
        "DELETE FROM seaql_migrations WHERE version = 'm20261130_000008_first_published_at'",
    ] {
        app.store().writer().execute_unprepared(statement).await.unwrap();
    }
}

#[tokio::test]
async fn the_migration_finds_it_in_the_change_log() {
    let app = TestApp::start_with(|settings| settings.cache_bytes = 0).await;
    let admin = app.admin().await;
    admin.post("/v1/categories", json!({ "name": "Debugging" })).await.expect(201);
    admin.create("Draft").await;
    let again = admin.publish("Again").await.id();
    admin.publish("Live").await;
    let planned = admin.create("Planned").await.id();
    admin.act(&format!("/v1/insights/{planned}/publish"), "*", json!({ "publish_at": "2026-11-23T12:30:00Z" })).await.expect(200);
    let dated = admin.create("Dated").await.id();
    admin.act(&format!("/v1/insights/{dated}/publish"), "*", json!({ "publish_at": "2020-01-01T00:00:00Z" })).await.expect(200);
    let future = admin.create("Future").await.id();
    admin.act(&format!("/v1/insights/{future}/publish"), "*", json!({ "publish_at": "2030-01-01T00:00:00Z" })).await.expect(200);
    app.advance(HOUR);
    transitions::record(app.store(), app.now()).await.unwrap();
    for id in [&again, &planned] {
        admin.act(&format!("/v1/insights/{id}/unpublish"), "*", json!({})).await.expect(200);
    }
    app.advance(HOUR);
    admin.act(&format!("/v1/insights/{again}/publish"), "*", json!({})).await.expect(200);
    downgrade(&app).await;
    assert_eq!(app.store().migrate().await.unwrap(), ["m20261130_000008_first_published_at"]);
    for (slug, expected) in [
        ("draft", Value::Null),
        ("again", json!(START)),
        ("live", json!(START)),
        ("planned", json!("2026-11-23T12:30:00Z")),
        ("dated", json!("2020-01-01T00:00:00Z")),
        ("future", Value::Null),
    ] {
        assert_eq!(first(&admin, &format!("/v1/insights/{slug}")).await, expected, "{slug}");
    }
    sound(&app).await;
}

#[tokio::test]
async fn a_publication_by_a_node_of_the_version_before_counts_and_is_corrected() {
    let app = TestApp::start_with(|settings| {
        settings.demo = true;
        settings.cache_bytes = 0;
    })
    .await;
    let before = app.anonymous().get("/v1/insights").await.expect(200);
    app.store().writer().execute_unprepared("UPDATE insights SET first_published_at = NULL").await.unwrap();
    let faults = integrity::faults(app.store()).await.unwrap();
    assert!(faults.len() == 1 && faults[0].contains("first publication"), "{faults:?}");
    assert_eq!(app.anonymous().get("/v1/insights").await.text(), before.text());
    assert_eq!(integrity::renew_first_publications(app.store()).await.unwrap(), 6);
    sound(&app).await;
    assert_eq!(app.anonymous().get("/v1/insights").await.text(), before.text());
}
