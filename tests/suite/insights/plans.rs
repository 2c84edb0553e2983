//! The query plan of every list at 100 000 rows: an index walk, no sort, no scan. And the number of its statements.

use insights::domain::clock::Timestamp;
use insights::domain::page::{Cursor, KeyValue, Sort, SortKey};
use insights::domain::status::Status;
use insights::store::list_query::{Audience, Filters, ListQuery};
use insights::store::lists;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::Value;

use crate::support::{TestApp, seed};

fn query(audience: Audience) -> ListQuery {
    ListQuery {
        audience,
        filters: Filters::default(),
        sort: Sort::DEFAULT,
        limit: 20,
        cursor: None,
        locales: vec!["it-CH".to_owned(), "it".to_owned()],
        with_body: false,
        identity: String::new(),
    }
}

fn cases(now: Timestamp) -> Vec<(String, ListQuery)> {
    let public = || query(Audience::Public);
    let one = |slug: &str| vec![slug.to_owned()];
    let mut cases = vec![
        ("default".to_owned(), public()),
        ("by category".to_owned(), ListQuery { filters: Filters { categories: one("debugging"), ..Filters::default() }, ..public() }),
        ("by tag".to_owned(), ListQuery { filters: Filters { tags: one("rust"), ..Filters::default() }, ..public() }),
        ("by author".to_owned(), ListQuery { filters: Filters { authors: one("ada"), ..Filters::default() }, ..public() }),
        (
            "between dates".to_owned(),
            ListQuery {
                filters: Filters { published_after: Some(Timestamp(0)), published_before: Some(now), ..Filters::default() },
                ..public()
            },
        ),
        ("by date, oldest first".to_owned(), ListQuery { sort: Sort::parse("published_at").unwrap(), ..public() }),
    ];
    for name in Sort::NAMES {
        cases.push((format!("sorted by {name}"), ListQuery { sort: Sort::parse(name).unwrap(), ..public() }));
    }
    for status in Status::ALL.map(Some).into_iter().chain([None]) {
        cases.push((format!("editors, {status:?}"), query(Audience::Editors { status, own: None })));
    }
    let deep = |list: &ListQuery| {
        let key = match list.sort.key {
            SortKey::Title => KeyValue::Text("seeded 0050000".to_owned()),
            SortKey::PublishedAt => KeyValue::Number(now.0 - 3_600_000 - 50_000 * 60_000),
            SortKey::UpdatedAt => KeyValue::Number(now.0 - 50_000),
            SortKey::ReadingMinutes => KeyValue::Number(5),
        };
        Some(Cursor::new(key, uuid::Uuid::nil(), false, ""))
    };
    let paged: Vec<_> =
        cases.iter().map(|(name, list)| (format!("{name}, from the middle"), ListQuery { cursor: deep(list), ..list.clone() })).collect();
    cases.extend(paged);
    cases
}

/// The steps of a plan. Those that run once per row of the page (its locale, its tags) are omitted: each reads a few rows of one revision.
async fn plan(app: &TestApp, statement: Statement) -> Vec<String> {
    let db = app.store().reader();
    let explain = if app.store().is_postgres() { "EXPLAIN (FORMAT JSON) " } else { "EXPLAIN QUERY PLAN " };
    let values = statement.values.map_or_else(Vec::new, |values| values.0);
    let explained = Statement::from_sql_and_values(db.get_database_backend(), format!("{explain}{}", statement.sql), values);
    let rows = db.query_all_raw(explained).await.unwrap();
    let mut steps = Vec::new();
    if app.store().is_postgres() {
        let plan: Value = rows[0].try_get("", "QUERY PLAN").unwrap();
        postgres_steps(&plan[0]["Plan"], &mut steps);
    } else {
        let mut correlated: Vec<i32> = Vec::new();
        for row in rows {
            let (id, parent, detail): (i32, i32, String) =
                (row.try_get("", "id").unwrap(), row.try_get("", "parent").unwrap(), row.try_get("", "detail").unwrap());
            if detail.starts_with("CORRELATED") || correlated.contains(&parent) {
                correlated.push(id);
            } else {
                steps.push(detail);
            }
        }
    }
    steps
}

fn postgres_steps(plan: &Value, steps: &mut Vec<String>) {
    let text = |name: &str| plan[name].as_str().unwrap_or_default();
    if text("Parent Relationship") == "SubPlan" {
        return;
    }
    steps.push(format!("{} {} {}", text("Node Type"), text("Relation Name"), text("Index Name")));
    for inner in plan["Plans"].as_array().into_iter().flatten() {
        postgres_steps(inner, steps);
    }
}

/// The tables that a list must not read whole. A small one, such as the categories, is cheaper to read than its index.
const LARGE: [&str; 8] =
    ["insights", "live_tags", "live_authors", "revisions", "revision_texts", "revision_bodies", "changes", "transitions"];

/// Whether a step sorts or scans.
fn is_wrong(step: &str) -> bool {
    let sorts = step.starts_with("Sort") || step.starts_with("Incremental Sort") || step.contains("TEMP B-TREE");
    let reads_all = LARGE
        .iter()
        .any(|table| step.starts_with(&format!("Seq Scan {table} ")) || step.starts_with(&format!("Bitmap Heap Scan {table} ")));
    // SQLite names tables by their aliases: i, w, r, t, b, f. A scan that uses an index is a walk along it.
    let scans = ["i", "w", "r", "t", "b", "f", "insights", "changes", "transitions"].iter().any(|alias| step == format!("SCAN {alias}"));
    sorts || reads_all || scans
}

/// The faults of the plan of a list.
fn faults_of(plan: &[String], list: &ListQuery, postgres: bool) -> impl Iterator<Item = &'static str> {
    // SQLite reports `SCAN i` once more when it reads the rows of the limited page.
    let limited = plan.iter().any(|step| step == "CO-ROUTINE i" || step == "CO-ROUTINE p")
        && plan.iter().any(|step| step.contains(" i USING INDEX") || step.contains(" w USING"));
    let wrong = plan.iter().any(|step| is_wrong(step) && !(limited && step == "SCAN i"));
    // `(position_at,id)<(?,?)`: a walk from any other bound would pass over every page before this one.
    let from_cursor = plan.iter().any(|step| step.contains("id)<(?,?)") || step.contains("id)>(?,?)"));
    let elsewhere = list.cursor.is_some() && !postgres && !from_cursor;
    // Drafts are newer than what is published: an index that contains them walks past all of them.
    let public = matches!(list.audience, Audience::Public);
    let past_drafts = public && plan.iter().any(|step| ["insights_position", "insights_title"].iter().any(|index| step.contains(index)));
    [(wrong, "sorts or scans"), (elsewhere, "does not begin at its cursor"), (past_drafts, "walks past drafts")]
        .into_iter()
        .filter_map(|(is, fault)| is.then_some(fault))
}

/// A change log and planned transitions of realistic length: the statement of a list reads the freshness too.
async fn log_and_timetable(app: &TestApp) {
    let series = if app.store().is_postgres() {
        "generate_series(1::bigint, 20000) AS s(n)"
    } else {
        "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 20000) SELECT n FROM s) AS s"
    };
    let now = app.now().0;
    for statement in [
        format!(
            "INSERT INTO changes (at, kind, resource, public_sequence, cache_tags) SELECT {now}, 'updated', 'site', 1000 + n, '[]' FROM {series}"
        ),
        format!("INSERT INTO transitions (insight_id, kind, at) SELECT id, 'started', position_at FROM insights WHERE position_at > {now}"),
        "ANALYZE".to_owned(),
    ] {
        app.store().writer().execute_unprepared(&statement).await.unwrap();
    }
}

#[tokio::test]
async fn every_list_walks_an_index() {
    let app = TestApp::with_terms().await;
    seed::insights(app.store(), 100_000, app.now().0).await;
    log_and_timetable(&app).await;
    let mut faults = Vec::new();
    let backend = app.store().reader().get_database_backend();
    for (name, list) in cases(app.now()) {
        for statement in lists::statements(backend, &list, app.now()) {
            let plan = plan(&app, statement.statement()).await;
            faults.extend(
                faults_of(&plan, &list, app.store().is_postgres()).map(|fault| format!("{name} {fault}:\n  {}", plan.join("\n  "))),
            );
        }
        let rows = lists::list(app.store(), &list, app.now()).await.unwrap().1.rows.len();
        assert!(rows > 0 || list.cursor.is_some() || name.contains("Deleted"), "{name} is empty");
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[tokio::test]
async fn a_list_costs_one_statement_whatever_its_length() {
    let app = TestApp::with_terms().await;
    seed::insights(app.store(), 500, app.now().0).await;
    for (query, max) in [("limit=1", 1), ("limit=100", 1), ("limit=100&include=body&tag=rust", 2), ("limit=100&count=exact&locale=de", 2)] {
        // Background tasks run statements as well: the minimum of several requests is that of the request alone.
        let mut spent = u64::MAX;
        for day in 1..=5 {
            app.app.settled().await.unwrap();
            let before = app.store().statements();
            // Each is another list, so none is a cache hit.
            app.anonymous().get(&format!("/v1/insights?{query}&published_before=2035-01-0{day}")).await.expect(200);
            spent = spent.min(app.store().statements() - before);
        }
        assert!((1..=max).contains(&spent), "{query} took {spent} statements");
    }
}

/// See `.cargo/config.toml`: without these options the results are right, but slow.
#[tokio::test]
async fn sqlite_keeps_the_plan_of_a_statement_and_shares_no_memory() {
    let app = TestApp::with_terms().await;
    if app.store().is_postgres() {
        return;
    }
    let db = app.store().reader();
    let asked = Statement::from_string(db.get_database_backend(), "PRAGMA compile_options");
    let rows = db.query_all_raw(asked).await.unwrap();
    let built: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    for option in ["DEFAULT_MEMSTATUS=0", "ENABLE_QPSG"] {
        assert!(built.iter().any(|have| have == option), "{option} is not among {built:?}");
    }
    assert!(!built.iter().any(|have| have == "ENABLE_MEMORY_MANAGEMENT"), "connections share their pages: {built:?}");
}
