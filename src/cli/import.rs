//! `insights import`: a Markdown folder, NDJSON, a Ghost export or a WordPress export, told item by item and gone on with after a crash.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::future::ready;
use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::explained;
use crate::cli::database::{migrated, open};
use crate::cli::output::print;
use crate::config::DataSettings;
use crate::domain::authority::{Editor, Origin};
use crate::domain::clock::{Clock, new_id};
use crate::domain::import_state::{ImportItemState, ImportNote, ImportState};
use crate::domain::page::Cursor;
use crate::domain::slug::Slug;
use crate::editorial::imports::lease::LEASE;
use crate::editorial::imports::{self, ImportMode, ImportReceiver, ReceivedLine, WorkOutcome};
use crate::editorial::site;
use crate::exchange::distinct::ItemRegistry;
use crate::exchange::folder;
use crate::exchange::folder::ReadResult;
use crate::exchange::plan::{Unit, UnitKind};
use crate::exchange::{ConversionNote, ConvertedLine, cut, ghost, wordpress};
use crate::store::imports::{Import, ImportItem};
use crate::store::{self, Store};

/// Lines that are kept together.
const CHUNK: usize = 200;
/// Characters of an item's name that a note shows.
const MOST_OF_A_NAME: usize = 120;
/// A sender that keeps nothing for so long is gone.
const SILENT_MILLIS: i64 = 2_000;
/// More than an export writes: an insight and its draft, each in all the locales that it may have.
const MAX_LINE: usize = 256_000_000;

#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// A folder of Markdown with front matter, a .ndjson or .jsonl file, a Ghost export (.json) or a WordPress export (.xml)
    path: PathBuf,
    /// All items or none
    #[arg(long)]
    atomic: bool,
    /// Check everything and change nothing
    #[arg(long)]
    dry_run: bool,
    /// The category of what has none
    #[arg(long, default_value = "uncategorized")]
    default_category: String,
    #[command(flatten)]
    data: DataSettings,
}

pub(super) async fn run(args: &ImportArgs) -> anyhow::Result<()> {
    let category = Slug::parse(&args.default_category).context("--default-category must be a slug such as field-notes")?;
    let path = args.path.canonicalize().with_context(|| format!("there is nothing at {}", args.path.display()))?;
    let store = open(&args.data).await?;
    migrated(&store).await?;
    site::ensure(&store, Clock::System.now()).await.map_err(explained)?;
    let worker = new_id(Clock::System.now());
    let (atomic, dry_run) = (if args.atomic { " atomic" } else { "" }, if args.dry_run { " dry-run" } else { "" });
    let source = format!("{} into {category}{atomic}{dry_run}", path.display());
    if let Some(left) = left_behind(&store, &source).await? {
        print(&format!("going on with an earlier import of {} behind item {}\n", path.display(), finished(&left)))?;
        await_turn(&store, &left, worker).await?;
        Box::pin(go_on(&store, &left, worker)).await?;
        // What was received then is done; the files may have changed since.
        print("reading the files again: what is the same stays as it is\n")?;
    }
    let mode = ImportMode { source, atomic: args.atomic, validate_only: args.dry_run };
    let import = receive(&store, &path, mode, (worker, &category)).await?;
    Box::pin(go_on(&store, &import, worker)).await?;
    report(&store, import.id).await
}

/// An import of the same files that was received and not finished. One that was never received whole is forgotten, once its sender is silent.
async fn left_behind(store: &Store, source: &str) -> anyhow::Result<Option<Import>> {
    loop {
        let Some(import) = store::imports::find_open(store.reader(), source).await? else { return Ok(None) };
        if import.state == ImportState::Running {
            return Ok(Some(import));
        }
        if import.updated_at + SILENT_MILLIS < Clock::System.now().0 {
            store::imports::delete(store.writer(), import.id).await?;
            continue;
        }
        tokio::time::sleep(LEASE / 10).await;
    }
}

async fn go_on(store: &Store, import: &Import, worker: Uuid) -> anyhow::Result<()> {
    let bar = bar(import.total, finished(import));
    let told = |done: i64| {
        bar.inc(done.unsigned_abs());
        ready(())
    };
    let outcome = imports::work(store, import.id, worker, &Clock::System, told).await;
    bar.finish_and_clear();
    if outcome.map_err(explained)? == WorkOutcome::Lost {
        // A running service has taken it over.
        while store::imports::find(store.reader(), import.id).await?.is_some_and(|import| import.finished_at.is_none()) {
            tokio::time::sleep(LEASE / 10).await;
        }
    }
    Ok(())
}

/// Waits until whoever worked on the import last is known to be gone, or has finished it.
async fn await_turn(store: &Store, import: &Import, worker: Uuid) -> anyhow::Result<()> {
    loop {
        let now = Clock::System.now();
        let there = store::imports::find(store.reader(), import.id).await?.filter(|import| import.finished_at.is_none());
        let Some(there) = there else { return Ok(()) };
        if imports::take_over(store, &there, worker, now).await.map_err(explained)? {
            return Ok(());
        }
        tokio::time::sleep(LEASE / 10).await;
    }
}

async fn receive(store: &Store, path: &Path, mode: ImportMode, (worker, category): (Uuid, &Slug)) -> anyhow::Result<Import> {
    let editor = Editor::system(Origin::Cli);
    let mut receiving = imports::begin(store, &editor, mode, Clock::System.now()).await.map_err(explained)?;
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let read = match extension {
        _ if path.is_dir() => read_folder(store, &mut receiving, path, category).await,
        "ndjson" | "jsonl" => read_lines(store, &mut receiving, path).await,
        "json" => read_ghost(store, &mut receiving, path, category).await,
        "xml" => read_wordpress(store, &mut receiving, path, category).await,
        _ => Err(anyhow::anyhow!("cannot tell what {} is: give a folder, or a .ndjson, .jsonl, .json or .xml file", path.display())),
    };
    if let Err(error) = read {
        receiving.forget(store).await.map_err(explained)?;
        return Err(error);
    }
    let now = Clock::System.now();
    let pending = receiving.ready(store, &editor, Some(worker), now).await.map_err(explained)?;
    pending.commit(store, now).await.map_err(explained)
}

async fn read_folder(store: &Store, receiving: &mut ImportReceiver, root: &Path, category: &Slug) -> anyhow::Result<()> {
    let (paths, links) = paths(root)?;
    let site = store::site::find(store.reader()).await?;
    let plan = folder::plan(&paths, site.as_ref().map_or("", |site| &site.default_locale));
    let mut skipped: Vec<(String, String)> = plan.skipped;
    // Links could lead out of the folder, or in a circle.
    skipped.extend(links.into_iter().map(|path| (path, "is a link".to_owned())));
    let (mut chunk, mut distinct) = (Vec::new(), ItemRegistry::default());
    let mut units: Vec<&Unit> = plan.units.iter().collect();
    // What a category is called is known before the insights that are in it, and what an export wrote has its slug before others want it.
    let is_exported = |unit: &Unit| unit.paths().any(|path| path.starts_with("insights/") || path.starts_with("_drafts/"));
    units.sort_by_key(|unit| (unit.kind == UnitKind::Insight, !is_exported(unit)));
    for unit in units {
        let name = unit.paths().collect::<Vec<_>>().join(" + ");
        let contents: std::io::Result<Vec<String>> = unit.paths().map(|path| fs::read_to_string(root.join(path))).collect();
        let read = contents.map_err(|error| error.to_string()).and_then(|contents| folder::read(unit, contents, category));
        match read {
            Ok(ReadResult::Line(line)) => chunk.push(outcome(distinct.keep(line))),
            Ok(ReadResult::Skipped(reason)) => skipped.push((name, reason)),
            Err(reason) => chunk.push(refused(name, &reason)),
        }
        if chunk.len() == CHUNK {
            receiving.add(store, std::mem::take(&mut chunk), Clock::System.now()).await.map_err(explained)?;
        }
    }
    receiving.add(store, chunk, Clock::System.now()).await.map_err(explained)?;
    print(&format!("{} file(s): {} item(s), {} file(s) skipped\n", paths.len(), receiving.count(), skipped.len()))?;
    let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, reason) in skipped {
        reasons.entry(reason).or_default().push(path);
    }
    for (reason, paths) in reasons {
        print(&format!("  skipped: {} {reason} ({})\n", paths.len(), some(&paths)))?;
    }
    Ok(())
}

async fn read_lines(store: &Store, receiving: &mut ImportReceiver, path: &Path) -> anyhow::Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    let (mut chunk, mut bytes) = (Vec::new(), Vec::new());
    for number in 1.. {
        bytes.clear();
        if file.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        let name = format!("line {number}");
        match std::str::from_utf8(&bytes).map(|text| text.trim().trim_start_matches('\u{feff}')) {
            Ok("") => {}
            Ok(text) if text.len() > MAX_LINE => chunk.push(refused(name, "the line is too long")),
            Ok(text) => chunk.push(ReceivedLine { name, input: text.to_owned(), notes: Vec::new(), refused: None }),
            Err(_) => chunk.push(refused(name, "the line is not UTF-8")),
        }
        if chunk.len() == CHUNK {
            receiving.add(store, std::mem::take(&mut chunk), Clock::System.now()).await.map_err(explained)?;
        }
    }
    receiving.add(store, chunk, Clock::System.now()).await.map_err(explained)
}

async fn read_ghost(store: &Store, receiving: &mut ImportReceiver, path: &Path, category: &Slug) -> anyhow::Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    // Some editors put a mark of the byte order in front.
    if file.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
        file.consume("\u{feff}".len());
    }
    let export: Value = serde_json::from_reader(file).context("this is no JSON")?;
    let lines = ghost::lines(&export, category).map_err(|reason| anyhow::anyhow!("this is no Ghost export: {reason}"))?;
    let mut distinct = ItemRegistry::default();
    let mut lines = lines.into_iter().map(|line| outcome(line.and_then(|line| distinct.keep(line)))).peekable();
    while lines.peek().is_some() {
        receiving.add(store, lines.by_ref().take(CHUNK).collect(), Clock::System.now()).await.map_err(explained)?;
    }
    Ok(())
}

async fn read_wordpress(store: &Store, receiving: &mut ImportReceiver, path: &Path, category: &Slug) -> anyhow::Result<()> {
    let (source, category) = (BufReader::new(File::open(path)?), category.clone());
    let (sender, mut lines) = tokio::sync::mpsc::channel(CHUNK);
    let reading = tokio::task::spawn_blocking(move || {
        let mut distinct = ItemRegistry::default();
        wordpress::read(source, &category, |line| {
            let _gone = sender.blocking_send(outcome(line.and_then(|line| distinct.keep(line))));
        })
    });
    let mut chunk = Vec::new();
    while lines.recv_many(&mut chunk, CHUNK).await > 0 {
        receiving.add(store, std::mem::take(&mut chunk), Clock::System.now()).await.map_err(explained)?;
    }
    let skipped = reading.await?.map_err(|reason| anyhow::anyhow!("this is no WordPress export: {reason}"))?;
    for (kind, count) in skipped {
        print(&format!("  skipped: {count} of the kind {kind}\n"))?;
    }
    Ok(())
}

/// Every file below a folder, and every link, as paths with `/` between their parts, in their order.
fn paths(root: &Path) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let (mut found, mut links) = (Vec::new(), Vec::new());
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, entry.path());
            if kind.is_dir() {
                if entry.file_name() != ".git" {
                    folders.push(path);
                }
                continue;
            }
            let name = path.strip_prefix(root)?.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
            if kind.is_symlink() { links.push(name) } else { found.push(name) }
        }
    }
    found.sort();
    links.sort();
    Ok((found, links))
}

fn outcome(line: Result<ConvertedLine, (String, String)>) -> ReceivedLine {
    match line {
        Ok(line) => received(line),
        Err((name, reason)) => refused(name, &reason),
    }
}

fn received(line: ConvertedLine) -> ReceivedLine {
    let ConvertedLine { name, mut item, notes, own_slug: _ } = line;
    name_terms(&mut item);
    let notes = notes.into_iter().map(|ConversionNote { code, detail }| ImportNote::new(code, detail)).collect();
    ReceivedLine { name, input: item.to_string(), notes, refused: None }
}

/// Files name categories, tags and authors without saying what they are: those that do not exist are called by their slugs.
fn name_terms(item: &mut Value) {
    if item.get("kind").is_some() {
        return;
    }
    let named = |item: &Value, field: &str| -> Vec<String> {
        let drafts = [Some(item), item.get("draft")].into_iter().flatten();
        let values = drafts.filter_map(|draft| draft.get(field)).flat_map(|value| match value {
            Value::Array(list) => list.clone(),
            one => vec![one.clone()],
        });
        values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
    };
    for field in ["category", "tags", "authors"] {
        let mut known: Vec<Value> = match item["terms"][field].take() {
            Value::Array(list) => list,
            Value::Null => Vec::new(),
            one => vec![one],
        };
        for slug in named(item, field) {
            if !known.iter().any(|term| term["slug"] == slug.as_str()) {
                known.push(json!({ "slug": slug, "name": in_words(&slug) }));
            }
        }
        item["terms"][field] = json!(known);
    }
}

/// `data-engineering` as a name.
fn in_words(slug: &str) -> String {
    let capital =
        |word: &str| word.chars().next().map_or_else(String::new, |first| first.to_uppercase().chain(word.chars().skip(1)).collect());
    slug.split('-').map(capital).collect::<Vec<_>>().join(" ")
}

fn refused(name: String, reason: &str) -> ReceivedLine {
    let problem = json!({ "code": "malformed-body", "detail": reason });
    ReceivedLine { name, input: String::new(), notes: Vec::new(), refused: Some(problem) }
}

fn finished(import: &Import) -> i64 {
    import.created + import.updated + import.unchanged + import.failed
}

fn bar(total: i64, done: i64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total.unsigned_abs()).with_position(done.unsigned_abs());
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} items, {per_sec}, {eta} left");
    bar.with_style(style.unwrap_or_else(|_e| ProgressStyle::default_bar()))
}

/// What came of everything: failures one by one, notes by their kind.
async fn report(store: &Store, id: Uuid) -> anyhow::Result<()> {
    let import = store::imports::find(store.reader(), id).await?.context("the import is gone")?;
    let mut notes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let page = store::imports::list_items(store.reader(), id, None, cursor.as_ref(), 500).await?;
        for item in &page.rows {
            for ImportNote { code, detail } in &item.notes.0 {
                notes.entry(code.clone()).or_default().push(format!("{} ({detail})", shortened(&item.name)));
            }
            if item.state == ImportItemState::Failed {
                print(&format!("  failed: {}\n", told(item)))?;
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    for (code, places) in notes {
        print(&format!("  note {code}: {} time(s), such as {}\n", places.len(), some(&places)))?;
    }
    let Import { state, created, updated, unchanged, failed, validate_only, problem, .. } = import;
    let would = if validate_only { "would be " } else { "" };
    print(&format!("{created} {would}created, {updated} {would}updated, {unchanged} unchanged, {failed} failed\n"))?;
    anyhow::ensure!(state == ImportState::Done, problem.unwrap_or_else(|| "the import did not end".to_owned()));
    anyhow::ensure!(failed == 0, "{failed} item(s) failed: mend them and import again, the others stay as they are");
    Ok(())
}

fn told(item: &ImportItem) -> String {
    let problem = item.problem.as_ref().map_or(Value::Null, |problem| Value::Object(problem.0.clone()));
    let errors: Vec<String> = problem["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| format!("{} {}", error["pointer"].as_str().unwrap_or_default(), error["detail"].as_str().unwrap_or_default()))
        .collect();
    let why = if errors.is_empty() { problem["detail"].as_str().unwrap_or_default().to_owned() } else { errors.join("; ") };
    format!("{}: {why}", item.name)
}

/// An item of many files has a long name: its beginning.
fn shortened(name: &str) -> String {
    let (beginning, was_cut) = cut(name, MOST_OF_A_NAME);
    if was_cut { format!("{beginning}…") } else { beginning }
}

/// The first few of a list.
fn some(list: &[String]) -> String {
    let first: Vec<&str> = list.iter().take(2).map(String::as_str).collect();
    format!("{}{}", first.join(", "), if list.len() > 2 { ", …" } else { "" })
}
