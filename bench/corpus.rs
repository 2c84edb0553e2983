//! Inserts insights into a database with plain statements: corpora for benchmarks, without the cost of the API.

use insights::domain::clock::{Clock, Timestamp, new_id};
use insights::store::{Store, summaries};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, Statement, Value};
use uuid::Uuid;

/// One insight to insert.
pub(crate) struct Entry {
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) headings: Vec<String>,
    pub(crate) category: usize,
    pub(crate) tags: Vec<usize>,
    pub(crate) published_at: i64,
}

/// Inserts entries as published insights and returns their ids in order. Writes no log rows.
pub(crate) async fn fill(store: &Store, entries: &[Entry], categories: &[&str], tags: &[&str]) -> Vec<Uuid> {
    let now = Clock::System.now();
    let category_ids = terms(store, "categories", categories, now).await;
    let tag_ids = terms(store, "tags", tags, now).await;
    let mut ids = Vec::with_capacity(entries.len());
    for part in entries.chunks(500) {
        let txn = store.begin().await.expect("a transaction");
        for entry in part {
            ids.push(insert(&txn, entry, &category_ids, &tag_ids, ids.len(), now).await);
        }
        summaries::write(&txn, &ids[ids.len() - part.len()..]).await.expect("summaries");
        store.commit_quietly(txn).await.expect("a commit");
    }
    ids
}

async fn insert(txn: &DatabaseTransaction, entry: &Entry, categories: &[Uuid], tags: &[Uuid], number: usize, now: Timestamp) -> Uuid {
    let id = new_id(Timestamp(entry.published_at));
    let slug = format!("entry-{number}");
    let category = categories[entry.category % categories.len()];
    let words = i64::try_from(entry.text.split_whitespace().count()).unwrap_or(0);
    let minutes = (words / 238).max(1);
    let toc: Vec<serde_json::Value> = entry
        .headings
        .iter()
        .enumerate()
        .map(|(at, text)| serde_json::json!({ "id": format!("h{at}"), "level": 2, "text": text }))
        .collect();
    let excerpt: String = entry.text.chars().take(200).collect();
    let at = entry.published_at;
    run(
        txn,
        "INSERT INTO insights (id, slug, head_revision, live_revision, pointer_version, published_at, position_at, category_id, \
         sort_title, reading_minutes, created_at, updated_at, live_updated_at) VALUES ($1, $2, 1, 1, 1, $3, $3, $4, $5, $6, $7, $7, $7)",
        vec![id.into(), slug.clone().into(), at.into(), category.into(), entry.title.to_lowercase().into(), minutes.into(), now.0.into()],
    )
    .await;
    run(txn, "INSERT INTO slugs (slug, insight_id, created_at) VALUES ($1, $2, $3)", vec![slug.clone().into(), id.into(), now.0.into()])
        .await;
    run(
        txn,
        "INSERT INTO revisions (insight_id, number, slug, source_locale, locales, category_id, seo, extra, origin, created_at) \
         VALUES ($1, 1, $2, 'en', '[\"en\"]', $3, '{}', '{}', 'bench', $4)",
        vec![id.into(), slug.into(), category.into(), now.0.into()],
    )
    .await;
    run(
        txn,
        "INSERT INTO revision_texts (insight_id, number, locale, title, excerpt, excerpt_source, word_count, derived_minutes, is_source) \
         VALUES ($1, 1, 'en', $2, $3, 'derived', $4, $5, $6)",
        vec![id.into(), entry.title.clone().into(), excerpt.into(), words.into(), minutes.into(), true.into()],
    )
    .await;
    run(
        txn,
        "INSERT INTO revision_bodies (insight_id, number, locale, markdown, html, plain, toc) VALUES ($1, 1, 'en', '', '', $2, $3)",
        vec![id.into(), entry.text.clone().into(), serde_json::json!(toc).to_string().into()],
    )
    .await;
    for (index, tag) in entry.tags.iter().enumerate() {
        let tag = tags[tag % tags.len()];
        let place = i64::try_from(index).unwrap_or(0);
        run(
            txn,
            "INSERT INTO revision_tags (insight_id, number, term_id, place) VALUES ($1, 1, $2, $3)",
            vec![id.into(), tag.into(), place.into()],
        )
        .await;
        run(txn, "INSERT INTO live_tags (term_id, position_at, insight_id) VALUES ($1, $2, $3)", vec![tag.into(), at.into(), id.into()])
            .await;
    }
    id
}

async fn terms(store: &Store, table: &str, names: &[&str], now: Timestamp) -> Vec<Uuid> {
    let txn = store.begin().await.expect("a transaction");
    let mut ids = Vec::new();
    for name in names {
        let id = new_id(now);
        let sql = format!(
            "INSERT INTO {table} (id, slug, name, description, translations, version, created_at, updated_at) \
             VALUES ($1, $2, $3, '', '{{}}', 1, $4, $4)"
        );
        run(&txn, &sql, vec![id.into(), name.replace(' ', "-").to_lowercase().into(), (*name).into(), now.0.into()]).await;
        ids.push(id);
    }
    store.commit_quietly(txn).await.expect("a commit");
    ids
}

async fn run(txn: &DatabaseTransaction, sql: &str, values: Vec<Value>) {
    let statement = Statement::from_sql_and_values(txn.get_database_backend(), sql, values);
    txn.execute_raw(statement).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
}
