//! Known-item search: success at 1 and at 5 for each kind of query, printed and compared with lower bounds.

use std::collections::BTreeMap;

use super::generate::{self, Random};
use super::{corpus, search};
use crate::support::{Client, TestApp};

const INSIGHTS: usize = 600;
/// Generated insights that are searched for.
const SAMPLED: usize = 60;

/// A query and the title that it should find.
struct KnownItem {
    kind: &'static str,
    query: String,
    title: String,
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the figures are the result of the test")]
async fn known_items_are_found_first() {
    let app = TestApp::start_with(|settings| settings.demo = true).await;
    let corpus = generate::corpus(INSIGHTS, 120, app.now().0);
    let tags: Vec<String> = corpus.tags.iter().map(|tag| format!("t-{tag}")).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    corpus::fill(app.store(), &corpus.entries, &["Seeded"], &tags).await;
    let mut items = sample_items();
    let mut random = Random::new(99);
    for number in (0..INSIGHTS).step_by(INSIGHTS / SAMPLED) {
        items.extend(generated_items(&corpus.entries[number], number, &mut random));
    }
    let app = app.restart_without_index().await;
    let anyone = app.anonymous();
    let mut results: BTreeMap<&str, (u32, u32, u32)> = BTreeMap::new();
    for item in &items {
        let rank = rank(&anyone, item).await;
        let (queries, at_1, at_5) = results.entry(item.kind).or_default();
        *queries += 1;
        *at_1 += u32::from(rank == Some(0));
        *at_5 += u32::from(rank.is_some_and(|rank| rank < 5));
    }
    let lower_bounds: BTreeMap<&str, (f64, f64)> = [
        ("accents", (1.0, 1.0)),
        ("one typo", (0.95, 0.98)),
        ("phrase of the body", (0.98, 1.0)),
        ("plural or singular", (0.9, 1.0)),
        ("technical token", (1.0, 1.0)),
        ("title as typed", (0.98, 1.0)),
        ("words of the body", (0.9, 1.0)),
    ]
    .into();
    for (kind, (queries, at_1, at_5)) in &results {
        let share = |count: &u32| f64::from(*count) / f64::from(*queries);
        println!("{kind:<20} {queries:>4} queries   success@1 {:.3}   success@5 {:.3}", share(at_1), share(at_5));
        let (min_at_1, min_at_5) = lower_bounds[kind];
        assert!(share(at_1) >= min_at_1 && share(at_5) >= min_at_5, "{kind}: {:.3} and {:.3}", share(at_1), share(at_5));
    }
    assert_eq!(results.len(), lower_bounds.len());
}

/// The rank of the item among the first five hits.
#[expect(clippy::print_stdout, reason = "misses are printed in full")]
async fn rank(anyone: &Client, item: &KnownItem) -> Option<usize> {
    let query: String = form_urlencoded::byte_serialize(item.query.as_bytes()).collect();
    let titles = super::titles(&search(anyone, &format!("q={query}&limit=5")).await);
    let rank = titles.iter().position(|title| *title == item.title);
    if rank != Some(0) {
        println!("  {}: {:?} -> {rank:?}, wanted {:?}, first {:?}", item.kind, item.query, item.title, titles.first());
    }
    rank
}

/// Queries for the sample insights.
fn sample_items() -> Vec<KnownItem> {
    let herd = "Cache without a lock is thundering herd: 14 endpoints, 8 workers, one dead database";
    let index = "Expression index ignored: Why COALESCE in the index didn't match the ORDER BY — 29 500× speedup";
    let commit = "Commit before async I/O: how a single enricher idled the entire PgBouncer pool";
    let list = [
        ("title as typed", "cache without a loc", herd),
        ("title as typed", "expression inde", index),
        ("title as typed", "commit before asy", commit),
        ("one typo", "thundering herd cahce", herd),
        ("one typo", "expresion index ignored", index),
        ("plural or singular", "thundering herds caches", herd),
        ("plural or singular", "expression indexes", index),
        ("plural or singular", "async commits", commit),
        ("technical token", "COALESCE", index),
        ("technical token", "pgbouncer", commit),
        ("technical token", "ORDER BY", index),
        ("accents", "expréssion índex", index),
        ("accents", "PgBouncér pöol", commit),
        ("words of the body", "why did the whole pool sit idle in transaction", commit),
    ];
    list.into_iter().map(|(kind, query, title)| KnownItem { kind, query: query.to_owned(), title: title.to_owned() }).collect()
}

/// A query of each kind for one insight of the generated corpus.
fn generated_items(entry: &corpus::Entry, number: usize, random: &mut Random) -> Vec<KnownItem> {
    let words: Vec<&str> = entry.title.split([' ', ':']).filter(|word| !word.is_empty()).collect();
    let item = |kind, query: String| KnownItem { kind, query, title: entry.title.clone() };
    let prefix: String = words[3].chars().take(3).collect();
    let long_words: Vec<&str> = words.iter().copied().filter(|word| word.len() > 4).collect();
    let mut mistyped: Vec<String> = long_words.iter().take(4).map(|word| word.to_lowercase()).collect();
    let typo = random.below(mistyped.len());
    let mut letters: Vec<char> = mistyped[typo].chars().collect();
    letters.swap(2, 3);
    mistyped[typo] = letters.into_iter().collect();
    let body: Vec<&str> = entry.text.split("\n\n").next().unwrap_or_default().split_whitespace().collect();
    let start = random.below(body.len().saturating_sub(8));
    let mut body_words: Vec<&str> =
        entry.text.split_whitespace().filter(|word| word.len() > 6 && word.chars().all(char::is_alphabetic)).collect();
    body_words.sort_unstable();
    body_words.dedup();
    body_words.truncate(9);
    vec![
        item("title as typed", format!("{} {} {} {prefix}", words[0], words[1], words[2])),
        item("one typo", mistyped.join(" ")),
        item("phrase of the body", format!("\"{}\"", body[start..start + 6].join(" "))),
        item("technical token", format!("E{:05}", number + 10_000)),
        item("technical token", format!("worker_{number}::drain")),
        item("technical token", format!("nodewatch{number}")),
        item("plural or singular", format!("{}s {} {}s {}", words[0], words[1], words[2], words[5])),
        item("words of the body", body_words.join(" ")),
    ]
}
