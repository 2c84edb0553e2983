//! Search at scale: `cargo bench --bench search -- [INSIGHTS] [WORDS]`, by default 100 000 insights of 400 words.
//!
//! Prints the rate and the size of an index build, the latency of queries in-process and over HTTP against the release binary, and the
//! latency of a publication, which includes the time until searches find it.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints, and panics on errors")]

#[path = "corpus.rs"]
mod corpus;
#[path = "generate.rs"]
mod generate;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use generate::Random;
use insights::domain::authority::{Admin, Origin, Scope};
use insights::domain::clock::Clock;
use insights::domain::user::TokenDraft;
use insights::editorial::accounts;
use insights::projections::follower;
use insights::projections::search::{SearchProjection, SearchRequest};
use insights::store::Store;

/// Queries of each kind.
const QUERIES: usize = 2_000;
/// Publications for each number of clients.
const PUBLICATIONS: usize = 240;

type BenchResult = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> BenchResult {
    let numbers: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let (count, words) = (numbers.first().copied().unwrap_or(100_000), numbers.get(1).copied().unwrap_or(400));
    println!("machine: {}", machine());
    let folder = tempfile::tempdir()?;
    let corpus = generate::corpus(count, words, Clock::System.now().0);
    let query_sets = query_sets(&corpus.entries);
    let token = fill(folder.path(), &corpus).await?;
    drop(corpus);
    let in_process = index_and_query(folder.path(), count, &query_sets).await?;
    let service = Service::start(folder.path(), &token)?;
    for (index, QuerySet { name, queries }) in query_sets.iter().enumerate() {
        for clients in [1, 16] {
            let cpu = service.cpu_seconds();
            let started = Instant::now();
            let times = service.search(queries, clients).await;
            let rate = per_second(times.len(), started.elapsed());
            let cpu = (service.cpu_seconds() - cpu) * 1_000.0 / as_float(times.len());
            let (p50, p99) = percentiles(times);
            let ratio = if clients == 1 { format!("   p50 {:.2} x in-process", p50 / in_process[index]) } else { String::new() };
            println!(
                "{name:<28} {clients:>2} clients   p50 {p50:>7.2} ms   p99 {p99:>7.2} ms   {rate:>7.0}/s   {cpu:.2} ms CPU each{ratio}"
            );
        }
    }
    println!(
        "resident memory after the load: {:.0} MiB, of which mapped files {:.0} MiB",
        service.memory_mib("VmRSS"),
        service.memory_mib("RssFile")
    );
    for clients in [1, 16] {
        let started = Instant::now();
        let cpu = service.cpu_seconds();
        let times = service.publish(clients).await;
        let (rate, all) = (per_second(times.len(), started.elapsed()), times.len());
        let cpu = (service.cpu_seconds() - cpu) * 1_000.0 / as_float(all);
        let (p50, p99) = percentiles(times);
        println!(
            "{:<28} {clients:>2} clients   p50 {p50:>7.2} ms   p99 {p99:>7.2} ms   {rate:>7.0}/s   {cpu:.2} ms CPU each",
            "publish until searchable"
        );
    }
    Ok(())
}

/// Inserts the corpus and a token into a new database.
async fn fill(folder: &Path, corpus: &generate::Corpus) -> Result<String, Box<dyn std::error::Error>> {
    let started = Instant::now();
    let store = Store::open(&format!("sqlite://{}/insights.db", folder.display()), 4).await?;
    store.migrate().await?;
    insights::editorial::site::ensure(&store, Clock::System.now()).await?;
    let tags: Vec<&str> = corpus.tags.iter().map(String::as_str).collect();
    corpus::fill(&store, &corpus.entries, &["Debugging", "Infrastructure", "Data Engineering", "Distributed Systems"], &tags).await;
    let draft = TokenDraft { name: "bench".to_owned(), scopes: vec![Scope::Admin], expires_at: None };
    let (_, token) = accounts::create_token(&store, &Admin::system(Origin::Cli), draft, Clock::System.now())
        .await?
        .commit(&store, Clock::System.now())
        .await?;
    store.close().await?;
    println!("{} insights inserted in {:.0} s", corpus.entries.len(), started.elapsed().as_secs_f64());
    Ok(token)
}

/// Builds the index and runs the queries without HTTP. Returns the median latency of each set in milliseconds.
#[expect(clippy::disallowed_methods, reason = "a benchmark spawns its own tasks")]
async fn index_and_query(folder: &Path, count: usize, query_sets: &[QuerySet]) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let store = Store::open(&format!("sqlite://{}/insights.db", folder.display()), 4).await?;
    let (projection, search, progress) = SearchProjection::new(folder.join("search"), tokio::runtime::Handle::current());
    let started = Instant::now();
    projection.rebuild(&store, |_| {}).await?;
    let seconds = started.elapsed().as_secs_f64();
    println!("index: {:.0} insights/s, {:.0} MiB on disk", as_float(count) / seconds, size(&folder.join("search")) / 1_048_576.0);
    let follower = tokio::spawn(follower::follow(store.clone(), projection, progress));
    search.progress().wait_for(|position| position.is_open()).await?;
    let mut medians = Vec::new();
    for QuerySet { name, queries } in query_sets {
        let mut times = Vec::new();
        for query in queries {
            let started = Instant::now();
            let request = SearchRequest { query: query.clone(), limit: 10, ..SearchRequest::default() };
            search.find(request, vec!["en".to_owned()], Clock::System.now()).await?;
            times.push(started.elapsed());
        }
        let (p50, p99) = percentiles(times);
        println!("{name:<28} in-process   p50 {p50:>7.2} ms   p99 {p99:>7.2} ms");
        medians.push(p50);
    }
    follower.abort();
    let _ = follower.await;
    drop(search);
    store.close().await?;
    Ok(medians)
}

/// Queries of one kind.
struct QuerySet {
    name: &'static str,
    queries: Vec<String>,
}

/// Queries of each kind, about random insights of the corpus.
fn query_sets(entries: &[corpus::Entry]) -> Vec<QuerySet> {
    let mut random = Random::new(3);
    let (mut two_words, mut unfinished, mut mistyped) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..QUERIES {
        let entry = &entries[random.below(entries.len())];
        let title: Vec<&str> = entry.title.split([' ', ':']).filter(|word| word.len() > 3).collect();
        let text: Vec<&str> = entry.text.split(' ').filter(|word| word.len() > 4 && word.chars().all(char::is_alphabetic)).collect();
        two_words.push(format!("{} {} ", text[random.below(text.len())], title[random.below(title.len())]));
        let last: String = title[2].chars().take(3).collect();
        unfinished.push(format!("{} {} {last}", title[0], title[1]));
        let mut letters: Vec<char> = title[1].chars().collect();
        letters.swap(1, 2);
        mistyped.push(format!("{} {} ", title[0], letters.into_iter().collect::<String>()));
    }
    vec![
        QuerySet { name: "two words", queries: two_words },
        QuerySet { name: "as you type", queries: unfinished },
        QuerySet { name: "with a typo", queries: mistyped },
    ]
}

/// The release binary on the benchmark's data, killed on drop.
struct Service {
    child: Child,
    url: String,
    token: String,
    http: reqwest::Client,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Service {
    fn start(folder: &Path, token: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let started = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_insights"))
            .args(["serve", "--bind", "127.0.0.1:0", "--log", "error"])
            .env("INSIGHTS_DATA_DIR", folder)
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let first = BufReader::new(output).lines().next().ok_or("no address")??;
        let url = first.split_whitespace().last().ok_or("no address")?.to_owned();
        println!("started in {:.0} ms", started.elapsed().as_secs_f64() * 1_000.0);
        Ok(Self { child, url, token: token.to_owned(), http: reqwest::Client::new() })
    }

    async fn search(&self, queries: &[String], clients: usize) -> Vec<Duration> {
        // After a start, search is not ready until the index is open.
        while self.http.get(format!("{}/v1/search?q=x", self.url)).send().await.is_ok_and(|response| response.status() == 503) {}
        let part = queries.len().div_ceil(clients);
        let clients = queries.chunks(part).map(async |part| {
            let mut times = Vec::new();
            for query in part {
                let text: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
                let started = Instant::now();
                let response = self.http.get(format!("{}/v1/search?limit=10&q={text}", self.url)).send().await.expect("a response");
                assert_eq!(response.status(), 200);
                response.bytes().await.expect("a body");
                times.push(started.elapsed());
            }
            times
        });
        futures_util::future::join_all(clients).await.into_iter().flatten().collect()
    }

    async fn publish(&self, clients: usize) -> Vec<Duration> {
        let publishers = (0..clients).map(async |client| {
            let mut times = Vec::new();
            for number in 0..PUBLICATIONS / clients {
                let title = format!("Published {client} {number}");
                let input = serde_json::json!({ "title": title, "body_markdown": "A short text about a queue.", "category": "debugging" });
                let request = self.http.post(format!("{}/v1/insights", self.url)).bearer_auth(&self.token);
                let created: serde_json::Value = request.json(&input).send().await.expect("a response").json().await.expect("JSON");
                let path = format!("{}/v1/insights/{}/publish", self.url, created["id"].as_str().expect("an id"));
                let request = self.http.post(path).bearer_auth(&self.token).header("if-match", "*");
                let started = Instant::now();
                let response = request.json(&serde_json::json!({})).send().await.expect("a response");
                assert_eq!(response.status(), 200);
                times.push(started.elapsed());
            }
            times
        });
        futures_util::future::join_all(publishers).await.into_iter().flatten().collect()
    }

    /// Processor time so far.
    fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields: Vec<f64> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().filter_map(|field| field.parse().ok()).collect();
        // The state, which is not a number, comes first; utime and stime are the 11th and 12th after it.
        (fields.get(10).copied().unwrap_or(0.0) + fields.get(11).copied().unwrap_or(0.0)) / 100.0
    }

    fn memory_mib(&self, name: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_start_matches(':').split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1_024.0
    }
}

/// Median and 99th percentile, in milliseconds.
fn percentiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort();
    let at = |hundredths: usize| times[(times.len() - 1) * hundredths / 100].as_secs_f64() * 1_000.0;
    (at(50), at(99))
}

fn per_second(count: usize, elapsed: Duration) -> f64 {
    as_float(count) / elapsed.as_secs_f64()
}

fn as_float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn size(folder: &Path) -> f64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| {
            let path = entry.path();
            if path.is_dir() { size(&path) } else { as_float(usize::try_from(entry.metadata().map_or(0, |data| data.len())).unwrap_or(0)) }
        })
        .sum()
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default().trim_start_matches(['\t', ':', ' ']);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{model}, {cores} cores, load {}", load.split_whitespace().next().unwrap_or_default())
}
