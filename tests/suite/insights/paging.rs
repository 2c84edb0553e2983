//! Paging through ten thousand insights during concurrent publications and withdrawals.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Client, TestApp, seed};

const ROWS: i64 = 12_000;

async fn churn(admin: Client, which: usize, ids: Vec<String>, stop: Arc<AtomicBool>, writes: Arc<AtomicUsize>) {
    let dates = ["2026-11-20T00:00:00Z", "2026-11-01T00:00:00Z", "2026-11-23T11:59:00Z"];
    let mut round = which;
    while !stop.load(Ordering::SeqCst) {
        let path = format!("/v1/insights/{}", ids[round % ids.len()]);
        admin.act(&format!("{path}/publish"), "*", json!({ "publish_at": dates[round % 3] })).await.expect(200);
        admin.act(&format!("{path}/unpublish"), "*", json!({})).await.expect(200);
        writes.fetch_add(2, Ordering::SeqCst);
        round += 1;
    }
}

async fn walk(client: &Client, sort: &str) -> HashMap<String, usize> {
    let mut seen = HashMap::new();
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("/v1/insights?limit=100&fields=slug&sort={sort}{cursor}")).await.expect(200);
        for slug in page.each("slug") {
            *seen.entry(slug.as_str().unwrap().to_owned()).or_default() += 1;
        }
        match page.json()["page"]["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return seen,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_is_repeated_or_skipped_during_concurrent_writes() {
    let app = TestApp::with_terms().await;
    let admin = app.admin().await;
    seed::insights(app.store(), ROWS, app.now().0).await;
    let stable = walk(&app.anonymous(), "-published_at").await;
    assert!(stable.len() > 10_000, "{} visible", stable.len());
    let ids = join_all((0..12).map(|n| {
        let admin = admin.clone();
        async move { admin.create(&format!("Moving {n}")).await.id() }
    }))
    .await;
    let (stop, writes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let churning = ids.chunks(3).enumerate().map(|(which, own)| churn(admin.clone(), which, own.to_vec(), stop.clone(), writes.clone()));
    let reading = async {
        for sort in ["-published_at", "published_at", "title", "-updated_at"] {
            let seen = walk(&app.anonymous(), sort).await;
            for slug in stable.keys() {
                assert_eq!(seen.get(slug), Some(&1), "{slug} by {sort}");
            }
        }
        stop.store(true, Ordering::SeqCst);
    };
    tokio::join!(reading, join_all(churning));
    assert!(writes.load(Ordering::SeqCst) > 20, "too few concurrent writes: the test proves nothing");
}
