//! Relevance on judged collections: `cargo bench --bench judged -- FOLDER`, one sub-folder for each collection with `docs.jsonl` ({id, title,
//! text}), `queries.jsonl` ({id, text}) and `qrels.tsv` (query, document, relevance).
//!
//! Prints nDCG at 10 (Järvelin and Kekäläinen 2002, with the relevance itself as gain, as `trec_eval` has it), as queries
//! are, with one typo each, and how much of it the typo left.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints, and stops at what is wrong")]

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
    println!("{:<14} {:>7} {:>8} {:>8} {:>8} {:>8}", "collection", "docs", "queries", "nDCG@10", "typo", "kept");
    for folder in &folders {
        let (documents, queries, plain, typo) = judge(folder).await;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        println!("{name:<14} {documents:>7} {queries:>8} {plain:>8.4} {typo:>8.4} {:>8.3}", typo / plain);
        sums = (sums.0 + plain, sums.1 + typo);
    }
    let count = f64::from(u32::try_from(folders.len()).unwrap_or(1));
    println!("{:<14} {:>7} {:>8} {:>8.4} {:>8.4} {:>8.3}", "mean", "", "", sums.0 / count, sums.1 / count, sums.1 / sums.0);
}

#[expect(clippy::disallowed_methods, reason = "a benchmark owns its tasks")]
async fn judge(folder: &Path) -> (usize, usize, f64, f64) {
    let lines = |name: &str| -> Vec<Value> {
        let text = std::fs::read_to_string(folder.join(name)).expect("a file");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let documents = lines("docs.jsonl");
    let place = tempfile::tempdir().expect("a folder");
    let store = Store::open(&format!("sqlite://{}/insights.db", place.path().display()), 4).await.expect("a database");
    store.migrate().await.expect("a schema");
    let entries: Vec<corpus::Entry> = documents
        .iter()
        .map(|document| corpus::Entry {
            // A title is required: what has none is named by nothing.
            title: Some(text(document, "title")).filter(|title| !title.trim().is_empty()).unwrap_or_else(|| "–".to_owned()),
            text: text(document, "text"),
            headings: Vec::new(),
            category: 0,
            tags: Vec::new(),
            published_at: Clock::System.now().0 - 86_400_000,
        })
        .collect();
    let ids = corpus::fill(&store, &entries, &["Judged"], &["none"]).await;
    let names: HashMap<_, _> = ids.iter().zip(&documents).map(|(id, document)| (*id, text(document, "id"))).collect();
    let (projection, search, progress) = SearchProjection::new(place.path().join("search"), tokio::runtime::Handle::current());
    let following = tokio::spawn(follower::follow(store.clone(), projection, progress));
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
        let asked = text(query, "text");
        sums.0 += ndcg(&ranking(&search, asked.clone(), &names).await, judged);
        sums.1 += ndcg(&ranking(&search, with_typo(&asked, number), &names).await, judged);
    }
    following.abort();
    let count = f64::from(u32::try_from(queries.len()).unwrap_or(1));
    (documents.len(), queries.len(), sums.0 / count, sums.1 / count)
}

async fn ranking(search: &Search, query: String, names: &HashMap<uuid::Uuid, String>) -> Vec<String> {
    let request = SearchRequest { query, limit: 10, ..SearchRequest::default() };
    let found = search.find(request, vec!["en".to_owned()], Clock::System.now()).await.expect("an answer");
    found.hits.iter().map(|hit| names[&hit.id].clone()).collect()
}

fn ndcg(ranking: &[String], judged: &HashMap<String, f64>) -> f64 {
    let discount = |at: usize| 1.0 / f64::from(u32::try_from(at + 2).unwrap_or(u32::MAX)).log2();
    let gained: f64 = ranking.iter().enumerate().map(|(at, id)| judged.get(id).copied().unwrap_or(0.0) * discount(at)).sum();
    let mut best: Vec<f64> = judged.values().copied().collect();
    best.sort_by(|a, b| b.total_cmp(a));
    let most: f64 = best.iter().take(10).enumerate().map(|(at, gain)| gain * discount(at)).sum();
    if most > 0.0 { gained / most } else { 0.0 }
}

/// The query with two neighbouring letters of its longest word swapped, one dropped, one doubled or one replaced, in turn.
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
    let wrong: String = letters.into_iter().collect();
    query.replacen(word, &wrong, 1)
}
