//! The response cache: one computation for each entry, invalidated when it changes and only then, and no client's data in another's
//! response.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use futures_util::future::join_all;
use reqwest::StatusCode;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::json;

use crate::support::TestApp;

mod invalidation;

/// Every kind of address whose responses are cached.
const CACHED_PATHS: [&str; 15] = [
    "/v1/insights",
    "/v1/insights?category=debugging&limit=3",
    "/v1/insights?include=body,related&tag=rust",
    "/v1/insights/first",
    "/v1/insights/first.md",
    "/v1/insights/first?include=related",
    "/v1/insights/first/related",
    "/v1/search?q=body",
    "/v1/search/suggestions?q=fir",
    "/v1/site",
    "/v1/changes",
    "/v1/categories",
    "/v1/categories/debugging",
    "/v1/tags/rust",
    "/v1/authors",
];

async fn with_two_insights() -> TestApp {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    for (title, category, tag) in [("First", "debugging", "rust"), ("Second", "infrastructure", "sql")] {
        let body = format!("The body of {title}.");
        let input = json!({ "title": title, "body_markdown": body, "category": category, "tags": [tag] });
        let created = admin.post("/v1/insights", input).await.expect(201);
        admin.act(&format!("/v1/insights/{}/publish", created.id()), &created.etag(), json!({})).await.expect(200);
    }
    app
}

/// The same address in a spelling whose responses are not cached: what the database says now.
fn bypassing_the_cache(path: &str) -> String {
    path.replacen("/v1/", "/%76%31/", 1)
}

#[tokio::test]
async fn a_hit_is_the_same_response_as_the_miss() {
    let app = with_two_insights().await;
    for path in CACHED_PATHS {
        let before = app.app.cache.stats();
        let first = app.anonymous().get(path).await.expect(200);
        let again = app.anonymous().get(path).await.expect(200);
        let after = app.app.cache.stats();
        assert_eq!((after.hits - before.hits, after.misses - before.misses), (1, 1), "{path}");
        assert!(after.bytes > 0);
        assert_eq!(first.bytes, again.bytes, "{path}");
        for name in [
            "etag",
            "cache-control",
            "content-type",
            "last-modified",
            "vary",
            "link",
            "cache-tag",
            "surrogate-key",
            "content-sequence",
            "content-language",
            "access-control-allow-origin",
            "access-control-expose-headers",
            "x-content-type-options",
        ] {
            assert_eq!(first.header(name), again.header(name), "{name} of {path}");
        }
        assert_ne!(first.header("x-request-id"), again.header("x-request-id"));
        let with_id = app.anonymous().get_with(path, &[("x-request-id", "mine")]).await.expect(200);
        assert_eq!(with_id.header("x-request-id"), "mine");
        let unmodified = app.anonymous().get_with(path, &[("if-none-match", &first.etag())]).await.expect(304);
        assert_eq!((unmodified.bytes.len(), unmodified.header("etag")), (0, first.etag()), "{path}");
        assert!(unmodified.header("access-control-expose-headers").contains("ETag"), "{path}");
        let bodiless = app.anonymous().send("HEAD", path, None, &[]).await.expect(200);
        assert_eq!((bodiless.bytes.len(), bodiless.header("content-length")), (0, first.bytes.len().to_string()), "{path}");
    }
}

/// How often the database ran each statement: PostgreSQL counts them itself; on SQLite, the driver counts all of them together.
async fn executions(app: &TestApp) -> BTreeMap<String, i64> {
    if !app.store().is_postgres() {
        return BTreeMap::from([("any".to_owned(), i64::try_from(app.store().statements()).unwrap())]);
    }
    let text = "SELECT s.query, s.calls::bigint AS calls FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid \
                WHERE d.datname = current_database() AND s.query LIKE 'SELECT%' AND s.query NOT LIKE '%FROM changes WHERE sequence >%' \
                AND s.query NOT LIKE 'SELECT at AS number FROM transitions%' AND s.query NOT LIKE '%FROM imports WHERE%'";
    let rows = app.store().reader().query_all_raw(Statement::from_string(sea_orm::DbBackend::Postgres, text)).await.unwrap();
    rows.iter().map(|row| (row.try_get::<String>("", "query").unwrap(), row.try_get("", "calls").unwrap())).collect()
}

#[tokio::test]
async fn a_thousand_concurrent_requests_are_one_computation() {
    let app = with_two_insights().await;
    if app.store().is_postgres() {
        app.store().writer().execute_unprepared("CREATE EXTENSION IF NOT EXISTS pg_stat_statements").await.unwrap();
    }
    for path in CACHED_PATHS {
        app.app.settled().await.unwrap();
        let path = if path.contains('?') { format!("{path}&locale=it") } else { format!("{path}?locale=it") };
        let before = executions(&app).await;
        let misses = app.app.cache.stats().misses;
        let started = Instant::now();
        let asking = (0..1_000).map(|_| {
            let (client, path) = (app.anonymous(), path.clone());
            async move { client.get(&path).await }
        });
        let answers = join_all(asking).await;
        let bodies: BTreeSet<(u16, Vec<u8>)> = answers.into_iter().map(|answer| (answer.status, answer.bytes)).collect();
        assert_eq!(bodies.len(), 1, "{path}");
        assert_eq!(bodies.first().unwrap().0, 200, "{path}");
        assert_eq!(app.app.cache.stats().misses - misses, 1, "{path}");
        let after = executions(&app).await;
        let ran = |query: &String| after[query] - before.get(query).copied().unwrap_or(0);
        // Related insights are read for each insight of a list. On SQLite all statements count, also those of the background tasks, which
        // poll about ten times a second.
        let in_background = 20 * (1 + i64::try_from(started.elapsed().as_secs()).unwrap());
        let max_runs = if app.store().is_postgres() { 2 } else { 20 + in_background };
        for query in after.keys() {
            assert!(ran(query) <= max_runs, "{path} ran {} times: {query}", ran(query));
        }
    }
}

#[tokio::test]
async fn a_failure_is_shared_with_followers_and_not_cached() {
    let app = with_two_insights().await;
    let rename = async |from: &str, to: &str| {
        app.store().writer().execute_unprepared(&format!("ALTER TABLE {from} RENAME TO {to}")).await.unwrap();
    };
    rename("insights", "away").await;
    let asking = (0..200).map(|_| {
        let client = app.anonymous();
        async move { client.get("/v1/insights?locale=de").await.status }
    });
    let statuses: BTreeSet<u16> = join_all(asking).await.into_iter().collect();
    assert!(statuses.iter().all(|status| [500, 503].contains(status)), "{statuses:?}");
    rename("away", "insights").await;
    let answer = app.anonymous().get("/v1/insights?locale=de").await;
    assert_eq!(StatusCode::from_u16(answer.status).unwrap(), StatusCode::OK);
    assert_eq!(answer.titles().len(), 2);
    // A response that is not cacheable is not shared either.
    let missing = (0..50).map(|_| {
        let client = app.anonymous();
        async move { client.get("/v1/insights/nothing").await.status }
    });
    assert!(join_all(missing).await.into_iter().all(|status| status == 404));
}

#[tokio::test]
async fn no_client_can_get_anything_into_the_response_of_another() {
    let app = with_two_insights().await;
    let strange = [
        ("accept", "text/html"),
        ("accept-language", "it"),
        ("accept-encoding", "br"),
        ("host", "evil.example"),
        ("forwarded", "host=evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "gopher"),
        ("x-original-url", "/v1/users"),
        ("x-http-method-override", "DELETE"),
        ("origin", "https://evil.example"),
        ("cookie", "a=b"),
        ("range", "bytes=0-3"),
        ("if-none-match", "*"),
        ("if-modified-since", "Mon, 23 Nov 2099 12:00:00 GMT"),
        ("cache-control", "no-cache"),
        ("x-request-id", "evil"),
    ];
    for path in CACHED_PATHS {
        let plain = app.anonymous().get(&bypassing_the_cache(path)).await.expect(200);
        for (name, value) in strange {
            // Request each address in another spelling first, so that the strange request fills the entry.
            let spelled = if path.contains('?') { format!("{path}&") } else { format!("{path}?") };
            app.anonymous().get_with(&spelled, &[(name, value)]).await;
            let response = app.anonymous().get(path).await.expect(200);
            let text = response.text();
            assert!(!text.contains("evil") && !format!("{:?}", response.headers).contains("evil"), "{name} got into {path}");
            assert_eq!(
                (response.header("content-type"), response.header("content-encoding")),
                (plain.header("content-type"), String::new()),
                "{name} {path}"
            );
        }
        app.admin().await.patch("/v1/insights/second", "*", json!({ "title": "Second" })).await;
    }
    for (path, status) in [
        ("/v1/insights?limit=20&limit=20", 400),
        ("/V1/insights", 404),
        ("/v1/insights?Limit=20", 400),
        ("/v1/insights/FIRST", 404),
        ("/v1/insights/", 404),
    ] {
        assert_eq!(app.anonymous().get(path).await.status, status, "{path}");
        app.anonymous().get("/v1/insights?limit=20").await.expect(200);
    }
    // Responses to a token are not shared.
    let drafted = app.admin().await;
    drafted
        .patch(&format!("/v1/insights/{}", drafted.get("/v1/insights/first").await.id()), "*", json!({ "title": "Secret" }))
        .await
        .expect(200);
    assert!(drafted.get("/v1/insights/first").await.text().contains("Secret"));
    for path in CACHED_PATHS {
        assert!(!app.anonymous().get(path).await.text().contains("Secret"), "{path}");
    }
}

#[tokio::test]
async fn a_scan_stays_within_the_budget_and_does_not_evict_frequent_entries() {
    const BUDGET: u64 = 600_000;
    let app = TestApp::start_with(|settings| {
        settings.demo = true;
        settings.cache_bytes = BUDGET;
    })
    .await;
    let hot = "/v1/insights?sort=title";
    for round in 0..40 {
        let asking = (0..50).map(|n| {
            let (client, path) = (app.anonymous(), format!("/v1/insights?published_before=2031-01-01T00:{round:02}:{n:02}Z&limit=1"));
            async move { client.get(&path).await.expect(200) }
        });
        join_all(asking).await;
        for _ in 0..5 {
            app.anonymous().get(hot).await.expect(200);
        }
    }
    let stats = app.app.cache.stats();
    assert!(stats.misses >= 2_000 && stats.bytes <= BUDGET, "{stats:?}");
    app.anonymous().get(hot).await.expect(200);
    assert_eq!(app.app.cache.stats().misses, stats.misses, "a scan evicted a frequent entry");
}

#[tokio::test]
async fn writes_do_not_invalidate_unrelated_entries() {
    let app = with_two_insights().await;
    let admin = app.admin().await;
    let paths = [
        "/v1/insights?category=debugging",
        "/v1/insights/first",
        "/v1/insights/first.html",
        "/v1/insights?tag=rust&sort=title",
        "/v1/tags/rust",
    ];
    for path in paths {
        app.anonymous().get(path).await.expect(200);
    }
    let before = app.app.cache.stats();
    let reading = join_all((0..64).map(|reader| {
        let client = app.anonymous();
        async move {
            for turn in 0..100 {
                client.get(paths[(reader + turn) % paths.len()]).await.expect(200);
            }
        }
    }));
    let writing = async {
        let second = format!("/v1/insights/{}", admin.get("/v1/insights/second").await.id());
        for number in 0..40 {
            admin.patch(&second, "*", json!({ "title": format!("Second {number}") })).await.expect(200);
            admin.act(&format!("{second}/publish"), "*", json!({})).await.expect(200);
        }
    };
    futures_util::future::join(reading, writing).await;
    let after = app.app.cache.stats();
    assert_eq!((after.hits - before.hits, after.misses - before.misses), (6_400, 0));
}

#[tokio::test]
async fn a_write_on_one_node_invalidates_the_entries_of_another() {
    let app = with_two_insights().await;
    let Some(other) = app.second_node_if_shared().await else { return };
    assert_eq!(other.anonymous().get("/v1/insights").await.titles().len(), 2);
    app.admin().await.publish("Third").await;
    other.app.settled().await.unwrap();
    assert_eq!(other.anonymous().get("/v1/insights").await.titles().len(), 3);
    let [here, there] = [&app, &other].map(TestApp::anonymous);
    for path in ["/v1/insights", "/v1/insights?category=infrastructure", "/v1/insights/second", "/v1/categories"] {
        assert_eq!(here.get(path).await.etag(), there.get(path).await.etag(), "{path}");
    }
}
