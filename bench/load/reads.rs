//! Loads that only read: cache hits, compared with the floor, and lists that are not in a cache.

use std::error::Error;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use insights::domain::clock::Timestamp;

use crate::client::{self, Connection};
use crate::floor;
use crate::measure::{Effort, LoadedServer, Rounds};
use crate::process::Process;
use crate::report::{self, Target};
use crate::seed::Content;

pub(crate) const LIST: &str = "/v1/insights";
/// 2000-01-01. Older than every insight, even with a second added for each list.
pub(crate) const LONG_AGO: i64 = 946_684_800_000;
const DEEP_PAGE: usize = 50;

/// A request that is repeated, and its target.
struct RepeatedRequest {
    name: String,
    path: String,
    headers: String,
    status: u16,
    target: Target,
}

impl RepeatedRequest {
    fn plain(name: &str, path: &str) -> Self {
        Self { name: name.to_owned(), path: path.to_owned(), headers: String::new(), status: 200, target: Target::AtLeast(0.95) }
    }

    /// A list with headers for which the service sends less than the floor.
    fn smaller(name: &str, headers: String, status: u16) -> Self {
        Self { headers, status, target: Target::AtLeast(1.1), ..Self::plain(name, LIST) }
    }
}

/// The most frequent requests.
pub(crate) fn repeated(service: &Process, content: &Content, effort: Effort) -> Result<(), Box<dyn Error>> {
    let detail = format!("{LIST}/{}", content.slug);
    let search = format!("/v1/search?q={}&limit=10", content.words);
    for repeated in
        [RepeatedRequest::plain("list", LIST), RepeatedRequest::plain("detail", &detail), RepeatedRequest::plain("search", &search)]
    {
        compare_with_floor(service, &repeated, effort)?;
    }
    Ok(())
}

/// Requests for a deep page, with a validator, and with compression.
pub(crate) fn variants(service: &Process, effort: Effort) -> Result<(), Box<dyn Error>> {
    let filtered = format!("{LIST}?category=debugging&limit=20");
    let pages = walk(service, &filtered, DEEP_PAGE)?;
    let deep = pages.last().ok_or("no page")?;
    compare_with_floor(service, &RepeatedRequest::plain(&format!("filtered page {}", pages.len()), &deep.path), effort)?;
    let etag = service.request(&client::get(LIST, ""))?.header("etag").ok_or("a list without an ETag")?.to_owned();
    compare_with_floor(service, &RepeatedRequest::smaller("304", format!("If-None-Match: {etag}\r\n"), 304), effort)?;
    compare_with_floor(service, &RepeatedRequest::smaller("br", "Accept-Encoding: br\r\n".to_owned(), 200), effort)
}

/// Loads floor and service in turn, so that other load of the machine affects both.
fn compare_with_floor(service: &Process, repeated: &RepeatedRequest, effort: Effort) -> Result<(), Box<dyn Error>> {
    let response = service.request(&client::get(&repeated.path, ""))?.expect(200);
    let folder = tempfile::tempdir()?;
    floor::save(&response, folder.path())?;
    let floor = Process::floor(folder.path(), repeated.path.split('?').next().unwrap_or_default())?;
    let request = client::get(&repeated.path, &repeated.headers);
    let next_request = |out: &mut Vec<u8>| out.extend_from_slice(&request);
    let mut loaded_floor = LoadedServer::warm_up(&floor, 200, &next_request)?;
    let mut loaded_service = LoadedServer::warm_up(service, repeated.status, &next_request)?;
    let (mut floors, mut services) = (Rounds::default(), Rounds::default());
    for _ in 0..effort.rounds {
        floors.0.push(loaded_floor.measure(effort.window, &next_request));
        services.0.push(loaded_service.measure(effort.window, &next_request));
    }
    report::compared(&repeated.name, &services, &floors, repeated.target);
    Ok(())
}

/// The newest list, each time with a new filter that excludes nothing. Returns the processor time of a request in milliseconds.
pub(crate) fn uncached(service: &Process, effort: Effort) -> Result<f64, Box<dyn Error>> {
    let second = AtomicI64::new(0);
    let next_request = |out: &mut Vec<u8>| {
        let after = Timestamp(LONG_AGO).plus_seconds(second.fetch_add(1, Ordering::Relaxed)).rfc3339();
        out.extend(client::get(&format!("{LIST}?published_after={after}"), ""));
    };
    let mut loaded = LoadedServer::warm_up(service, 200, &next_request)?;
    let rounds = Rounds((0..effort.rounds).map(|_| loaded.measure(effort.window, &next_request)).collect());
    report::alone("uncached list", &rounds, Target::AtMost(0.25));
    Ok(rounds.cpu_millis())
}

/// The latency of the pages of a list with a filter that no other request has, so that no page is cached.
pub(crate) fn walk_after(service: &Process, day: &str, max_pages: usize) -> Result<Vec<Duration>, Box<dyn Error>> {
    let pages = walk(service, &format!("{LIST}?limit=20&published_after={day}"), max_pages)?;
    Ok(pages.into_iter().map(|page| page.latency).collect())
}

/// A page of a list and its latency.
struct TimedPage {
    path: String,
    latency: Duration,
}

/// Follows a list by cursor, for at most `max_pages`.
fn walk(service: &Process, path: &str, max_pages: usize) -> Result<Vec<TimedPage>, Box<dyn Error>> {
    let mut connection = Connection::open(&service.address)?;
    let mut pages = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(page) = next.take().filter(|_| pages.len() < max_pages) {
        let started = Instant::now();
        let response = connection.request(&client::get(&page, "")).expect(200);
        pages.push(TimedPage { path: page, latency: started.elapsed() });
        next = response.json()["page"]["next_cursor"].as_str().map(|cursor| {
            let cursor: String = form_urlencoded::byte_serialize(cursor.as_bytes()).collect();
            format!("{path}&cursor={cursor}")
        });
    }
    Ok(pages)
}
