//! `insights export`: the content as a Markdown folder or as NDJSON, the same bytes for the same content.

use std::collections::HashSet;
use std::fs::{self, File, FileType};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::app::explained;
use crate::cli::database::open;
use crate::cli::output::print;
use crate::config::DataSettings;
use crate::domain::clock::Clock;
use crate::editorial::exports::{self, ExplainedTerms};
use crate::exchange::write;
use crate::store::Transaction;
use crate::store::exports::ExportRange;

const PAGE: i64 = 50;
/// The folders that an export writes, and `--replace` tidies.
const FOLDERS: [&str; 5] = ["insights", "_drafts", "categories", "tags", "authors"];

#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// The folder to write; with --format ndjson a file, or - for standard output
    path: PathBuf,
    #[arg(long, default_value = "markdown", value_parser = ["markdown", "ndjson"])]
    format: String,
    /// Write over an earlier export: changed files are written, and Markdown files that are not part of it any more are removed from its folders
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    data: DataSettings,
}

pub(super) async fn run(args: &ExportArgs) -> anyhow::Result<()> {
    args.data.existing_url()?;
    let store = open(&args.data).await?;
    let pending = store.pending_migrations().await?;
    anyhow::ensure!(pending.is_empty(), "the schema is {} step(s) behind: run insights migrate", pending.len());
    // Everything is of one moment, whatever is written meanwhile.
    let snapshot = store.snapshot().await?;
    if args.format == "ndjson" { lines(&snapshot, &args.path).await } else { folder(&snapshot, args).await }
}

async fn lines(db: &Transaction, path: &Path) -> anyhow::Result<()> {
    if path == Path::new("-") {
        return write_lines(db, &mut std::io::stdout()).await.map(|_| ());
    }
    // Whole or not at all: a file that is cut off looks like one that is not.
    let unfinished = path.with_extension("unfinished");
    let mut file = std::io::BufWriter::new(new_file(&unfinished).with_context(|| format!("cannot write {}", unfinished.display()))?);
    let count = write_lines(db, &mut file).await?;
    file.flush()?;
    fs::rename(&unfinished, path)?;
    print(&format!("{count} insight(s) in {}\n", path.display()))
}

async fn write_lines(db: &Transaction, out: &mut impl std::io::Write) -> anyhow::Result<usize> {
    let (mut behind, mut count, mut told) = (None, 0, ExplainedTerms::default());
    loop {
        let page =
            exports::lines(db, ExportRange { after: behind, own: None }, PAGE, &mut told, Clock::System.now()).await.map_err(explained)?;
        let Some((last, _)) = page.last() else { break };
        behind = Some(*last);
        count += page.len();
        for (_, line) in page {
            writeln!(out, "{line}")?;
        }
    }
    for line in exports::term_lines(db, &told).await.map_err(explained)? {
        writeln!(out, "{line}")?;
    }
    Ok(count)
}

async fn folder(db: &Transaction, args: &ExportArgs) -> anyhow::Result<()> {
    let root = &args.path;
    fs::create_dir_all(root).with_context(|| format!("cannot make {}", root.display()))?;
    let there = fs::read_dir(root)?.next().is_some();
    anyhow::ensure!(!there || args.replace, "{} is not empty: name an empty folder, or say --replace", root.display());
    let mut written = FolderWriter { root, files: HashSet::new(), changed: 0 };
    let mut told = ExplainedTerms::default();
    for line in exports::term_lines(db, &told).await.map_err(explained)? {
        written.all(write::term_file(&line))?;
    }
    let (mut behind, mut count) = (None, 0);
    loop {
        let page =
            exports::lines(db, ExportRange { after: behind, own: None }, PAGE, &mut told, Clock::System.now()).await.map_err(explained)?;
        let Some((last, _)) = page.last() else { break };
        behind = Some(*last);
        count += page.len();
        for (_, line) in page {
            written.all(write::files(&line))?;
        }
    }
    let removed = if args.replace { written.remove_others()? } else { 0 };
    let FolderWriter { files, changed, .. } = written;
    print(&format!("{count} insight(s) in {} file(s) in {}: {changed} written, {removed} removed\n", files.len(), root.display()))
}

struct FolderWriter<'r> {
    root: &'r Path,
    files: HashSet<PathBuf>,
    changed: usize,
}

impl FolderWriter<'_> {
    fn all(&mut self, files: Vec<(String, String)>) -> anyhow::Result<()> {
        for (path, text) in files {
            let path = self.root.join(path);
            anyhow::ensure!(self.files.insert(path.clone()), "two insights want to be {}", path.display());
            self.make_folders(&path)?;
            // What is the same stays untouched, its time included. A link to the same is not.
            if is(&path, FileType::is_file) && fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
                continue;
            }
            replace(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
            self.changed += 1;
        }
        Ok(())
    }

    /// Makes the folders between the root and a file. None of them may be a link: it could lead anywhere.
    fn make_folders(&self, path: &Path) -> anyhow::Result<()> {
        let folders: Vec<&Path> = path.ancestors().skip(1).take_while(|folder| *folder != self.root).collect();
        for folder in folders.into_iter().rev() {
            let link = is(folder, FileType::is_symlink);
            anyhow::ensure!(!link, "{} is a link, and an export writes through none: remove it, or name another folder", folder.display());
            if !is(folder, FileType::is_dir) {
                fs::create_dir(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            }
        }
        Ok(())
    }

    /// Removes what an earlier export wrote and this one did not. Links are no part of an export, and are passed over.
    fn remove_others(&self) -> anyhow::Result<usize> {
        let mut removed = 0;
        let mut folders: Vec<PathBuf> =
            FOLDERS.iter().map(|name| self.root.join(name)).filter(|folder| is(folder, FileType::is_dir)).collect();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let (kind, path) = (entry.file_type()?, entry.path());
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "md") && !self.files.contains(&path) {
                    fs::remove_file(&path)?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}

/// Whether what is there itself, not what it leads to, is of a kind.
fn is(path: &Path, kind: fn(&FileType) -> bool) -> bool {
    fs::symlink_metadata(path).is_ok_and(|there| kind(&there.file_type()))
}

/// Writes a file beside and puts it in the place of what is there: a link is replaced, and what it leads to is not touched.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    let beside = path.with_file_name(name);
    new_file(&beside)?.write_all(text.as_bytes())?;
    fs::rename(&beside, path)
}

/// An empty file, in place of what an export that was broken off has left.
fn new_file(path: &Path) -> std::io::Result<File> {
    if fs::symlink_metadata(path).is_ok() {
        fs::remove_file(path)?;
    }
    File::create_new(path)
}
