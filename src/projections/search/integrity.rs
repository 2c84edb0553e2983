//! Whether the index holds what the database says is live: the same texts, in the same revisions.

use std::collections::HashSet;
use std::path::Path;

use uuid::Uuid;

use super::projection::{concerns_texts, is_of_this_log};
use crate::projections::search::index::files::IndexFiles;
use crate::store::{Store, changes, documents};

/// What was found out about an index.
#[derive(Debug, PartialEq, Eq)]
pub enum IndexVerdict {
    /// It holds exactly what is live.
    Agrees,
    /// There is none: it will be made at the next start.
    Missing,
    /// It belongs to another log, of a database that was restored for example: the next start makes it anew.
    Foreign,
    /// It is behind by so many rows of the log, which the next start takes in.
    Behind(usize),
    /// A service works on it.
    InUse,
    /// It holds something else than what is live.
    Differs(Vec<String>),
}

/// Compares the index in a folder with the database. A build that is not sound is removed on the way, as at a start.
pub async fn compare(store: &Store, folder: &Path) -> anyhow::Result<IndexVerdict> {
    if !folder.exists() {
        return Ok(IndexVerdict::Missing);
    }
    let opened = match IndexFiles::open(folder) {
        Ok(opened) => opened,
        Err(_locked) => return Ok(IndexVerdict::InUse),
    };
    let Some((files, position)) = opened else { return Ok(IndexVerdict::Missing) };
    if !is_of_this_log(store, position).await? {
        return Ok(IndexVerdict::Foreign);
    }
    let missing = changes::after(store.reader(), position.sequence, i64::MAX).await?;
    let missing = missing.iter().filter(|row| concerns_texts(row)).count();
    if missing > 0 {
        return Ok(IndexVerdict::Behind(missing));
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
    let mut faults: Vec<String> =
        live.difference(&indexed).map(|(id, revision, _)| format!("search lacks insight {id} in revision {revision}")).collect();
    faults.extend(
        indexed.difference(&live).map(|(id, revision, _)| format!("search has insight {id} in revision {revision}, which is not live")),
    );
    faults.sort();
    Ok(if faults.is_empty() { IndexVerdict::Agrees } else { IndexVerdict::Differs(faults) })
}
