//! `serve --demo` has the content of the reference frontend.

use serde_json::Value;

use crate::support::TestApp;

const TABLE: [(&str, &str, i64, &str); 6] = [
    ("Debugging", "2026-04-18", 5, "Symptom ≠ Root Cause: How the auto-healer became the real problem"),
    ("Infrastructure", "2026-04-18", 6, "Cache without a lock is thundering herd: 14 endpoints, 8 workers, one dead database"),
    (
        "Data Engineering",
        "2026-04-18",
        5,
        "Expression index ignored: Why COALESCE in the index didn't match the ORDER BY — 29 500× speedup",
    ),
    ("Data Engineering", "2026-04-18", 4, "UPDATE with subquery and LIMIT: When the daemon spins in place"),
    ("Data Engineering", "2026-04-18", 4, "Commit before async I/O: how a single enricher idled the entire PgBouncer pool"),
    ("Distributed Systems", "2026-04-18", 4, "Batch finalisation per container: why the monitor showed nothing for 83 minutes"),
];

/// The reading minutes and figures of each story's card, in each of its languages.
const FIGURES: [(&str, &str, i64, &[&str]); 10] = [
    ("symptom-is-not-root-cause", "en", 5, &["PostgreSQL primary at 91 % CPU", "an hour later"]),
    ("cache-without-a-lock-is-thundering-herd", "en", 6, &["14 endpoints", "8 workers", "lock per key"]),
    ("cache-without-a-lock-is-thundering-herd", "de", 6, &["14 Endpunkte", "8 Worker", "Lock pro Schlüssel"]),
    ("cache-without-a-lock-is-thundering-herd", "it", 6, &["14 endpoint", "8 worker", "lock per chiave"]),
    ("expression-index-ignored", "en", 5, &["COALESCE(score, 0)", "29 500×"]),
    ("update-with-subquery-and-limit", "en", 4, &["filter in the wrong place", "UPDATE 0"]),
    ("commit-before-async-io", "en", 4, &["Twelve parallel daemons", "502"]),
    ("commit-before-async-io", "de", 4, &["Zwölf parallele Daemons", "502"]),
    ("commit-before-async-io", "it", 4, &["Dodici daemon in parallelo", "502"]),
    ("batch-finalisation-per-container", "en", 4, &["83 minutes", "finalise per container"]),
];

#[tokio::test]
async fn the_list_has_everything_that_the_index_page_shows() {
    let app = TestApp::start_with(|settings| settings.demo = true).await;
    let site = app.anonymous().get("/v1/site").await.expect(200).json();
    assert_eq!((site["name"].as_str(), site["title"].as_str()), (Some("ZERONE"), Some("Insights")));
    assert_eq!(site["stats"]["insights"], 6);
    let list = app.anonymous().get("/v1/insights").await.expect(200).json();
    let rows = list["data"].as_array().unwrap();
    assert_eq!(rows.len(), TABLE.len());
    for (row, (category, date, minutes, title)) in rows.iter().zip(TABLE) {
        assert_eq!(row["title"], title);
        assert_eq!(row["category"]["name"], category);
        assert_eq!(row["reading_minutes"], minutes, "{title}");
        assert_eq!(row["reading_minutes_source"], "derived");
        assert!(row["published_at"].as_str().unwrap().starts_with(date));
        assert!(row["excerpt"].as_str().unwrap().len() > 80);
    }
    let categories = app.anonymous().get("/v1/categories").await.expect(200);
    assert_eq!(categories.each("slug"), ["debugging", "infrastructure", "data-engineering", "distributed-systems"]);
    assert_eq!(categories.each("insight_count"), [1, 1, 3, 1]);
}

#[tokio::test]
async fn every_sample_can_be_read_in_three_languages() {
    let app = TestApp::start_with(|settings| settings.demo = true).await;
    let slugs = app.anonymous().get("/v1/insights?fields=slug").await.expect(200).each("slug");
    let mut translated = 0;
    for slug in slugs {
        for locale in ["en", "de", "it"] {
            let insight = app.anonymous().get(&format!("/v1/insights/{}?locale={locale}", slug.as_str().unwrap())).await.expect(200).json();
            let words = insight["word_count"].as_i64().unwrap();
            assert!((850..=1_550).contains(&words), "{slug} {locale} has {words} words");
            assert!(insight["body"]["toc"].as_array().is_some_and(|toc: &Vec<Value>| toc.len() >= 3));
            translated += i32::from(insight["locale"] == locale && locale != "en");
        }
    }
    assert_eq!(translated, 4, "two samples carry two translations");
}

/// A figure in the title alone is not enough: the excerpt or the body contains it.
#[tokio::test]
async fn every_sample_contains_the_figures_of_its_card() {
    let app = TestApp::start_with(|settings| settings.demo = true).await;
    for (slug, locale, minutes, figures) in FIGURES {
        let insight = app.anonymous().get(&format!("/v1/insights/{slug}?locale={locale}")).await.expect(200).json();
        assert_eq!(insight["locale"], locale, "{slug}");
        assert_eq!(insight["reading_minutes"], minutes, "{slug} in {locale}");
        let [excerpt, body] = [&insight["excerpt"], &insight["body"]["markdown"]].map(|text| text.as_str().unwrap().to_lowercase());
        for figure in figures {
            let figure = figure.to_lowercase();
            assert!(excerpt.contains(&figure) || body.contains(&figure), "{slug} in {locale} does not contain {figure:?}");
        }
    }
}

#[tokio::test]
async fn the_samples_are_loaded_once() {
    let app = TestApp::start_with(|settings| settings.demo = true).await;
    assert!(!insights::editorial::demo::load(app.store(), app.now()).await.unwrap());
    assert_eq!(app.anonymous().get("/v1/insights?count=exact").await.json()["meta"]["total"], 6);
}
