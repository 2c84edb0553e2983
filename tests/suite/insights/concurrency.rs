//! Concurrent writers: no update is lost, no slug has two owners, nothing fails.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::app::draft;
use crate::support::{Client, TestApp};

const WRITERS: usize = 200;

/// Reads, adds one, and writes with the `ETag` of the read, until that succeeds.
async fn increment(client: Client, path: String) {
    loop {
        let read = client.get(&path).await.expect(200);
        let counted = read.json()["extra"]["count"].as_i64().unwrap() + 1;
        let response = client.patch(&path, &read.etag(), json!({ "extra": { "count": counted } })).await;
        match response.status {
            200 => return,
            412 => {}
            other => panic!("{other}: {}", response.text()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_update_is_lost() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let mut input = draft("Counter");
    input["extra"] = json!({ "count": 0 });
    let path = format!("/v1/insights/{}", admin.post("/v1/insights", input).await.expect(201).id());
    join_all((0..WRITERS).map(|_| increment(admin.clone(), path.clone()))).await;
    let last = admin.get(&path).await.expect(200).json();
    assert_eq!(last["extra"]["count"], WRITERS);
    assert_eq!(last["revision"], WRITERS + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_hundred_writers_with_the_same_etag_succeeds() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let created = admin.create("Contended").await;
    let path = format!("/v1/insights/{}", created.id());
    let writes = (0..WRITERS).map(|n| {
        let (admin, path, etag) = (admin.clone(), path.clone(), created.etag());
        async move { admin.patch(&path, &etag, json!({ "title": format!("Writer {n}") })).await }
    });
    let responses = join_all(writes).await;
    assert_eq!(responses.iter().filter(|response| response.status == 200).count(), 1);
    for response in responses.into_iter().filter(|response| response.status != 200) {
        assert_eq!(response.problem(412, "stale-revision")["changed_fields"], json!(["title"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_creations_of_one_slug_succeed_once() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let mut input = draft("Wanted by all");
    input["slug"] = json!("wanted");
    let responses = join_all((0..WRITERS).map(|_| admin.post("/v1/insights", input.clone()))).await;
    assert_eq!(responses.iter().filter(|response| response.status == 201).count(), 1);
    for response in responses.into_iter().filter(|response| response.status != 201) {
        let problem = response.problem(409, "slug-taken");
        assert_eq!(problem["suggestions"].as_array().map(Vec::len), Some(3), "{problem}");
    }
    assert_eq!(admin.get("/v1/insights?status=any&count=exact").await.json()["meta"]["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_creations_of_one_title_get_different_slugs() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let responses = join_all((0..WRITERS).map(|_| admin.post("/v1/insights", draft("The same title")))).await;
    let slugs: HashSet<String> = responses.into_iter().map(|response| response.expect(201).slug()).collect();
    let mut expected: HashSet<String> = (2..=WRITERS).map(|n| format!("the-same-title-{n}")).collect();
    expected.insert("the-same-title".to_owned());
    assert_eq!(slugs, expected);
    assert!(insights::store::integrity::faults(app.store()).await.unwrap().is_empty());
}

/// Every kind of write on the same few resources at once: only the expected refusals.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writes_of_every_kind_do_not_fail() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let ids: Vec<String> = join_all((0..4).map(|n| {
        let admin = admin.clone();
        async move { admin.create(&format!("Shared {n}")).await.id() }
    }))
    .await;
    let work = (0..120).map(|n: usize| {
        let (admin, path) = (admin.clone(), format!("/v1/insights/{}", ids[n % ids.len()]));
        async move {
            match n % 8 {
                0 => admin.patch(&path, "*", json!({ "title": format!("Title {n}"), "tags": ["rust"] })).await,
                1 => admin.act(&format!("{path}/publish"), "*", json!({})).await,
                2 => admin.act(&format!("{path}/unpublish"), "*", json!({})).await,
                3 => admin.delete(&path, "*").await,
                4 => admin.act(&format!("{path}/restore"), "*", json!({})).await,
                5 => admin.post("/v1/tags", json!({ "name": "Fresh" })).await,
                6 => admin.patch("/v1/categories/debugging", "*", json!({ "description": format!("{n}") })).await,
                _ => admin.patch(&path, "*", json!({ "slug": format!("shared-slug-{}", n % 3) })).await,
            }
        }
    });
    for response in join_all(work).await {
        assert!([200, 201, 204, 404, 409].contains(&response.status), "{}: {}", response.status, response.text());
    }
    assert!(insights::store::integrity::faults(app.store()).await.unwrap().is_empty());
    let log: Vec<Value> = sequences(&app).await;
    assert!(log.windows(2).all(|pair| pair[0].as_i64() < pair[1].as_i64()));
}

/// The numbers of the change log in the order of their commits. The test clock does not advance, so the order of the rows is the order of
/// the commits.
async fn sequences(app: &TestApp) -> Vec<Value> {
    use insights::store::rows::change;
    use sea_orm::{EntityTrait as _, QueryOrder as _};
    let rows = change::Entity::find().order_by_asc(change::Column::Sequence).all(app.store().reader()).await.unwrap();
    rows.into_iter().map(|row| json!(row.sequence)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_claims_of_an_old_slug_succeed_once() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    for round in 0..6 {
        let path = format!("/v1/insights/{}", admin.publish(&format!("Left {round}")).await.id());
        admin.patch(&path, "*", json!({ "slug": format!("gone-{round}") })).await.expect(200);
        admin.act(&format!("{path}/publish"), "*", json!({})).await.expect(200);
        let mut input = draft("Taker");
        input["slug"] = json!(format!("left-{round}"));
        let responses = join_all((0..12).map(|_| admin.post("/v1/insights", input.clone()))).await;
        assert_eq!(responses.iter().filter(|response| response.status == 201).count(), 1);
        assert!(responses.iter().all(|response| [201, 409].contains(&response.status)));
    }
    assert!(insights::store::integrity::faults(app.store()).await.unwrap().is_empty());
}
