//! Search at size: `cargo bench --bench search -- [INSIGHTS] [WORDS]`, 100 000 insights of 400 words unless told otherwise.
//!
//! Prints how fast the index is made and how large it is; then, over HTTP against the release binary and in-process without HTTP, how long
//! queries take; and how long a write takes until it can be found, which is how long it takes to be answered.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints, and stops at what is wrong")]

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

const QUERIES: usize = 2_000;

type Anything = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Anything {
    let numbers: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let (count, words) = (numbers.first().copied().unwrap_or(100_000), numbers.get(1).copied().unwrap_or(400));
    println!("machine: {}", machine());
    let folder = tempfile::tempdir()?;
    let corpus = generate::corpus(count, words, Clock::System.now().0);
    let questions = questions(&corpus.entries);
    let token = fill(folder.path(), &corpus).await?;
    drop(corpus);
    let within = index_and_ask(folder.path(), count, &questions).await?;
    let serving = Serving::start(folder.path(), &token)?;
    for (at, (name, list)) in questions.iter().enumerate() {
        for clients in [1, 16] {
            let cpu = serving.cpu();
            let started = Instant::now();
            let times = serving.ask(list, clients).await;
            let rate = per_second(times.len(), started.elapsed());
            let cpu = (serving.cpu() - cpu) * 1_000.0 / as_float(times.len());
            let (median, late) = percentiles(times);
            let ratio = if clients == 1 { format!("   p50 {:.2} x in-process", median / within[at]) } else { String::new() };
            println!(
                "{name:<28} {clients:>2} clients   p50 {median:>7.2} ms   p99 {late:>7.2} ms   {rate:>7.0}/s   {cpu:.2} ms CPU each{ratio}"
            );
        }
    }
    println!(
        "resident memory after the load: {:.0} MiB, of which the index's and the database's files {:.0} MiB",
        serving.memory("VmRSS"),
        serving.memory("RssFile")
    );
    for clients in [1, 16] {
        let started = Instant::now();
        let cpu = serving.cpu();
        let times = serving.publish(clients).await;
        let (rate, all) = (per_second(times.len(), started.elapsed()), times.len());
        let cpu = (serving.cpu() - cpu) * 1_000.0 / as_float(all);
        let (median, late) = percentiles(times);
        println!(
            "{:<28} {clients:>2} clients   p50 {median:>7.2} ms   p99 {late:>7.2} ms   {rate:>7.0}/s   {cpu:.2} ms CPU each",
            "publish, found when answered"
        );
    }
    Ok(())
}

/// Writes the corpus and a token into a new database.
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
    println!("{} insights written in {:.0} s", corpus.entries.len(), started.elapsed().as_secs_f64());
    Ok(token)
}

/// Makes the index and asks it without HTTP; answers the median of each kind of question.
#[expect(clippy::disallowed_methods, reason = "a benchmark owns its tasks")]
async fn index_and_ask(folder: &Path, count: usize, questions: &[(&str, Vec<String>)]) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let store = Store::open(&format!("sqlite://{}/insights.db", folder.display()), 4).await?;
    let (projection, search, progress) = SearchProjection::new(folder.join("search"), tokio::runtime::Handle::current());
    let started = Instant::now();
    projection.remake(&store, |_| {}).await?;
    let seconds = started.elapsed().as_secs_f64();
    println!("index: {:.0} insights/s, {:.0} MiB on disk", as_float(count) / seconds, size(&folder.join("search")) / 1_048_576.0);
    let following = tokio::spawn(follower::follow(store.clone(), projection, progress));
    search.progress().wait_for(|position| position.is_open()).await?;
    let mut medians = Vec::new();
    for (name, list) in questions {
        let mut times = Vec::new();
        for query in list {
            let asked = Instant::now();
            let request = SearchRequest { query: query.clone(), limit: 10, ..SearchRequest::default() };
            search.find(request, vec!["en".to_owned()], Clock::System.now()).await?;
            times.push(asked.elapsed());
        }
        let (median, late) = percentiles(times);
        println!("{name:<28} in-process   p50 {median:>7.2} ms   p99 {late:>7.2} ms");
        medians.push(median);
    }
    following.abort();
    let _ = following.await;
    drop(search);
    store.close().await?;
    Ok(medians)
}

/// Questions of each kind, about insights all over the corpus.
fn questions(entries: &[corpus::Entry]) -> Vec<(&'static str, Vec<String>)> {
    let mut random = Random::new(3);
    let (mut two, mut begun, mut mistyped) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..QUERIES {
        let entry = &entries[random.below(entries.len())];
        let title: Vec<&str> = entry.title.split([' ', ':']).filter(|word| word.len() > 3).collect();
        let text: Vec<&str> = entry.text.split(' ').filter(|word| word.len() > 4 && word.chars().all(char::is_alphabetic)).collect();
        two.push(format!("{} {} ", text[random.below(text.len())], title[random.below(title.len())]));
        let last: String = title[2].chars().take(3).collect();
        begun.push(format!("{} {} {last}", title[0], title[1]));
        let mut letters: Vec<char> = title[1].chars().collect();
        letters.swap(1, 2);
        mistyped.push(format!("{} {} ", title[0], letters.into_iter().collect::<String>()));
    }
    vec![("two words, facets, 10 marked", two), ("as you type", begun), ("with a typo", mistyped)]
}

/// The release binary on the bench's data, killed at the end.
struct Serving {
    child: Child,
    url: String,
    token: String,
    http: reqwest::Client,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
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

    async fn ask(&self, queries: &[String], clients: usize) -> Vec<Duration> {
        // The first searches after a start wait for the index to be looked through.
        while self.http.get(format!("{}/v1/search?q=x", self.url)).send().await.is_ok_and(|answer| answer.status() == 503) {}
        let part = queries.len().div_ceil(clients);
        let asking = queries.chunks(part).map(async |part| {
            let mut times = Vec::new();
            for query in part {
                let text: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
                let asked = Instant::now();
                let answer = self.http.get(format!("{}/v1/search?limit=10&q={text}", self.url)).send().await.expect("an answer");
                assert_eq!(answer.status(), 200);
                answer.bytes().await.expect("a body");
                times.push(asked.elapsed());
            }
            times
        });
        futures_util::future::join_all(asking).await.into_iter().flatten().collect()
    }

    async fn publish(&self, clients: usize) -> Vec<Duration> {
        let publishing = (0..clients).map(async |client| {
            let mut times = Vec::new();
            for number in 0..240 / clients {
                let input = serde_json::json!({ "title": format!("Published {client} {number}"), "body_markdown": "A short text about a queue.", "category": "debugging" });
                let request = self.http.post(format!("{}/v1/insights", self.url)).bearer_auth(&self.token);
                let created: serde_json::Value = request.json(&input).send().await.expect("an answer").json().await.expect("JSON");
                let path = format!("{}/v1/insights/{}/publish", self.url, created["id"].as_str().expect("an id"));
                let request = self.http.post(path).bearer_auth(&self.token).header("if-match", "*");
                let asked = Instant::now();
                let answer = request.json(&serde_json::json!({})).send().await.expect("an answer");
                assert_eq!(answer.status(), 200);
                times.push(asked.elapsed());
            }
            times
        });
        futures_util::future::join_all(publishing).await.into_iter().flatten().collect()
    }

    /// Seconds of processor time so far.
    fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields: Vec<f64> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().filter_map(|field| field.parse().ok()).collect();
        // The state, which is no number, comes first: utime and stime are the 11th and 12th behind it.
        (fields.get(10).copied().unwrap_or(0.0) + fields.get(11).copied().unwrap_or(0.0)) / 100.0
    }

    fn memory(&self, name: &str) -> f64 {
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
