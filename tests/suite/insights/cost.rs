//! The cost gate: whatever filters and orders a reader combines, a list costs at worst in proportion to the table, never to its square.
//!
//! Cost is what the database itself counts: steps of SQLite's virtual machine, rows that PostgreSQL's plan nodes touch. The content is the
//! worst for a pair of filters: the insights of one tag and those of one category share none. Nothing was analysed, as in a service that
//! has just started.

use insights::domain::clock::Timestamp;
use insights::domain::page::Sort;
use insights::domain::status::Status;
use insights::store::list_query::{Audience, Filters, ListQuery};
use insights::store::lists;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::Value;
use sqlx::Connection as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::{TestApp, seed};

/// Rows of the smaller table; the larger has twice as many.
const ROWS: i64 = 20_000;
/// A list of twice the rows may cost so much more, and a constant.
const MAX_RATIO: f64 = 2.5;
const CONSTANT: f64 = 40_000.0;
/// PostgreSQL chooses its plan by the size and by what it has sampled. A plan that reads each table of a list once touches at most this
/// many rows for each insight, whatever it cost at the other size: that is linear. A plan that is not touches thousands.
const MAX_ROWS_PER_INSIGHT: f64 = 10.0;
/// A statement that takes more steps than this for each row is ended: its cost is far beyond any line.
const MAX_STEPS_PER_ROW: u64 = 2_000;
const STEPS_PER_CALL: i32 = 1_000;

/// Each filter by itself.
fn single_filters(now: Timestamp) -> Vec<(&'static str, Filters)> {
    let slugs = |slugs: &[&str]| slugs.iter().map(|slug| (*slug).to_owned()).collect::<Vec<_>>();
    let none = Filters::default;
    vec![
        ("category", Filters { categories: slugs(&["debugging"]), ..none() }),
        ("categories", Filters { categories: slugs(&["debugging", "infrastructure"]), ..none() }),
        ("tag", Filters { tags: slugs(&["rust"]), ..none() }),
        ("tags", Filters { tags: slugs(&["rust", "sql"]), ..none() }),
        ("author", Filters { authors: slugs(&["grace"]), ..none() }),
        ("authors", Filters { authors: slugs(&["grace", "nobody"]), ..none() }),
        ("published_after", Filters { published_after: Some(Timestamp(now.0 - 3_600_000 * 24)), ..none() }),
        ("published_before", Filters { published_before: Some(Timestamp(now.0 - 3_600_000 * 24)), ..none() }),
        ("min_minutes", Filters { min_minutes: Some(100), ..none() }),
        ("max_minutes", Filters { max_minutes: Some(0), ..none() }),
    ]
}

/// Both filters; the second fills what the first leaves open.
fn combined(first: &Filters, second: &Filters) -> Filters {
    let both = |a: &[String], b: &[String]| if a.is_empty() { b.to_vec() } else { a.to_vec() };
    Filters {
        categories: both(&first.categories, &second.categories),
        tags: both(&first.tags, &second.tags),
        authors: both(&first.authors, &second.authors),
        published_after: first.published_after.or(second.published_after),
        published_before: first.published_before.or(second.published_before),
        min_minutes: first.min_minutes.or(second.min_minutes),
        max_minutes: first.max_minutes.or(second.max_minutes),
    }
}

/// Every pair of filters, in every order, for every audience.
fn cases(now: Timestamp) -> Vec<(String, ListQuery)> {
    let singles = single_filters(now);
    let audiences: Vec<Audience> = [Audience::Public]
        .into_iter()
        .chain(
            [Some(Status::Draft), Some(Status::Scheduled), Some(Status::Published), None]
                .map(|status| Audience::Editors { status, own: None }),
        )
        .collect();
    let mut cases = Vec::new();
    for (place, (first, filters)) in singles.iter().enumerate() {
        for (second, more) in &singles[place..] {
            for sort in Sort::NAMES {
                for audience in &audiences {
                    let list = ListQuery {
                        audience: audience.clone(),
                        filters: combined(filters, more),
                        sort: Sort::parse(sort).unwrap(),
                        limit: 20,
                        cursor: None,
                        locales: vec!["en".to_owned()],
                        with_body: false,
                        identity: String::new(),
                    };
                    cases.push((format!("{first} + {second}, {sort}, {audience:?}"), list));
                }
            }
        }
    }
    cases
}

/// The insights of the first two categories have the first tag and author, the others the second.
async fn separate_terms_from_categories(app: &TestApp) {
    let halves = "(SELECT id, row_number() OVER (ORDER BY slug) AS half FROM categories)";
    for (links, live, terms) in [("revision_tags", "live_tags", "tags"), ("revision_authors", "live_authors", "authors")] {
        let term = format!(
            "(SELECT t.id FROM (SELECT id, row_number() OVER (ORDER BY slug) AS place FROM {terms}) t \
             WHERE t.place = (SELECT CASE WHEN c.half <= 2 THEN 1 ELSE 2 END FROM {halves} c WHERE c.id = i.category_id))"
        );
        for statement in [
            format!("DELETE FROM {links}"),
            format!("DELETE FROM {live}"),
            format!("INSERT INTO {links} (insight_id, number, term_id, place) SELECT i.id, 1, {term}, 0 FROM insights i"),
            format!(
                "INSERT INTO {live} (term_id, position_at, insight_id) SELECT {term}, i.position_at, i.id FROM insights i \
                 WHERE i.live_revision IS NOT NULL"
            ),
        ] {
            app.store().writer().execute_unprepared(&statement).await.unwrap();
        }
    }
    insights::store::summaries::renew(app.store()).await.unwrap();
    if !app.store().is_postgres() {
        for table in ["sqlite_stat1", "sqlite_stat4"] {
            let _ = app.store().writer().execute_unprepared(&format!("DELETE FROM {table}")).await;
        }
    }
}

/// What the database counts while it runs a statement to its end.
enum Meter {
    Sqlite { connection: Box<sqlx::sqlite::SqliteConnection>, steps: Arc<AtomicU64> },
    Postgres(sea_orm::DatabaseConnection),
}

impl Meter {
    async fn open(app: &TestApp, url: &str) -> Self {
        if app.store().is_postgres() {
            return Self::Postgres(app.store().reader().clone());
        }
        let mut connection = sqlx::sqlite::SqliteConnection::connect(url).await.unwrap();
        let steps = Arc::new(AtomicU64::new(0));
        let counted = steps.clone();
        let most = MAX_STEPS_PER_ROW * ROWS.unsigned_abs() * 2;
        connection.lock_handle().await.unwrap().set_progress_handler(STEPS_PER_CALL, move || {
            counted.fetch_add(STEPS_PER_CALL.unsigned_abs().into(), Ordering::Relaxed) < most
        });
        Self::Sqlite { connection: Box::new(connection), steps }
    }

    async fn cost(&mut self, statement: &Statement) -> f64 {
        match self {
            Self::Sqlite { connection, steps } => {
                steps.store(0, Ordering::Relaxed);
                let text = sqlx::AssertSqlSafe(statement.to_string());
                let _ended_early = sqlx::raw_sql(text).fetch_all(&mut **connection).await;
                precise(steps.load(Ordering::Relaxed))
            }
            Self::Postgres(db) => {
                let asked = format!("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}");
                let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), asked)).await.unwrap();
                let plan: Value = rows[0].try_get("", "QUERY PLAN").unwrap();
                rows_touched(&plan[0]["Plan"])
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn precise(count: u64) -> f64 {
    count as f64
}

/// Rows that a node and those below it gave or threw away.
fn rows_touched(plan: &Value) -> f64 {
    let of = |name: &str| plan[name].as_f64().unwrap_or(0.0);
    let own = of("Actual Rows") + of("Rows Removed by Filter") + of("Rows Removed by Join Filter") + of("Rows Removed by Index Recheck");
    let below: f64 = plan["Plans"].as_array().into_iter().flatten().map(rows_touched).sum();
    own * of("Actual Loops").max(1.0) + below
}

/// What each list costs, and whether PostgreSQL counted.
async fn costs(rows: i64) -> (Vec<(String, f64)>, bool) {
    let (app, url) = TestApp::with_terms_at().await;
    seed::insights(app.store(), rows, app.now().0).await;
    separate_terms_from_categories(&app).await;
    let mut meter = Meter::open(&app, &url).await;
    let backend = app.store().reader().get_database_backend();
    let mut costs = Vec::new();
    for (name, list) in cases(app.now()) {
        for (way, statement) in lists::statements(backend, &list, app.now()).iter().enumerate() {
            costs.push((format!("{name}, way {way}"), meter.cost(&statement.statement()).await));
        }
    }
    (costs, app.store().is_postgres())
}

#[tokio::test]
async fn no_pair_of_filters_costs_the_square_of_the_table() {
    let ((smaller, _), (larger, is_postgres)) = (costs(ROWS).await, costs(2 * ROWS).await);
    let linear = if is_postgres { MAX_ROWS_PER_INSIGHT * precise(2 * ROWS.unsigned_abs()) } else { 0.0 };
    let faults: Vec<String> = smaller
        .iter()
        .zip(&larger)
        .filter(|((_, few), (_, many))| *many > (few * MAX_RATIO + CONSTANT).max(linear))
        .map(|((name, few), (_, many))| format!("{name}: {few} for {ROWS} rows, {many} for twice as many"))
        .collect();
    assert!(faults.is_empty(), "{} of {} lists:\n{}", faults.len(), larger.len(), faults.join("\n"));
}
