//! `insights export`: the content as a Markdown folder or as NDJSON. The same content gives the same bytes.

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::Context as _;
use serde_json::Value;
use uuid::Uuid;

use crate::app::errors::to_anyhow;
use crate::cli::database::open_current;
use crate::cli::export_folder::{FolderWriter, create_file};
use crate::cli::output::print;
use crate::config::DataSettings;
use crate::domain::clock::Clock;
use crate::editorial::exports::{self, ExplainedTerms};
use crate::exchange::write;
use crate::store::Transaction;
use crate::store::exports::ExportRange;

const PAGE_INSIGHTS: i64 = 50;

#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// The folder to write; with --format ndjson a file, or - for standard output
    path: PathBuf,
    /// Markdown files with front matter, or one JSON object per line
    #[arg(long, default_value = "markdown", value_parser = ["markdown", "ndjson"])]
    format: String,
    /// Write over an earlier export: writes changed files, and removes Markdown files from its folders that are no longer part of it
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    data: DataSettings,
}

pub(super) async fn run(args: &ExportArgs) -> anyhow::Result<()> {
    let store = open_current(&args.data).await?;
    // One snapshot: the export is consistent while others write.
    let snapshot = store.snapshot().await?;
    if args.format == "ndjson" { export_lines(&snapshot, &args.path).await } else { export_folder(&snapshot, args).await }
}

async fn export_lines(db: &Transaction, path: &Path) -> anyhow::Result<()> {
    if path == Path::new("-") {
        return write_lines(db, &mut io::stdout()).await.map(|_| ());
    }
    // The file gets its name when it is complete: a truncated one looks like a complete one.
    let unfinished = path.with_extension("unfinished");
    let mut file = io::BufWriter::new(create_file(&unfinished).with_context(|| format!("cannot write {}", unfinished.display()))?);
    let count = write_lines(db, &mut file).await?;
    io::Write::flush(&mut file)?;
    fs::rename(&unfinished, path)?;
    print(&format!("{count} insight(s) in {}\n", path.display()))
}

async fn write_lines(db: &Transaction, out: &mut impl io::Write) -> anyhow::Result<usize> {
    let (mut pages, mut count) = (Pages::new(db), 0);
    while let Some(lines) = pages.next().await? {
        count += lines.len();
        for line in lines {
            writeln!(out, "{line}")?;
        }
    }
    for line in exports::term_lines(db, &pages.described).await.map_err(to_anyhow)? {
        writeln!(out, "{line}")?;
    }
    Ok(count)
}

async fn export_folder(db: &Transaction, args: &ExportArgs) -> anyhow::Result<()> {
    let root = &args.path;
    fs::create_dir_all(root).with_context(|| format!("cannot create {}", root.display()))?;
    let is_empty = fs::read_dir(root)?.next().is_none();
    anyhow::ensure!(is_empty || args.replace, "{} is not empty: name an empty folder, or pass --replace", root.display());
    let mut writer = FolderWriter::new(root);
    // No term is described yet: each gets a file.
    for line in exports::term_lines(db, &ExplainedTerms::default()).await.map_err(to_anyhow)? {
        writer.write_all(write::term_file(&line))?;
    }
    let (mut pages, mut count) = (Pages::new(db), 0);
    while let Some(lines) = pages.next().await? {
        count += lines.len();
        for line in lines {
            writer.write_all(write::files(&line))?;
        }
    }
    let removed = if args.replace { writer.remove_others()? } else { 0 };
    let (files, changed) = (writer.file_count(), writer.changed_count());
    print(&format!("{count} insight(s) in {files} file(s) in {}: {changed} written, {removed} removed\n", root.display()))
}

/// The lines of all insights, page by page.
struct Pages<'d> {
    db: &'d Transaction,
    after: Option<Uuid>,
    described: ExplainedTerms,
}

impl<'d> Pages<'d> {
    fn new(db: &'d Transaction) -> Self {
        Self { db, after: None, described: ExplainedTerms::default() }
    }

    async fn next(&mut self) -> anyhow::Result<Option<Vec<Value>>> {
        let (range, now) = (ExportRange { after: self.after, own: None }, Clock::System.now());
        let page = exports::lines(self.db, range, PAGE_INSIGHTS, &mut self.described, now).await.map_err(to_anyhow)?;
        let Some((last, _)) = page.last() else { return Ok(None) };
        self.after = Some(*last);
        Ok(Some(page.into_iter().map(|(_, line)| line).collect()))
    }
}
