//! Reads the files of each format, converts them with [`crate::exchange`], and stores the lines in chunks.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::report::first_examples;
use crate::app::errors::to_anyhow;
use crate::cli::output::print;
use crate::domain::clock::Clock;
use crate::domain::import_state::ImportNote;
use crate::domain::slug::Slug;
use crate::editorial::imports::{ImportReceiver, ReceivedLine};
use crate::exchange::distinct::ItemRegistry;
use crate::exchange::folder::{self, ReadResult};
use crate::exchange::plan::{Unit, UnitKind};
use crate::exchange::{ConversionNote, ConvertedLine, ghost, term_names, wordpress};
use crate::store::{self, Store};

/// Lines that are stored in one transaction.
const CHUNK_LINES: usize = 200;
/// More than an export writes: an insight and its draft, each in all its locales.
const MAX_LINE_BYTES: usize = 256_000_000;

/// Receives the items of a folder or a file, whose format its extension says.
pub(super) async fn receive_source(store: &Store, receiver: &mut ImportReceiver, path: &Path, category: &Slug) -> anyhow::Result<()> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension {
        _ if path.is_dir() => receive_folder(store, receiver, path, category).await,
        "ndjson" | "jsonl" => receive_lines(store, receiver, path).await,
        "json" => receive_ghost(store, receiver, path, category).await,
        "xml" => receive_wordpress(store, receiver, path, category).await,
        _ => Err(anyhow::anyhow!("unknown format of {}: give a folder, or a .ndjson, .jsonl, .json or .xml file", path.display())),
    }
}

async fn add(store: &Store, receiver: &mut ImportReceiver, lines: Vec<ReceivedLine>) -> anyhow::Result<()> {
    receiver.add(store, lines, Clock::System.now()).await.map_err(to_anyhow)
}

async fn receive_folder(store: &Store, receiver: &mut ImportReceiver, root: &Path, category: &Slug) -> anyhow::Result<()> {
    let (paths, links) = list_paths(root)?;
    let site = store::site::find(store.reader()).await?;
    let plan = folder::plan(&paths, site.as_ref().map_or("", |site| &site.default_locale));
    let mut skipped: Vec<(String, String)> = plan.skipped;
    // Links could lead out of the folder, or in a circle.
    skipped.extend(links.into_iter().map(|path| (path, "is a link".to_owned())));
    let (mut chunk, mut registry) = (Vec::new(), ItemRegistry::default());
    for unit in import_order(&plan.units) {
        let name = unit.paths().collect::<Vec<_>>().join(" + ");
        let contents: std::io::Result<Vec<String>> = unit.paths().map(|path| fs::read_to_string(root.join(path))).collect();
        let result = contents.map_err(|error| error.to_string()).and_then(|contents| folder::read(unit, contents, category));
        match result {
            Ok(ReadResult::Line(line)) => chunk.push(to_received(registry.register(line))),
            Ok(ReadResult::Skipped(reason)) => skipped.push((name, reason)),
            Err(reason) => chunk.push(refused(name, &reason)),
        }
        if chunk.len() == CHUNK_LINES {
            add(store, receiver, std::mem::take(&mut chunk)).await?;
        }
    }
    add(store, receiver, chunk).await?;
    print(&format!("{} file(s): {} item(s), {} file(s) skipped\n", paths.len(), receiver.count(), skipped.len()))?;
    let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, reason) in skipped {
        reasons.entry(reason).or_default().push(path);
    }
    for (reason, paths) in reasons {
        print(&format!("  skipped: {} {reason} ({})\n", paths.len(), first_examples(&paths)))?;
    }
    Ok(())
}

/// Terms come before the insights that carry them; files of an export come before others, so that they get their slugs.
fn import_order(units: &[Unit]) -> Vec<&Unit> {
    let is_exported = |unit: &Unit| unit.paths().any(|path| path.starts_with("insights/") || path.starts_with("_drafts/"));
    let mut ordered: Vec<&Unit> = units.iter().collect();
    ordered.sort_by_key(|unit| (unit.kind == UnitKind::Insight, !is_exported(unit)));
    ordered
}

async fn receive_lines(store: &Store, receiver: &mut ImportReceiver, path: &Path) -> anyhow::Result<()> {
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
            Ok(text) if text.len() > MAX_LINE_BYTES => chunk.push(refused(name, "the line is too long")),
            Ok(text) => chunk.push(ReceivedLine { name, input: text.to_owned(), notes: Vec::new(), refused: None }),
            Err(_) => chunk.push(refused(name, "the line is not UTF-8")),
        }
        if chunk.len() == CHUNK_LINES {
            add(store, receiver, std::mem::take(&mut chunk)).await?;
        }
    }
    add(store, receiver, chunk).await
}

async fn receive_ghost(store: &Store, receiver: &mut ImportReceiver, path: &Path, category: &Slug) -> anyhow::Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    // Some editors write a byte order mark.
    if file.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
        file.consume("\u{feff}".len());
    }
    let export: Value = serde_json::from_reader(file).context("the file is not JSON")?;
    let lines = ghost::lines(&export, category).map_err(|reason| anyhow::anyhow!("not a Ghost export: {reason}"))?;
    let mut registry = ItemRegistry::default();
    let mut lines = lines.into_iter().map(|line| to_received(line.and_then(|line| registry.register(line)))).peekable();
    while lines.peek().is_some() {
        add(store, receiver, lines.by_ref().take(CHUNK_LINES).collect()).await?;
    }
    Ok(())
}

async fn receive_wordpress(store: &Store, receiver: &mut ImportReceiver, path: &Path, category: &Slug) -> anyhow::Result<()> {
    let (source, category) = (BufReader::new(File::open(path)?), category.clone());
    let (sender, mut lines) = tokio::sync::mpsc::channel(CHUNK_LINES);
    let reader = tokio::task::spawn_blocking(move || {
        let mut registry = ItemRegistry::default();
        wordpress::read(source, &category, |line| {
            let _closed = sender.blocking_send(to_received(line.and_then(|line| registry.register(line))));
        })
    });
    let mut chunk = Vec::new();
    while lines.recv_many(&mut chunk, CHUNK_LINES).await > 0 {
        add(store, receiver, std::mem::take(&mut chunk)).await?;
    }
    let skipped = reader.await?.map_err(|reason| anyhow::anyhow!("not a WordPress export: {reason}"))?;
    for (kind, count) in skipped {
        print(&format!("  skipped: {count} of the kind {kind}\n"))?;
    }
    Ok(())
}

/// Every file and every link below a folder, as sorted paths with `/` between their parts.
fn list_paths(root: &Path) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    let (mut files, mut links) = (Vec::new(), Vec::new());
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
            if kind.is_symlink() { links.push(name) } else { files.push(name) }
        }
    }
    files.sort();
    links.sort();
    Ok((files, links))
}

fn to_received(line: Result<ConvertedLine, (String, String)>) -> ReceivedLine {
    match line {
        Ok(ConvertedLine { name, mut item, notes, own_slug: _ }) => {
            term_names::describe_terms(&mut item);
            let notes = notes.into_iter().map(|ConversionNote { code, detail }| ImportNote::new(code, detail)).collect();
            ReceivedLine { name, input: item.to_string(), notes, refused: None }
        }
        Err((name, reason)) => refused(name, &reason),
    }
}

fn refused(name: String, reason: &str) -> ReceivedLine {
    let problem = json!({ "code": "malformed-body", "detail": reason });
    ReceivedLine { name, input: String::new(), notes: Vec::new(), refused: Some(problem) }
}
