//! Writes the files of a Markdown export. It writes through no symbolic link, and leaves unchanged files untouched.

use std::collections::HashSet;
use std::fs::{self, File, FileType};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The folders that an export writes, and from which `--replace` removes files.
const FOLDERS: [&str; 5] = ["insights", "_drafts", "categories", "tags", "authors"];

pub(super) struct FolderWriter<'r> {
    root: &'r Path,
    files: HashSet<PathBuf>,
    changed: usize,
}

impl<'r> FolderWriter<'r> {
    pub(super) fn new(root: &'r Path) -> Self {
        Self { root, files: HashSet::new(), changed: 0 }
    }

    /// How many files the export consists of.
    pub(super) fn file_count(&self) -> usize {
        self.files.len()
    }

    /// How many of them were written, because they did not exist or had other bytes.
    pub(super) fn changed_count(&self) -> usize {
        self.changed
    }

    pub(super) fn write_all(&mut self, files: Vec<(String, String)>) -> anyhow::Result<()> {
        for (path, text) in files {
            let path = self.root.join(path);
            anyhow::ensure!(self.files.insert(path.clone()), "two insights have the same path {}", path.display());
            self.create_folders(&path)?;
            // A file with the same bytes keeps its modification time. A link to one is replaced.
            if has_type(&path, FileType::is_file) && fs::read(&path).is_ok_and(|old| old == text.as_bytes()) {
                continue;
            }
            replace_file(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
            self.changed += 1;
        }
        Ok(())
    }

    /// Creates the folders between the root and a file. None may be a link: it could lead anywhere.
    fn create_folders(&self, path: &Path) -> anyhow::Result<()> {
        let folders: Vec<&Path> = path.ancestors().skip(1).take_while(|folder| *folder != self.root).collect();
        for folder in folders.into_iter().rev() {
            let is_link = has_type(folder, FileType::is_symlink);
            anyhow::ensure!(
                !is_link,
                "{} is a link, and an export writes through none: remove it, or name another folder",
                folder.display()
            );
            if !has_type(folder, FileType::is_dir) {
                fs::create_dir(folder).with_context(|| format!("cannot create {}", folder.display()))?;
            }
        }
        Ok(())
    }

    /// Removes the files of an earlier export that are no longer part of it. Links are skipped: an export contains none.
    pub(super) fn remove_others(&self) -> anyhow::Result<usize> {
        let mut removed = 0;
        let mut folders: Vec<PathBuf> =
            FOLDERS.iter().map(|name| self.root.join(name)).filter(|folder| has_type(folder, FileType::is_dir)).collect();
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

/// Whether the path itself, not the target of a link, has a file type.
fn has_type(path: &Path, is_type: fn(&FileType) -> bool) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| is_type(&metadata.file_type()))
}

/// Writes a new file beside and renames it over the old one: a link is replaced, and its target stays untouched.
fn replace_file(path: &Path, text: &str) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    let unfinished = path.with_file_name(name);
    create_file(&unfinished)?.write_all(text.as_bytes())?;
    fs::rename(&unfinished, path)
}

/// Creates an empty file, in place of what an interrupted export has left.
pub(super) fn create_file(path: &Path) -> std::io::Result<File> {
    if fs::symlink_metadata(path).is_ok() {
        fs::remove_file(path)?;
    }
    File::create_new(path)
}
