//! The search folder on disk: one sub-folder for each build, and a lock file.
//!
//! An index is opened only if every byte of it is intact and it has a position; any other build is removed, and the index is
//! rebuilt. A build that did not finish has no position. The position is part of Tantivy's commit, so index and position cannot
//! disagree.

use std::fs::File;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tantivy::{Index, IndexReader, IndexSettings, ReloadPolicy};

use crate::domain::change::Sequence;
use crate::projections::search::index::schema;
use crate::projections::search::index::schema::VERSION;

/// How much of the log is in the index. The time of that row tells the logs of different databases apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IndexPosition {
    pub(crate) row_sequence: Sequence,
    pub(crate) row_at: i64,
    version: u32,
}

impl IndexPosition {
    pub(crate) fn new(row_sequence: Sequence, row_at: i64) -> Self {
        Self { row_sequence, row_at, version: VERSION }
    }
}

/// Locks the folder for this process, creating it if necessary. The lock is held until the file is dropped.
pub(super) fn lock(folder: &Path) -> anyhow::Result<File> {
    // The index has words of what is not published yet: only the service's user may read it.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot create the search folder {}", folder.display()))?;
    let file = File::options().create(true).truncate(false).write(true).open(folder.join("lock"))?;
    file.try_lock().with_context(|| format!("another process uses the search folder {}: stop it first", folder.display()))?;
    Ok(file)
}

/// The valid build, if there is one. Removes all others.
pub(super) fn open_valid_build(folder: &Path) -> anyhow::Result<Option<(Index, IndexPosition)>> {
    let mut valid = None;
    for build in builds(folder)? {
        match open_build(&build).filter(|_| valid.is_none()) {
            Some(opened) => valid = Some(opened),
            None => std::fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))?,
        }
    }
    Ok(valid)
}

/// A new, empty build. Removes all others.
pub(super) fn create_build(folder: &Path) -> anyhow::Result<Index> {
    for build in builds(folder)? {
        std::fs::remove_dir_all(build)?;
    }
    let number = std::fs::read_dir(folder)?.count();
    let path = folder.join(format!("build-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&path)?;
    let (schema, _) = schema::schema();
    Ok(Index::builder().schema(schema).settings(IndexSettings::default()).create_in_dir(&path)?)
}

fn builds(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut builds = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            builds.push(entry.path());
        }
    }
    Ok(builds)
}

/// A build of this version with a position, whose files all have the bytes that were written.
fn open_build(build: &Path) -> Option<(Index, IndexPosition)> {
    let index = Index::open_in_dir(build).ok()?;
    let position: IndexPosition = serde_json::from_str(&index.load_metas().ok()?.payload?).ok()?;
    // Without its list of files, Tantivy would validate none of them.
    let is_listed = build.join(".managed.json").is_file();
    let is_intact = is_listed && index.validate_checksum().is_ok_and(|damaged| damaged.is_empty());
    let is_readable = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into().is_ok_and(|_: IndexReader| true);
    (position.version == VERSION && is_intact && is_readable).then_some((index, position))
}
