//! The service under load, beside a floor: `cargo bench --bench load -- [--rows 1000,10000,100000] [--large] [--rounds 5] [--seconds 1.5]
//! [--postgres URL]`.
//!
//! Runs the release binary on databases of several sizes. What a cache can answer is compared with actix-web giving the same bytes from memory,
//! what it cannot with the same rows by hand-written SQL; writes, growth, start-up and memory have bounds of their own.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints, and stops at what is wrong")]

mod client;
#[path = "../corpus.rs"]
mod corpus;
mod floor;
#[path = "../generate.rs"]
mod generate;
mod hand;
mod measure;
mod pressure;
mod process;
mod reads;
mod report;
mod seed;
mod settings;
mod writes;

use std::path::Path;
use std::time::Duration;

use measure::{Effort, median};
use process::Process;
use report::{Target, as_float};
use seed::{Content, Guest};
use settings::Settings;

/// The service's own, or the floor would be told apart by its allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How far the long walk goes, how many of its last pages count, and how many first pages they are compared with.
const FAR: usize = 1_000;
const LAST: usize = 200;
const NEAR: usize = 50;
/// The size that a quick start is promised for, and that PostgreSQL is measured at.
const PROMISED_ROWS: usize = 10_000;

type Anything = Result<(), Box<dyn std::error::Error>>;

#[actix_web::main]
async fn main() -> Anything {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [role, folder, path] = arguments.as_slice()
        && role == "floor"
    {
        return floor::serve(Path::new(folder), path).await;
    }
    let settings = Settings::read(&arguments)?;
    let binary = std::fs::metadata(env!("CARGO_BIN_EXE_insights"))?.len();
    println!("machine: {}", report::machine());
    println!("binary: {:.1} MiB", as_float(usize::try_from(binary)?) / 1_048_576.0);
    let mut near = Vec::new();
    for (place, rows) in settings.rows.iter().copied().enumerate() {
        println!("\n{rows} insights on SQLite");
        let content = seed::fill(rows, None).await?;
        let service = start(&content, rows)?;
        reads::common(&service, &content, settings.effort)?;
        reads::particular(&service, settings.effort)?;
        beside_hand(&service, &content, settings.effort).await?;
        if place == 0 {
            near = reads::walk_after(&service, "1998-12-31", NEAR)?;
        }
        if place + 1 == settings.rows.len() {
            growth(&near, &reads::walk_after(&service, "1999-12-31", FAR)?);
        }
        writes::create(&service, &content, settings.effort)?;
        pressure::under_writes(&service, &content, settings.effort)?;
        memory(&service);
        if place == 0 {
            pressure::scan(&service, settings.scanned)?;
            writes::import(&service, &content)?;
        }
    }
    if let Some(server) = &settings.postgres {
        on_postgres(server, settings.effort).await?;
    }
    Ok(())
}

/// Starts the service twice: the first start makes the search index, the second one is an operator's.
fn start(content: &Content, rows: usize) -> Result<Process, Box<dyn std::error::Error>> {
    Process::service(content)?.settled()?.stop()?;
    let (service, millis) = Process::started(content)?;
    report::figure("start-up", millis, "ms", (rows <= PROMISED_ROWS).then_some(Target::AtMost(150.0)));
    service.settled()
}

async fn beside_hand(service: &Process, content: &Content, effort: Effort) -> Anything {
    let service = reads::uncached(service, effort)?;
    let hand = hand::newest(&content.url, effort.window).await?;
    let name = format!("hand-written SQL   {:.4} ms CPU each, {:.4} ms; an uncached list costs", hand.cpu, hand.time);
    report::figure(&name, service / hand.cpu, "x of it", Some(Target::AtMost(2.0)));
    Ok(())
}

/// Compares the first pages of the smallest database with the last ones of a long walk through the largest.
fn growth(near: &[Duration], all: &[Duration]) {
    let far = &all[all.len().saturating_sub(LAST)..];
    let millis = |times: &[Duration]| median(times.iter().map(|time| time.as_secs_f64() * 1_000.0));
    let (first, last) = (millis(near), millis(far));
    let name = format!("growth             first pages {first:.3} ms, page {} {last:.3} ms, 20 each:", all.len());
    report::figure(&name, last / first, "x", Some(Target::AtMost(1.5)));
}

/// The allocator gives back what was freed a second ago.
fn memory(service: &Process) {
    std::thread::sleep(Duration::from_secs(3));
    let name = format!("memory             {:.1} MiB of its own (RssAnon), resident", service.memory("RssAnon"));
    report::figure(&name, service.memory("VmRSS"), "MiB", Some(Target::AtMost(100.0)));
}

async fn on_postgres(server: &str, effort: Effort) -> Anything {
    println!("\n{PROMISED_ROWS} insights on PostgreSQL");
    let guest = Guest::enter(server).await?;
    let done = load_postgres(&guest, effort).await;
    guest.leave().await?;
    done
}

async fn load_postgres(guest: &Guest, effort: Effort) -> Anything {
    let content = seed::fill(PROMISED_ROWS, Some(&guest.url()?)).await?;
    let service = start(&content, PROMISED_ROWS)?;
    reads::common(&service, &content, effort)?;
    reads::uncached(&service, effort)?;
    writes::create(&service, &content, effort)?;
    memory(&service);
    Ok(())
}
