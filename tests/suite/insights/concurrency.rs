//! Many writers at once: no update is lost, no slug is given twice, nothing fails.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::app::draft;
use crate::support::{Client, TestApp};

const WRITERS: usize = 200;

/// Reads, adds one, and writes back with what was read, until that goes through.
async fn increment(client: Client, path: String) {
    loop {
        let read = client.get(&path).await.expect(200);
        let counted = read.json()["extra"]["count"].as_i64().unwrap() + 1;
        let answer = client.patch(&path, &read.etag(), json!({ "extra": { "count": counted } })).await;
        match answer.status {
            200 => return,
            412 => {}
            other => panic!("{other}: {}", answer.text()),
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
async fn of_two_hundred_writers_with_one_state_one_wins() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let created = admin.create("Contended").await;
    let path = format!("/v1/insights/{}", created.id());
    let writes = (0..WRITERS).map(|n| {
        let (admin, path, etag) = (admin.clone(), path.clone(), created.etag());
        async move { admin.patch(&path, &etag, json!({ "title": format!("Writer {n}") })).await }
    });
    let answers = join_all(writes).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for answer in answers.into_iter().filter(|answer| answer.status != 200) {
        assert_eq!(answer.problem(412, "stale-revision")["changed_fields"], json!(["title"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_slug_is_given_once() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let mut input = draft("Wanted by all");
    input["slug"] = json!("wanted");
    let answers = join_all((0..WRITERS).map(|_| admin.post("/v1/insights", input.clone()))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        let problem = answer.problem(409, "slug-taken");
        assert_eq!(problem["suggestions"].as_array().map(Vec::len), Some(3), "{problem}");
    }
    assert_eq!(admin.get("/v1/insights?status=any&count=exact").await.json()["meta"]["total"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_title_gives_two_hundred_slugs() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    let answers = join_all((0..WRITERS).map(|_| admin.post("/v1/insights", draft("The same title")))).await;
    let slugs: HashSet<String> = answers.into_iter().map(|answer| answer.expect(201).slug()).collect();
    let mut expected: HashSet<String> = (2..=WRITERS).map(|n| format!("the-same-title-{n}")).collect();
    expected.insert("the-same-title".to_owned());
    assert_eq!(slugs, expected);
    assert!(insights::store::integrity::faults(app.store()).await.unwrap().is_empty());
}

/// Every kind of write on the same few things at once: nothing but the refusals that are meant.
#[tokio::test(flavor = "multi_thread")]
async fn writers_of_every_kind_get_along() {
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
    for answer in join_all(work).await {
        assert!([200, 201, 204, 404, 409].contains(&answer.status), "{}: {}", answer.status, answer.text());
    }
    assert!(insights::store::integrity::faults(app.store()).await.unwrap().is_empty());
    let log: Vec<Value> = numbers(&app).await;
    assert!(log.windows(2).all(|pair| pair[0].as_i64() < pair[1].as_i64()));
}

/// The numbers of the change log in the order of their commits: `at` never goes back because the clock stands still, so the order of the rows
/// as written is what is asked for.
async fn numbers(app: &TestApp) -> Vec<Value> {
    use insights::store::rows::change;
    use sea_orm::{EntityTrait as _, QueryOrder as _};
    let rows = change::Entity::find().order_by_asc(change::Column::Sequence).all(app.store().reader()).await.unwrap();
    rows.into_iter().map(|row| json!(row.sequence)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_slug_is_taken_by_one() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    for round in 0..6 {
        let path = format!("/v1/insights/{}", admin.publish(&format!("Left {round}")).await.id());
        admin.patch(&path, "*", json!({ "slug": format!("gone-{round}") })).await.expect(200);
        admin.act(&format!("{path}/publish"), "*", json!({})).await.expect(200);
        let mut input = draft("Taker");
        input["slug"] = json!(format!("left-{round}"));
        let answers = join_all((0..12).map(|_| admin.post("/v1/insights", input.clone()))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
        assert!(answers.iter().all(|answer| [201, 409].contains(&answer.status)));
    }
    assert!(insights::store::integrity::faults(app.store()).await.unwrap().is_empty());
}
