//! What invalidates cache entries: writes, exactly those that show what changed; the clock, to the millisecond.

use std::collections::BTreeSet;
use std::time::Duration;

use insights::domain::change::{ChangeKind, Sequence};
use insights::store::changes;
use sea_orm::ConnectionTrait as _;
use serde_json::json;

use super::{bypassing_the_cache, with_two_insights};
use crate::support::TestApp;

/// Which of these paths miss the cache now. Each response is compared with what the database says.
async fn misses<'p>(app: &TestApp, paths: &[&'p str]) -> Vec<&'p str> {
    let mut missed = Vec::new();
    let volatile = regex::Regex::new(r#""(sequence|took_ms)":\d+|"request_id":"[^"]*"|/%76%31/|/v1/"#).unwrap();
    for path in paths {
        let before = app.app.cache.stats().misses;
        let response = app.anonymous().get(path).await;
        if app.app.cache.stats().misses > before || response.status != 200 {
            missed.push(*path);
        }
        let current = app.anonymous().get(&bypassing_the_cache(path)).await;
        assert_eq!(response.status, current.status, "{path}");
        let plain = |text: String| volatile.replace_all(&text, "").into_owned();
        assert_eq!(plain(response.text()), plain(current.text()), "{path}");
    }
    missed
}

#[tokio::test]
async fn a_write_invalidates_what_changed_and_nothing_else() {
    let app = with_two_insights().await;
    let admin = app.admin().await;
    let first = admin.get("/v1/insights/first").await.id();
    let of_first = format!("/v1/insights/{first}");
    let [all, mine, other, detail, other_detail, tagged, category, other_category, site, search] = [
        "/v1/insights",
        "/v1/insights?category=debugging",
        "/v1/insights?category=infrastructure&sort=title",
        "/v1/insights/first.md",
        "/v1/insights/second",
        "/v1/insights?tag=sql&author=ada",
        "/v1/categories/debugging",
        "/v1/categories/infrastructure",
        "/v1/site",
        "/v1/search?q=body",
    ];
    let paths = [all, mine, other, detail, other_detail, tagged, category, other_category, site, search];
    misses(&app, &paths).await;
    assert_eq!(misses(&app, &paths).await, [""; 0]);

    admin.patch(&of_first, "*", json!({ "title": "First, drafted" })).await.expect(200);
    admin.create("A draft").await;
    assert_eq!(misses(&app, &paths).await, [""; 0], "drafts");

    admin.act(&format!("{of_first}/publish"), "*", json!({})).await.expect(200);
    assert_eq!(misses(&app, &paths).await, [all, mine, detail, category, site, search], "published again");

    admin.patch(&of_first, "*", json!({ "category": "infrastructure", "tags": ["sql"], "authors": ["ada"] })).await.expect(200);
    admin.act(&format!("{of_first}/publish"), "*", json!({})).await.expect(200);
    let moved = [all, mine, other, detail, tagged, category, other_category, site, search];
    assert_eq!(misses(&app, &paths).await, moved, "moved to another category and tag");

    let name = json!({ "name": "Bugs", "slug": "debugging" });
    admin.put("/v1/categories/debugging", "*", name).await.expect(200);
    assert_eq!(misses(&app, &paths).await, [mine, category, site, search], "a renamed category that nothing shows");

    admin.put("/v1/tags/rust", "*", json!({ "name": "Rust language", "slug": "rust" })).await.expect(200);
    assert_eq!(misses(&app, &paths).await, [search], "a renamed tag that nothing shows");

    admin.put("/v1/tags/sql", "*", json!({ "name": "SQL language", "slug": "sql" })).await.expect(200);
    assert_eq!(misses(&app, &paths).await, [all, other, detail, other_detail, tagged, search], "a renamed tag that both show");

    admin.act(&format!("{of_first}/unpublish"), "*", json!({})).await.expect(200);
    assert_eq!(misses(&app, &paths).await, [all, other, detail, tagged, other_category, site, search], "unpublished");

    admin.act(&format!("{of_first}/publish"), "*", json!({})).await.expect(200);
    assert_eq!(misses(&app, &paths).await, [all, other, detail, tagged, other_category, site, search], "published");

    admin.delete(&of_first, "*").await.expect(204);
    assert_eq!(misses(&app, &paths).await, [all, other, detail, tagged, other_category, site, search], "deleted");

    admin.act(&format!("{of_first}/restore"), "*", json!({})).await.expect(200);
    assert_eq!(misses(&app, &paths).await, [all, other, detail, tagged, other_category, site, search], "restored");
}

#[tokio::test]
async fn the_clock_invalidates_to_the_millisecond() {
    let app = with_two_insights().await;
    let admin = app.admin().await;
    let made = admin.create("On time").await;
    // Cached before the insight is scheduled, which is no public change.
    for path in ["/v1/insights", "/v1/insights?category=debugging", "/v1/search?q=body"] {
        app.anonymous().get(path).await.expect(200);
    }
    let begin = json!({ "publish_at": "2026-11-23T14:00:00Z" });
    admin.act(&format!("/v1/insights/{}/publish", made.id()), &made.etag(), begin).await.expect(200);
    let paths = ["/v1/insights", "/v1/insights?category=debugging", "/v1/search?q=body", "/v1/site", "/v1/categories", "/v1/changes"];
    let count = async |path: &str| app.anonymous().get(path).await.expect(200).text().matches("On time").count();
    for path in paths {
        count(path).await;
    }
    let seconds = |header: &str, name: &str| -> i64 {
        header.split(", ").find_map(|part| part.strip_prefix(&format!("{name}="))).unwrap().parse().unwrap()
    };
    for (advance, left) in [(3_600_000, 3_600), (3_300_000, 300), (299_000, 1), (999, 0)] {
        app.advance(advance);
        let hits = app.app.cache.stats().hits;
        let policy = app.anonymous().get("/v1/insights").await.expect(200).header("cache-control");
        assert_eq!(app.app.cache.stats().hits - hits, 1);
        assert!(seconds(&policy, "s-maxage") + seconds(&policy, "stale-while-revalidate") <= left, "{policy}, {left} s before");
        for path in paths {
            assert_eq!(count(path).await, 0, "{path}");
        }
    }
    app.advance(1);
    for path in ["/v1/insights", "/v1/insights?category=debugging", "/v1/search?q=body"] {
        assert!(count(path).await > 0, "{path}");
    }
    assert_eq!(app.anonymous().get("/v1/site").await.json()["stats"]["insights"], 3);
}

#[tokio::test]
async fn a_scheduled_insight_takes_over_a_former_slug_on_time() {
    let app = with_two_insights().await;
    let admin = app.admin().await;
    let first = admin.get("/v1/insights/first").await;
    let of_first = format!("/v1/insights/{}", first.id());
    admin.patch(&of_first, "*", json!({ "slug": "renamed" })).await.expect(200);
    admin.act(&format!("{of_first}/publish"), "*", json!({})).await.expect(200);
    let heir = json!({ "title": "Heir", "slug": "first", "body_markdown": "It has the slug.", "category": "debugging" });
    let heir = admin.post("/v1/insights", heir).await.expect(201);
    let pointer = async || app.anonymous().get("/v1/insights/first?resolve=false").await.expect(200);
    assert_eq!(pointer().await.json()["current_slug"], "renamed");
    let begin = json!({ "publish_at": "2026-11-23T13:00:00Z" });
    admin.act(&format!("/v1/insights/{}/publish", heir.id()), &heir.etag(), begin).await.expect(200);
    app.advance(3_599_999);
    assert_eq!(pointer().await.json()["current_slug"], "renamed");
    app.advance(1);
    app.app.settled().await.unwrap();
    assert_eq!(pointer().await.json()["title"], "Heir");
}

/// A category gets another slug while one of its insights is deleted: the transaction that commits last sees the other one, and
/// invalidates the lists by their current tags.
#[tokio::test]
async fn lists_are_invalidated_by_their_tags_at_the_commit() {
    let app = with_two_insights().await;
    let admin = app.admin().await;
    let renaming = app.store().begin().await.unwrap();
    renaming.execute_unprepared("UPDATE categories SET slug = 'renamed' WHERE slug = 'debugging'").await.unwrap();
    let rename = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        renaming.commit().await.unwrap();
    };
    let (gone, ()) = futures_util::future::join(admin.delete("/v1/insights/first", "*"), rename).await;
    gone.expect(204);
    let rows = changes::after(app.store().reader(), Sequence(0), 1_000).await.unwrap();
    let last = rows.last().unwrap();
    assert_eq!(last.kind, ChangeKind::Deleted);
    assert!(last.cache_tags.0.contains(&"insights:category:renamed".to_owned()), "{:?}", last.cache_tags);
}

/// Nothing says which entries a corrupt row of the change log invalidates, so it invalidates all of them.
#[tokio::test]
async fn a_corrupt_row_of_the_change_log_invalidates_every_entry() {
    let app = with_two_insights().await;
    let paths = ["/v1/insights/first", "/v1/insights/second", "/v1/site"];
    misses(&app, &paths).await;
    assert_eq!(misses(&app, &paths).await, [""; 0]);
    let text = "INSERT INTO changes (at, kind, resource, public_sequence, cache_tags) \
                SELECT max(at), 'published', 'insight', max(public_sequence) + 1, '[\"insi' FROM changes";
    app.store().writer().execute_unprepared(text).await.unwrap();
    let mut missed = BTreeSet::new();
    for _ in 0..100 {
        missed.extend(misses(&app, &paths).await);
        if missed.len() == paths.len() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("only {missed:?} were invalidated");
}
