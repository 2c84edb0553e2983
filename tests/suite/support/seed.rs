//! Seeds many insights with SQL: for query plans, paging and benchmarks.

use insights::store::{Store, summaries};
use sea_orm::{ConnectionTrait as _, Statement};

/// Publishes `count` insights, a minute apart, the newest an hour before `now_millis`; every tenth is a draft, every
/// hundredth scheduled, every 101st expired. Needs the terms of `TestApp::with_terms`.
pub(crate) async fn insights(store: &Store, count: i64, now_millis: i64) {
    for statement in statements(store.is_postgres(), count, now_millis) {
        let backend = store.writer().get_database_backend();
        store.writer().execute_raw(Statement::from_string(backend, statement.clone())).await.unwrap_or_else(|e| panic!("{e}: {statement}"));
    }
    summaries::renew(store).await.unwrap();
}

fn statements(postgres: bool, count: i64, now: i64) -> Vec<String> {
    let series = if postgres {
        format!("generate_series(1::bigint, {count}) AS s(n)")
    } else {
        format!("(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s) AS s")
    };
    let id = if postgres { "gen_random_uuid()" } else { "randomblob(16)" };
    let padded = if postgres { "lpad(n::text, 7, '0')" } else { "printf('%07d', n)" };
    let body = if postgres { "repeat('word ', 200)" } else { "replace(hex(zeroblob(200)), '00', 'word ')" };
    let nth = |terms: &str, n: &str| {
        format!("(SELECT c.id FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM {terms}) c WHERE c.place = {n})")
    };
    let category = nth("categories", "s.n % 4");
    let live = "CASE WHEN n % 10 = 0 THEN NULL ELSE 1 END";
    let at = format!("CASE WHEN n % 100 = 1 THEN {now} + n * 60000 ELSE {now} - 3600000 - n * 60000 END");
    let yes = if postgres { "true" } else { "1" };
    let mut list = vec![
        format!(
            "INSERT INTO insights (id, slug, head_revision, live_revision, pointer_version, published_at, unpublish_at, deleted_at, position_at, \
             category_id, sort_title, reading_minutes, created_by, created_at, updated_at, live_updated_at) \
             SELECT {id}, 'seeded-' || {padded}, 1, {live}, 1, CASE WHEN n % 10 = 0 THEN NULL ELSE {at} END, \
             CASE WHEN n % 101 = 5 AND n % 10 <> 0 AND n % 100 <> 1 THEN {now} - 3599999 ELSE NULL END, NULL, {at}, {category}, \
             'seeded ' || {padded}, 1 + n % 9, NULL, {now}, {now} - n, {now} - n FROM {series}"
        ),
        format!("INSERT INTO slugs (slug, insight_id, created_at) SELECT slug, id, {now} FROM insights WHERE slug LIKE 'seeded-%'"),
        format!(
            "INSERT INTO revisions (insight_id, number, slug, source_locale, locales, category_id, reading_minutes, canonical_url, seo, extra, \
             origin, user_id, token_id, created_at) SELECT id, 1, slug, 'en', '[\"en\"]', category_id, NULL, NULL, '{{}}', '{{}}', 'seed', NULL, \
             NULL, {now} FROM insights WHERE slug LIKE 'seeded-%'"
        ),
        format!(
            "INSERT INTO revision_texts (insight_id, number, locale, title, excerpt, excerpt_source, word_count, derived_minutes, is_source) \
             SELECT id, 1, 'en', sort_title, 'An excerpt.', 'derived', 200, reading_minutes, {yes} FROM insights WHERE slug LIKE 'seeded-%'"
        ),
        format!(
            "INSERT INTO revision_bodies (insight_id, number, locale, markdown, html, plain, toc) SELECT id, 1, 'en', {body}, {body}, {body}, '[]' \
             FROM insights WHERE slug LIKE 'seeded-%'"
        ),
    ];
    for (links, terms, live_links) in [("revision_tags", "tags", "live_tags"), ("revision_authors", "authors", "live_authors")] {
        let which = nth(terms, "i.reading_minutes % 2");
        list.push(format!(
            "INSERT INTO {links} (insight_id, number, term_id, place) SELECT i.id, 1, {which}, 0 FROM insights i WHERE i.slug LIKE 'seeded-%'"
        ));
        list.push(format!(
            "INSERT INTO {live_links} (term_id, position_at, insight_id) SELECT l.term_id, i.position_at, i.id FROM {links} l \
             JOIN insights i ON i.id = l.insight_id WHERE i.live_revision IS NOT NULL AND i.slug LIKE 'seeded-%'"
        ));
    }
    list.push("ANALYZE".to_owned());
    list
}
