//! Answers from memory under pressure: while somebody writes all the time, and while everything else is asked for once.

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
/// A write is begun so often, whether or not those before it are answered.
const EVERY: Duration = Duration::from_millis(10);
const WRITERS: usize = 16;
/// What is written to; what readers ask for are the others.
const WRITTEN: &str = "infrastructure";
const READ: [&str; 3] = ["debugging", "data-engineering", "distributed-systems"];
/// During a scan every so many requests one is for an address that is asked for often.
const HOT_EVERY: usize = 100;

/// Readers of what nobody changes, alone and while somebody writes elsewhere, in turn.
pub(crate) fn under_writes(service: &Process, content: &Content, effort: Effort) -> Result<(), Box<dyn Error>> {
    let hot = hot(service)?;
    let place = AtomicUsize::new(0);
    let asking = |out: &mut Vec<u8>| out.extend_from_slice(&hot[place.fetch_add(1, Ordering::Relaxed) % hot.len()]);
    let mut fleet = Fleet::independent(&service.address, READERS)?;
    let mut editors = Editors::hire(service, content)?;
    fleet.drive(Duration::from_millis(500), 200, &asking);
    let (mut slower, mut p99s, mut writes, mut asked, mut made) = (Vec::new(), Vec::new(), 0, 0, 0.0);
    for _ in 0..effort.rounds {
        let quiet = percentile(fleet.drive(effort.window, 200, &asking).times, 99);
        let before = service.figure("insights_cache_misses_total");
        let over = AtomicBool::new(false);
        let window = std::thread::scope(|scope| {
            let written = scope.spawn(|| editors.write_until(&over));
            let window = fleet.drive(effort.window, 200, &asking);
            over.store(true, Ordering::Relaxed);
            writes += written.join().expect("the writers' thread");
            window
        });
        made += service.figure("insights_cache_misses_total") - before;
        asked += window.times.len();
        let busy = percentile(window.times, 99);
        slower.push(busy / quiet);
        p99s.push(busy);
    }
    let seconds = effort.window.as_secs_f64() * as_float(effort.rounds);
    let name = format!(
        "under writes       {:.0} writes/s, {READERS} readers, p99 {:.3} ms:",
        as_float(writes) / seconds,
        median(p99s.into_iter())
    );
    report::figure(&name, median(slower.into_iter()), "x the quiet p99", Some(Target::AtMost(2.0)));
    let share = 100.0 * (1.0 - made / as_float(asked));
    report::figure("  from memory", share, "% of untouched answers", Some(Target::AtLeast(99.0)));
    Ok(())
}

/// Addresses that are asked for once each, and a few that are asked for all the time.
pub(crate) fn scan(service: &Process, distinct: usize) -> Result<(), Box<dyn Error>> {
    let hot = hot(service)?;
    let (asked, once) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let asking = |out: &mut Vec<u8>| {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(HOT_EVERY) {
            return out.extend_from_slice(&hot[number / HOT_EVERY % hot.len()]);
        }
        let after = Timestamp(LONG_AGO).plus_seconds(i64::try_from(once.fetch_add(1, Ordering::Relaxed)).unwrap_or(0)).rfc3339();
        out.extend(client::get(&format!("{LIST}?limit=1&published_after={after}"), ""));
    };
    let mut fleet = Fleet::connect(&service.address)?;
    for request in &hot {
        service.ask(request)?.expect(200);
    }
    let (own, made) = (service.memory("RssAnon"), service.figure("insights_cache_misses_total"));
    let started = Instant::now();
    while once.load(Ordering::Relaxed) < distinct {
        fleet.drive(Duration::from_secs(1), 200, &asking);
    }
    let once = as_float(once.load(Ordering::Relaxed));
    let again = service.figure("insights_cache_misses_total") - made - once;
    let share = 100.0 * (1.0 - again / (as_float(asked.load(Ordering::Relaxed)) - once));
    let name =
        format!("scan               {once:.0} addresses once, {:.0}/s; the hot ones from memory:", once / started.elapsed().as_secs_f64());
    report::figure(&name, share, "%", Some(Target::AtLeast(99.0)));
    report::figure("  kept", service.figure("insights_cache_bytes") / 1_048_576.0, "MiB", Some(Target::AtMost(16.0)));
    report::figure("  grown by", service.memory("RssAnon") - own, "MiB of its own", None);
    Ok(())
}

/// Lists and single insights that no write of the bench touches.
fn hot(service: &Process) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let mut requests = Vec::new();
    for category in READ {
        let newest = format!("{LIST}?category={category}");
        let list = service.ask(&client::get(&newest, ""))?.expect(200).json();
        let slugs = list["data"].as_array().into_iter().flatten().filter_map(|insight| insight["slug"].as_str()).take(6);
        requests.extend(slugs.map(|slug| client::get(&format!("{LIST}/{slug}"), "")));
        requests.extend([newest.clone(), format!("{newest}&sort=title")].map(|path| client::get(&path, "")));
    }
    Ok(requests)
}

/// Each has an insight and a connection of its own, and in turn changes the text and publishes it.
struct Editors(Vec<Editor>);

struct Editor {
    connection: Connection,
    address: String,
    bearer: String,
    written: usize,
    awaits: bool,
}

impl Editors {
    fn hire(service: &Process, content: &Content) -> Result<Self, Box<dyn Error>> {
        let headers = bearer(content, "application/json");
        let mut editors = Vec::new();
        for number in 0..WRITERS {
            let input = json!({ "title": format!("Written all the time {number}"), "body_markdown": "A line.", "category": WRITTEN });
            let made = service.ask(&client::post(LIST, &headers, &input.to_string()))?.expect(201).json();
            let address = format!("{LIST}/{}", made["id"].as_str().ok_or("no id")?);
            editors.push(Editor {
                connection: Connection::open(&service.address)?,
                address,
                bearer: headers.clone(),
                written: 0,
                awaits: false,
            });
        }
        Ok(Self(editors))
    }

    /// Answers how many writes were begun.
    fn write_until(&mut self, over: &AtomicBool) -> usize {
        let (started, mut begun, mut buffer) = (Instant::now(), 0_usize, vec![0; 1 << 16]);
        while !over.load(Ordering::Relaxed) {
            let editor = &mut self.0[begun % WRITERS];
            editor.rest(&mut buffer);
            editor.begin();
            begun += 1;
            let due = EVERY * u32::try_from(begun).unwrap_or(u32::MAX);
            std::thread::sleep(due.saturating_sub(started.elapsed()));
        }
        self.0.iter_mut().for_each(|editor| editor.rest(&mut buffer));
        begun
    }
}

impl Editor {
    fn begin(&mut self) {
        let request = if self.written.is_multiple_of(2) {
            let body = json!({ "title": format!("Written all the time, text {}", self.written) }).to_string();
            let headers = self.bearer.replace("application/json", "application/merge-patch+json");
            client::write("PATCH", &self.address, &format!("{headers}If-Match: *\r\n"), &body)
        } else {
            client::post(&format!("{}/publish", self.address), &format!("{}If-Match: *\r\n", self.bearer), "{}")
        };
        self.connection.send(&request);
        self.written += 1;
        self.awaits = true;
    }

    fn rest(&mut self, buffer: &mut Vec<u8>) {
        if std::mem::take(&mut self.awaits) {
            let received = self.connection.receive(buffer);
            assert!(received.status == 200, "a write: {}", String::from_utf8_lossy(&buffer[..1_000]));
        }
    }
}
