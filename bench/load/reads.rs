//! Loads that only read: those that a cache answers, beside the floor, and lists that no cache has seen.

use std::error::Error;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use insights::domain::clock::Timestamp;

use crate::client::{self, Connection};
use crate::floor;
use crate::measure::{Effort, Loaded, Rounds};
use crate::process::Process;
use crate::report::{self, Target};
use crate::seed::Content;

pub(crate) const LIST: &str = "/v1/insights";
/// 2000-01-01: older than every insight, and with a second more for each list still so.
pub(crate) const LONG_AGO: i64 = 946_684_800_000;
const DEEP: usize = 50;

/// A request that is repeated, and what it should cost.
struct Repeated {
    name: String,
    path: String,
    headers: String,
    status: u16,
    target: Target,
}

impl Repeated {
    fn plain(name: &str, path: &str) -> Self {
        Self { name: name.to_owned(), path: path.to_owned(), headers: String::new(), status: 200, target: Target::AtLeast(0.95) }
    }

    /// A list that is asked for in a way in which less is sent than the floor sends.
    fn lighter(name: &str, headers: String, status: u16) -> Self {
        Self { headers, status, target: Target::AtLeast(1.1), ..Self::plain(name, LIST) }
    }
}

/// The requests that everybody repeats.
pub(crate) fn common(service: &Process, content: &Content, effort: Effort) -> Result<(), Box<dyn Error>> {
    let detail = format!("{LIST}/{}", content.slug);
    let search = format!("/v1/search?q={}&limit=10", content.words);
    for repeated in [Repeated::plain("list", LIST), Repeated::plain("detail", &detail), Repeated::plain("search", &search)] {
        beside_floor(service, &repeated, effort)?;
    }
    Ok(())
}

/// The requests that make the service send less, or look further.
pub(crate) fn particular(service: &Process, effort: Effort) -> Result<(), Box<dyn Error>> {
    let filtered = format!("{LIST}?category=debugging&limit=20");
    let pages = walk(service, &filtered, DEEP)?;
    let deep = pages.last().ok_or("no page")?;
    beside_floor(service, &Repeated::plain(&format!("filtered page {}", pages.len()), &deep.path), effort)?;
    let etag = service.ask(&client::get(LIST, ""))?.header("etag").ok_or("a list without an ETag")?.to_owned();
    beside_floor(service, &Repeated::lighter("304", format!("If-None-Match: {etag}\r\n"), 304), effort)?;
    beside_floor(service, &Repeated::lighter("br", "Accept-Encoding: br\r\n".to_owned(), 200), effort)
}

/// Drives floor and service in turn: what else the machine does falls on both.
fn beside_floor(service: &Process, repeated: &Repeated, effort: Effort) -> Result<(), Box<dyn Error>> {
    let whole = service.ask(&client::get(&repeated.path, ""))?.expect(200);
    let folder = tempfile::tempdir()?;
    floor::keep(&whole, folder.path())?;
    let floor = Process::floor(folder.path(), repeated.path.split('?').next().unwrap_or_default())?;
    let request = client::get(&repeated.path, &repeated.headers);
    let asking = |out: &mut Vec<u8>| out.extend_from_slice(&request);
    let mut lower = Loaded::warm(&floor, 200, &asking)?;
    let mut upper = Loaded::warm(service, repeated.status, &asking)?;
    let (mut floors, mut services) = (Rounds::default(), Rounds::default());
    for _ in 0..effort.rounds {
        floors.0.push(lower.measure(effort.window, &asking));
        services.0.push(upper.measure(effort.window, &asking));
    }
    report::compared(&repeated.name, &services, &floors, repeated.target);
    Ok(())
}

/// Newest lists, each under a filter that was not asked for before and lets everything through. Answers milliseconds of CPU of each.
pub(crate) fn uncached(service: &Process, effort: Effort) -> Result<f64, Box<dyn Error>> {
    let second = AtomicI64::new(0);
    let asking = |out: &mut Vec<u8>| {
        let after = Timestamp(LONG_AGO).plus_seconds(second.fetch_add(1, Ordering::Relaxed)).rfc3339();
        out.extend(client::get(&format!("{LIST}?published_after={after}"), ""));
    };
    let mut loaded = Loaded::warm(service, 200, &asking)?;
    let rounds = Rounds((0..effort.rounds).map(|_| loaded.measure(effort.window, &asking)).collect());
    report::alone("uncached list", &rounds, Target::AtMost(0.25));
    Ok(rounds.cpu_millis())
}

/// Everything that was published after a day: a list that no cache has seen, when nobody else asks with that day.
pub(crate) fn walk_after(service: &Process, day: &str, most: usize) -> Result<Vec<Duration>, Box<dyn Error>> {
    let pages = walk(service, &format!("{LIST}?limit=20&published_after={day}"), most)?;
    Ok(pages.into_iter().map(|page| page.time).collect())
}

/// A page of a list, and how long it took.
struct PageSeen {
    path: String,
    time: Duration,
}

/// Follows a list from page to page, as far as asked or to its end.
fn walk(service: &Process, path: &str, most: usize) -> Result<Vec<PageSeen>, Box<dyn Error>> {
    let mut connection = Connection::open(&service.address)?;
    let mut pages = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(page) = next.take().filter(|_| pages.len() < most) {
        let asked = Instant::now();
        let answer = connection.ask(&client::get(&page, "")).expect(200);
        pages.push(PageSeen { path: page, time: asked.elapsed() });
        next = answer.json()["page"]["next_cursor"].as_str().map(|cursor| {
            let cursor: String = form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
            format!("{path}&cursor={cursor}")
        });
    }
    Ok(pages)
}
