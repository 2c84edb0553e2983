//! Compares the index with the database, for `insights check`: the same texts in the same revisions.

use std::collections::HashSet;
use std::path::Path;

use uuid::Uuid;

use super::projection::{belongs_to_log, changes_texts};
use crate::projections::search::index::files::IndexFiles;
use crate::store::{Store, changes, documents};

#[derive(Debug, PartialEq, Eq)]
pub enum IndexVerdict {
    /// It has exactly the live texts.
    Agrees,
    /// There is no valid index: the next start builds it.
    Missing,
    /// It belongs to the log of another database, for example before a restore: the next start rebuilds it.
    Foreign,
    /// It lags by this number of rows of the log that change texts: the next start applies them.
    Lags(usize),
    /// A running service uses it.
    InUse,
    /// It has other texts than the live ones.
    Differs(Vec<String>),
}

/// Compares the index in a folder with the database. Removes invalid builds, as a start does.
pub async fn compare(store: &Store, folder: &Path) -> anyhow::Result<IndexVerdict> {
    if !folder.exists() {
        return Ok(IndexVerdict::Missing);
    }
    let opened = match IndexFiles::open(folder) {
        Ok(opened) => opened,
        Err(_locked) => return Ok(IndexVerdict::InUse),
    };
    let Some((files, position)) = opened else { return Ok(IndexVerdict::Missing) };
    if !belongs_to_log(store, position).await? {
        return Ok(IndexVerdict::Foreign);
    }
    let unapplied = changes::after(store.reader(), position.row_sequence, i64::MAX).await?;
    let unapplied = unapplied.iter().filter(|row| changes_texts(row)).count();
    if unapplied > 0 {
        return Ok(IndexVerdict::Lags(unapplied));
    }
    let indexed: HashSet<(Uuid, i64, i64)> = files.revisions()?.into_iter().collect();
    let mut live = HashSet::new();
    let mut last = Uuid::nil();
    loop {
        let rows = documents::list_live(store.reader(), last, 1_000).await?;
        let Some(newest) = rows.last() else { break };
        last = newest.id;
        live.extend(rows.into_iter().map(|row| (row.id, row.revision, row.pointer_version)));
    }
    let missing = live.difference(&indexed).map(|(id, revision, _)| format!("search lacks insight {id} in revision {revision}"));
    let stale =
        indexed.difference(&live).map(|(id, revision, _)| format!("search has insight {id} in revision {revision}, which is not live"));
    let mut differences: Vec<String> = missing.chain(stale).collect();
    differences.sort();
    Ok(if differences.is_empty() { IndexVerdict::Agrees } else { IndexVerdict::Differs(differences) })
}
