//! The service under load, compared with a floor: `cargo bench --bench load -- [--rows 1000,10000,100000] [--large] [--rounds 5]
//! [--seconds 1.5] [--postgres URL]`.
//!
//! Runs the release binary on databases of several sizes. Cacheable responses are compared with actix-web serving the same bytes from
//! memory, uncached lists with the same rows by hand-written SQL; writes, growth, start-up and memory have targets of their own.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints, and panics on errors")]

mod client;
#[path = "../corpus.rs"]
mod corpus;
mod floor;
#[path = "../generate.rs"]
mod generate;
mod measure;
mod pressure;
mod process;
mod reads;
mod report;
mod seed;
mod settings;
mod sql_baseline;
mod writes;

use std::path::Path;
use std::time::Duration;

use measure::{Effort, median};
use process::Process;
use report::{Target, as_float};
use seed::{Content, PostgresDatabase};
use settings::Settings;

/// The allocator of the service, so that the floor differs in nothing else.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Pages of the long walk, its last pages that count, and the first pages that they are compared with.
const WALKED_PAGES: usize = 1_000;
const LAST_PAGES: usize = 200;
const FIRST_PAGES: usize = 50;
/// The size that the start-up target holds for, and that PostgreSQL is measured at.
const TARGET_ROWS: usize = 10_000;

type BenchResult = Result<(), Box<dyn std::error::Error>>;

#[actix_web::main]
async fn main() -> BenchResult {
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
    let mut first_pages = Vec::new();
    for (index, rows) in settings.rows.iter().copied().enumerate() {
        println!("\n{rows} insights on SQLite");
        let content = seed::fill(rows, None).await?;
        let service = start(&content, rows)?;
        reads::repeated(&service, &content, settings.effort)?;
        reads::variants(&service, settings.effort)?;
        compare_with_sql(&service, &content, settings.effort).await?;
        if index == 0 {
            first_pages = reads::walk_after(&service, "1998-12-31", FIRST_PAGES)?;
        }
        if index + 1 == settings.rows.len() {
            report_growth(&first_pages, &reads::walk_after(&service, "1999-12-31", WALKED_PAGES)?);
        }
        writes::create(&service, &content, settings.effort)?;
        pressure::under_writes(&service, &content, settings.effort)?;
        report_memory(&service);
        if index == 0 {
            pressure::scan(&service, settings.scanned)?;
            writes::import(&service, &content)?;
        }
    }
    if let Some(server) = &settings.postgres {
        on_postgres(server, settings.effort).await?;
    }
    Ok(())
}

/// Starts the service twice: the first start builds the search index, the second one is measured.
fn start(content: &Content, rows: usize) -> Result<Process, Box<dyn std::error::Error>> {
    Process::service(content)?.wait_for_search()?.stop()?;
    let (service, millis) = Process::timed_service(content)?;
    report::figure("start-up", millis, "ms", (rows <= TARGET_ROWS).then_some(Target::AtMost(150.0)));
    service.wait_for_search()
}

async fn compare_with_sql(service: &Process, content: &Content, effort: Effort) -> BenchResult {
    let list_millis = reads::uncached(service, effort)?;
    let sql = sql_baseline::measure(&content.url, effort.window).await?;
    let name = format!("hand-written SQL   {:.4} ms CPU each, {:.4} ms; an uncached list costs", sql.cpu_millis, sql.wall_millis);
    report::figure(&name, list_millis / sql.cpu_millis, "x of it", Some(Target::AtMost(2.0)));
    Ok(())
}

/// Compares the first pages of the smallest database with the last ones of a long walk through the largest.
fn report_growth(first_pages: &[Duration], walk: &[Duration]) {
    let last_pages = &walk[walk.len().saturating_sub(LAST_PAGES)..];
    let millis = |times: &[Duration]| median(times.iter().map(|time| time.as_secs_f64() * 1_000.0));
    let (first, last) = (millis(first_pages), millis(last_pages));
    let name = format!("growth             first pages {first:.3} ms, page {} {last:.3} ms, 20 each:", walk.len());
    report::figure(&name, last / first, "x", Some(Target::AtMost(1.5)));
}

/// Measured after the allocator has returned freed memory to the system.
fn report_memory(service: &Process) {
    std::thread::sleep(Duration::from_secs(3));
    let name = format!("memory             {:.1} MiB anonymous (RssAnon), resident", service.memory_mib("RssAnon"));
    report::figure(&name, service.memory_mib("VmRSS"), "MiB", Some(Target::AtMost(100.0)));
}

async fn on_postgres(server: &str, effort: Effort) -> BenchResult {
    println!("\n{TARGET_ROWS} insights on PostgreSQL");
    let database = PostgresDatabase::create(server).await?;
    let result = load_postgres(&database, effort).await;
    database.drop().await?;
    result
}

async fn load_postgres(database: &PostgresDatabase, effort: Effort) -> BenchResult {
    let content = seed::fill(TARGET_ROWS, Some(&database.url()?)).await?;
    let service = start(&content, TARGET_ROWS)?;
    reads::repeated(&service, &content, effort)?;
    reads::uncached(&service, effort)?;
    writes::create(&service, &content, effort)?;
    report_memory(&service);
    Ok(())
}
