//! `insights import`: a Markdown folder, NDJSON, a Ghost or a WordPress export. The import is received by this process
//! and applied by it, item by item; run again after a crash, it resumes first.

mod report;
mod sources;

use std::future::ready;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use uuid::Uuid;

use crate::app::errors::to_anyhow;
use crate::cli::database::{migrate, open};
use crate::cli::output::print;
use crate::config::DataSettings;
use crate::domain::authority::{Editor, Origin};
use crate::domain::clock::Clock;
use crate::domain::import_state::ImportState;
use crate::domain::slug::Slug;
use crate::editorial::imports::{self, ImportMode, ImportWorker};
use crate::editorial::site;
use crate::store::imports::Import;
use crate::store::{self, Store};
use sources::receive_source;

/// A sender that has stored nothing for this long is considered dead.
const SENDER_TIMEOUT_MILLIS: i64 = 2_000;
const SENDER_POLL_INTERVAL: Duration = Duration::from_millis(300);

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
    /// The category of items that have none
    #[arg(long, default_value = "uncategorized")]
    default_category: String,
    #[command(flatten)]
    data: DataSettings,
}

pub(super) async fn run(args: &ImportArgs) -> anyhow::Result<()> {
    let category = Slug::parse(&args.default_category).context("--default-category must be a slug such as field-notes")?;
    let path = args.path.canonicalize().with_context(|| format!("there is nothing at {}", args.path.display()))?;
    let store = open(&args.data).await?;
    migrate(&store).await?;
    site::ensure(&store, Clock::System.now()).await.map_err(to_anyhow)?;
    let clock = Clock::System;
    let worker = ImportWorker::new(&store, &clock);
    let (atomic, dry_run) = (if args.atomic { " atomic" } else { "" }, if args.dry_run { " dry-run" } else { "" });
    let source = format!("{} into {category}{atomic}{dry_run}", path.display());
    if let Some(unfinished) = find_unfinished(&store, &source).await? {
        print(&format!("resuming an earlier import of {} after item {}\n", path.display(), finished_items(&unfinished)))?;
        Box::pin(apply(&worker, &unfinished)).await?;
        // The files may have changed since that import was received.
        print("reading the files again: unchanged items stay as they are\n")?;
    }
    let mode = ImportMode { source, atomic: args.atomic, validate_only: args.dry_run };
    let import = receive(&store, &path, mode, worker.id(), &category).await?;
    Box::pin(apply(&worker, &import)).await?;
    report::print_report(&store, import.id).await
}

/// An import of the same files that was received and not finished. One whose sender has died before the end is deleted.
async fn find_unfinished(store: &Store, source: &str) -> anyhow::Result<Option<Import>> {
    loop {
        let Some(import) = store::imports::find_open(store.reader(), source).await? else { return Ok(None) };
        if import.state == ImportState::Running {
            return Ok(Some(import));
        }
        if import.updated_at + SENDER_TIMEOUT_MILLIS < Clock::System.now().0 {
            store::imports::delete(store.writer(), import.id).await?;
            continue;
        }
        tokio::time::sleep(SENDER_POLL_INTERVAL).await;
    }
}

/// Applies an import with a progress bar; returns when it is finished, also by another worker.
async fn apply(worker: &ImportWorker<'_>, import: &Import) -> anyhow::Result<()> {
    let bar = progress_bar(import.total, finished_items(import));
    let on_progress = |finished: i64| {
        bar.inc(finished.unsigned_abs());
        ready(())
    };
    let result = worker.run_until_finished(import.id, on_progress).await;
    bar.finish_and_clear();
    result.map_err(to_anyhow)
}

async fn receive(store: &Store, path: &Path, mode: ImportMode, worker: Uuid, category: &Slug) -> anyhow::Result<Import> {
    let editor = Editor::system(Origin::Cli);
    let mut receiver = imports::begin(store, &editor, mode, Clock::System.now()).await.map_err(to_anyhow)?;
    if let Err(error) = receive_source(store, &mut receiver, path, category).await {
        receiver.discard(store).await.map_err(to_anyhow)?;
        return Err(error);
    }
    let now = Clock::System.now();
    let pending = receiver.complete(store, &editor, Some(worker), now).await.map_err(to_anyhow)?;
    pending.commit(store, now).await.map_err(to_anyhow)
}

fn finished_items(import: &Import) -> i64 {
    import.created + import.updated + import.unchanged + import.failed
}

fn progress_bar(total: i64, finished: i64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total.unsigned_abs()).with_position(finished.unsigned_abs());
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} items, {per_sec}, {eta} left");
    bar.with_style(style.unwrap_or_else(|_e| ProgressStyle::default_bar()))
}
