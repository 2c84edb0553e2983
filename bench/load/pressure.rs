//! Cache hits under pressure: during continuous writes, and during a scan of addresses that are requested once each.

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use insights::domain::clock::Timestamp;
use serde_json::json;

use crate::client::{self, Connection, Fleet};
use crate::measure::{Effort, median, percentile};
use crate::process::Process;
use crate::reads::{LIST, LONG_AGO};
use crate::report::{self, Target, as_float};
use crate::seed::Content;
use crate::writes::bearer;

const READERS: usize = 64;
/// The interval between the starts of writes, whether or not earlier ones have completed.
const WRITE_INTERVAL: Duration = Duration::from_millis(10);
const WRITERS: usize = 16;
/// The category that is written to, and those that are read.
const WRITTEN_CATEGORY: &str = "infrastructure";
const READ_CATEGORIES: [&str; 3] = ["debugging", "data-engineering", "distributed-systems"];
/// During a scan, one of this many requests is for a hot address.
const HOT_INTERVAL: usize = 100;

/// Readers of insights that do not change, alone and while others are written, in turn.
pub(crate) fn under_writes(service: &Process, content: &Content, effort: Effort) -> Result<(), Box<dyn Error>> {
    let hot = hot_requests(service)?;
    let sent = AtomicUsize::new(0);
    let next_request = |out: &mut Vec<u8>| out.extend_from_slice(&hot[sent.fetch_add(1, Ordering::Relaxed) % hot.len()]);
    let mut fleet = Fleet::independent(&service.address, READERS)?;
    let mut editors = Editors::create(service, content)?;
    fleet.drive(Duration::from_millis(500), 200, &next_request);
    let (mut ratios, mut p99s, mut writes, mut requests, mut misses) = (Vec::new(), Vec::new(), 0, 0, 0.0);
    for _ in 0..effort.rounds {
        let quiet = percentile(fleet.drive(effort.window, 200, &next_request).times, 99);
        let misses_before = service.metric("insights_cache_misses_total");
        let stop = AtomicBool::new(false);
        let window = std::thread::scope(|scope| {
            let editing = scope.spawn(|| editors.write_until(&stop));
            let window = fleet.drive(effort.window, 200, &next_request);
            stop.store(true, Ordering::Relaxed);
            writes += editing.join().expect("the writer thread");
            window
        });
        misses += service.metric("insights_cache_misses_total") - misses_before;
        requests += window.times.len();
        let busy = percentile(window.times, 99);
        ratios.push(busy / quiet);
        p99s.push(busy);
    }
    let seconds = effort.window.as_secs_f64() * as_float(effort.rounds);
    let name = format!(
        "under writes       {:.0} writes/s, {READERS} readers, p99 {:.3} ms:",
        as_float(writes) / seconds,
        median(p99s.into_iter())
    );
    report::figure(&name, median(ratios.into_iter()), "x the quiet p99", Some(Target::AtMost(2.0)));
    let share = 100.0 * (1.0 - misses / as_float(requests));
    report::figure("  cache hits", share, "% of reads", Some(Target::AtLeast(99.0)));
    Ok(())
}

/// Addresses that are requested once each, and a few hot ones that are requested all the time.
pub(crate) fn scan(service: &Process, distinct: usize) -> Result<(), Box<dyn Error>> {
    let hot = hot_requests(service)?;
    let (sent, once) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let next_request = |out: &mut Vec<u8>| {
        let number = sent.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(HOT_INTERVAL) {
            return out.extend_from_slice(&hot[number / HOT_INTERVAL % hot.len()]);
        }
        let after = Timestamp(LONG_AGO).plus_seconds(i64::try_from(once.fetch_add(1, Ordering::Relaxed)).unwrap_or(0)).rfc3339();
        out.extend(client::get(&format!("{LIST}?limit=1&published_after={after}"), ""));
    };
    let mut fleet = Fleet::connect(&service.address)?;
    for request in &hot {
        service.request(request)?.expect(200);
    }
    let (memory_before, misses_before) = (service.memory_mib("RssAnon"), service.metric("insights_cache_misses_total"));
    let started = Instant::now();
    while once.load(Ordering::Relaxed) < distinct {
        fleet.drive(Duration::from_secs(1), 200, &next_request);
    }
    let once = as_float(once.load(Ordering::Relaxed));
    let hot_misses = service.metric("insights_cache_misses_total") - misses_before - once;
    let share = 100.0 * (1.0 - hot_misses / (as_float(sent.load(Ordering::Relaxed)) - once));
    let name = format!(
        "scan               {once:.0} addresses once, {:.0}/s; cache hits of the hot ones:",
        once / started.elapsed().as_secs_f64()
    );
    report::figure(&name, share, "%", Some(Target::AtLeast(99.0)));
    report::figure("  cache size", service.metric("insights_cache_bytes") / 1_048_576.0, "MiB", Some(Target::AtMost(16.0)));
    report::figure("  growth", service.memory_mib("RssAnon") - memory_before, "MiB anonymous", None);
    Ok(())
}

/// Lists and single insights that no write of the benchmark changes.
fn hot_requests(service: &Process) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut requests = Vec::new();
    for category in READ_CATEGORIES {
        let newest = format!("{LIST}?category={category}");
        let list = service.request(&client::get(&newest, ""))?.expect(200).json();
        let slugs = list["data"].as_array().into_iter().flatten().filter_map(|insight| insight["slug"].as_str()).take(6);
        requests.extend(slugs.map(|slug| client::get(&format!("{LIST}/{slug}"), "")));
        requests.extend([newest.clone(), format!("{newest}&sort=title")].map(|path| client::get(&path, "")));
    }
    Ok(requests)
}

/// Each editor has an insight and a connection of its own, and alternately revises and publishes the insight.
struct Editors(Vec<Editor>);

struct Editor {
    connection: Connection,
    address: String,
    bearer: String,
    writes: usize,
    has_pending: bool,
}

impl Editors {
    fn create(service: &Process, content: &Content) -> Result<Self, Box<dyn Error>> {
        let headers = bearer(content, "application/json");
        let mut editors = Vec::new();
        for number in 0..WRITERS {
            let input =
                json!({ "title": format!("Written all the time {number}"), "body_markdown": "A line.", "category": WRITTEN_CATEGORY });
            let created = service.request(&client::post(LIST, &headers, &input.to_string()))?.expect(201).json();
            let address = format!("{LIST}/{}", created["id"].as_str().ok_or("no id")?);
            editors.push(Editor {
                connection: Connection::open(&service.address)?,
                address,
                bearer: headers.clone(),
                writes: 0,
                has_pending: false,
            });
        }
        Ok(Self(editors))
    }

    /// Returns the number of writes.
    fn write_until(&mut self, stop: &AtomicBool) -> usize {
        let (started, mut writes, mut buffer) = (Instant::now(), 0_usize, vec![0; 1 << 16]);
        while !stop.load(Ordering::Relaxed) {
            let editor = &mut self.0[writes % WRITERS];
            editor.receive(&mut buffer);
            editor.send();
            writes += 1;
            let due = WRITE_INTERVAL * u32::try_from(writes).unwrap_or(u32::MAX);
            std::thread::sleep(due.saturating_sub(started.elapsed()));
        }
        self.0.iter_mut().for_each(|editor| editor.receive(&mut buffer));
        writes
    }
}

impl Editor {
    /// Sends the next write without waiting for its response.
    fn send(&mut self) {
        let request = if self.writes.is_multiple_of(2) {
            let body = json!({ "title": format!("Written all the time, text {}", self.writes) }).to_string();
            let headers = self.bearer.replace("application/json", "application/merge-patch+json");
            client::write("PATCH", &self.address, &format!("{headers}If-Match: *\r\n"), &body)
        } else {
            client::post(&format!("{}/publish", self.address), &format!("{}If-Match: *\r\n", self.bearer), "{}")
        };
        self.connection.send(&request);
        self.writes += 1;
        self.has_pending = true;
    }

    /// Receives the response of the last write.
    fn receive(&mut self, buffer: &mut Vec<u8>) {
        if std::mem::take(&mut self.has_pending) {
            let received = self.connection.receive(buffer);
            assert!(received.status == 200, "a write: {}", String::from_utf8_lossy(&buffer[..1_000]));
        }
    }
}
