//! Loads that write: single drafts, and a bulk import.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use insights::domain::clock::{Clock, Timestamp};
use serde_json::json;

use crate::client;
use crate::generate;
use crate::measure::{Effort, LoadedServer, Rounds};
use crate::process::Process;
use crate::report::{self, Target, as_float};
use crate::seed::Content;

const IMPORTED: usize = 10_000;
const WORDS: usize = 1_000;

const TEXT: &str = "The queue stopped **draining** after the rollout.\n\n## What we saw\n\nEvery worker waited for the same lock, \
    which `drain()` held while it talked to the network.\n\n- The lock is released first now.\n- A test holds the network back.\n";

pub(crate) fn create(service: &Process, content: &Content, effort: Effort) -> Result<(), Box<dyn Error>> {
    let headers = bearer(content, "application/json");
    let number = AtomicUsize::new(0);
    let next_request = |out: &mut Vec<u8>| {
        let title = format!("A draft of the load, number {}", number.fetch_add(1, Ordering::Relaxed));
        let input = json!({ "title": title, "body_markdown": TEXT, "category": "debugging" });
        out.extend(client::post("/v1/insights", &headers, &input.to_string()));
    };
    let mut loaded = LoadedServer::warm_up(service, 201, &next_request)?;
    let rounds = Rounds((0..effort.rounds).map(|_| loaded.measure(effort.window, &next_request)).collect());
    report::alone("create", &rounds, Target::AtMost(2.0));
    Ok(())
}

/// Measured from the first byte sent until everything can be read and found.
pub(crate) fn import(service: &Process, content: &Content) -> Result<(), Box<dyn Error>> {
    let request = client::post("/v1/imports", &bearer(content, "application/x-ndjson"), &lines());
    let before = service.cpu_seconds_with_exited_threads();
    let started = Instant::now();
    let id = service.request(&request)?.expect(202).json()["id"].as_str().ok_or("an import without an id")?.to_owned();
    let status = client::get(&format!("/v1/imports/{id}"), &bearer(content, "application/json"));
    let finished = loop {
        let import = service.request(&status)?.expect(200).json();
        if !import["finished_at"].is_null() {
            break import;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let elapsed = started.elapsed().as_secs_f64();
    assert_eq!(finished["counts"]["created"], IMPORTED, "{finished}");
    let cpu = (service.cpu_seconds_with_exited_threads() - before) * 1_000.0 / as_float(IMPORTED);
    let name = format!("import, {cpu:.2} ms CPU each:");
    report::figure(&name, as_float(IMPORTED) / elapsed, "insights/s", Some(Target::AtLeast(1_000.0)));
    Ok(())
}

fn lines() -> String {
    let corpus = generate::corpus(IMPORTED, WORDS, Clock::System.now().0);
    let mut lines = String::new();
    for (number, entry) in corpus.entries.iter().enumerate() {
        let line = json!({
            "slug": format!("imported-{number}"),
            "title": entry.title,
            "body_markdown": entry.text,
            "category": "bench",
            "status": "published",
            "published_at": Timestamp(entry.published_at).rfc3339(),
            "terms": { "category": { "slug": "bench", "name": "Bench" } },
        });
        let _ = writeln!(lines, "{line}");
    }
    lines
}

pub(crate) fn bearer(content: &Content, media_type: &str) -> String {
    format!("Authorization: Bearer {}\r\nContent-Type: {media_type}\r\n", content.token)
}
