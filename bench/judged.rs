//! Relevance on judged collections: `cargo bench --bench judged -- FOLDER`, with a sub-folder for each collection that has `docs.jsonl`
//! ({id, title, text}), `queries.jsonl` ({id, text}) and `qrels.tsv` (query, document, relevance).
//!
//! Prints nDCG@10 (Järvelin and Kekäläinen 2002, with the relevance as gain, as in `trec_eval`) of the queries, of the queries with
//! one typo each, and the ratio of the two.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints, and panics on errors")]

#[path = "corpus.rs"]
mod corpus;

use std::collections::HashMap;
use std::path::Path;

use insights::domain::clock::Clock;
use insights::projections::follower;
use insights::projections::search::Search;
use insights::projections::search::{SearchProjection, SearchRequest};
use insights::store::Store;
use serde_json::Value;

#[tokio::main]
async fn main() {
    let Some(root) = std::env::args().skip(1).find(|argument| !argument.starts_with("--")) else {
        println!("usage: cargo bench --bench judged -- FOLDER");
        return;
    };
    let mut folders: Vec<_> = std::fs::read_dir(&root).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    folders.retain(|path| path.join("qrels.tsv").exists());
    folders.sort();
    let mut sums = (0.0, 0.0);
    println!("{:<14} {:>7} {:>8} {:>8} {:>8} {:>8}", "collection", "docs", "queries", "nDCG@10", "typo", "ratio");
    for folder in &folders {
        let Judgement { documents, queries, plain, typo } = judge(folder).await;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        println!("{name:<14} {documents:>7} {queries:>8} {plain:>8.4} {typo:>8.4} {:>8.3}", typo / plain);
        sums = (sums.0 + plain, sums.1 + typo);
    }
    let count = f64::from(u32::try_from(folders.len()).unwrap_or(1));
    println!("{:<14} {:>7} {:>8} {:>8.4} {:>8.4} {:>8.3}", "mean", "", "", sums.0 / count, sums.1 / count, sums.1 / sums.0);
}

/// The size of a collection, and its mean nDCG@10 without and with typos.
struct Judgement {
    documents: usize,
    queries: usize,
    plain: f64,
    typo: f64,
}

#[expect(clippy::disallowed_methods, reason = "a benchmark spawns its own tasks")]
async fn judge(folder: &Path) -> Judgement {
    let lines = |name: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(folder.join(name)).expect("a file");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let documents = lines("docs.jsonl");
    let data = tempfile::tempdir().expect("a folder");
    let store = Store::open(&format!("sqlite://{}/insights.db", data.path().display()), 4).await.expect("a database");
    store.migrate().await.expect("a schema");
    let entries: Vec<corpus::Entry> = documents
        .iter()
        .map(|document| corpus::Entry {
            // A title is required; a dash has no words.
            title: Some(text(document, "title")).filter(|title| !title.trim().is_empty()).unwrap_or_else(|| "–".to_owned()),
            text: text(document, "text"),
            headings: Vec::new(),
            category: 0,
            tags: Vec::new(),
            published_at: Clock::System.now().0 - 86_400_000,
        })
        .collect();
    let ids = corpus::fill(&store, &entries, &["Judged"], &["none"]).await;
    let document_ids: HashMap<_, _> = ids.iter().zip(&documents).map(|(id, document)| (*id, text(document, "id"))).collect();
    let (projection, search, progress) = SearchProjection::new(data.path().join("search"), tokio::runtime::Handle::current());
    let follower = tokio::spawn(follower::follow(store.clone(), projection, progress));
    search.progress().wait_for(|position| position.is_open()).await.expect("an index");
    let mut judgements: HashMap<String, HashMap<String, f64>> = HashMap::new();
    for line in std::fs::read_to_string(folder.join("qrels.tsv")).expect("qrels").lines() {
        let parts: Vec<&str> = line.split('\t').collect();
        judgements.entry(parts[0].to_owned()).or_default().insert(parts[1].to_owned(), parts[2].parse().expect("a number"));
    }
    let queries = lines("queries.jsonl");
    let mut sums = (0.0, 0.0);
    for (number, query) in queries.iter().enumerate() {
        let judged = &judgements[&text(query, "id")];
        let query_text = text(query, "text");
        sums.0 += ndcg(&ranking(&search, query_text.clone(), &document_ids).await, judged);
        sums.1 += ndcg(&ranking(&search, with_typo(&query_text, number), &document_ids).await, judged);
    }
    follower.abort();
    let count = f64::from(u32::try_from(queries.len()).unwrap_or(1));
    Judgement { documents: documents.len(), queries: queries.len(), plain: sums.0 / count, typo: sums.1 / count }
}

/// The document ids of the first ten hits.
async fn ranking(search: &Search, query: String, document_ids: &HashMap<uuid::Uuid, String>) -> Vec<String> {
    let request = SearchRequest { query, limit: 10, ..SearchRequest::default() };
    let page = search.find(request, vec!["en".to_owned()], Clock::System.now()).await.expect("an answer");
    page.hits.iter().map(|hit| document_ids[&hit.id].clone()).collect()
}

fn ndcg(ranking: &[String], judged: &HashMap<String, f64>) -> f64 {
    let discount = |rank: usize| 1.0 / f64::from(u32::try_from(rank + 2).unwrap_or(u32::MAX)).log2();
    let gained: f64 = ranking.iter().enumerate().map(|(rank, id)| judged.get(id).copied().unwrap_or(0.0) * discount(rank)).sum();
    let mut ideal: Vec<f64> = judged.values().copied().collect();
    ideal.sort_by(|a, b| b.total_cmp(a));
    let max: f64 = ideal.iter().take(10).enumerate().map(|(rank, gain)| gain * discount(rank)).sum();
    if max > 0.0 { gained / max } else { 0.0 }
}

/// The query with a typo in its longest word: two letters transposed, one deleted, one doubled or one replaced, in turn.
fn with_typo(query: &str, number: usize) -> String {
    let Some(word) = query.split_whitespace().filter(|word| word.chars().all(char::is_alphabetic)).max_by_key(|word| word.len()) else {
        return query.to_owned();
    };
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() < 4 {
        return query.to_owned();
    }
    let at = 1 + number % (letters.len() - 2);
    match number % 4 {
        0 => letters.swap(at, at + 1),
        1 => {
            letters.remove(at);
        }
        2 => letters.insert(at, letters[at]),
        _ => letters[at] = if letters[at] == 'x' { 'q' } else { 'x' },
    }
    let mistyped: String = letters.into_iter().collect();
    query.replacen(word, &mistyped, 1)
}
