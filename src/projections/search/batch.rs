//! Changes that are in the index but not committed, and when their commit may be deferred.

use std::time::{Duration, Instant};

use super::index::folder::IndexPosition;

/// Rows of the log that arrive together during an import.
const MIN_BULK_ROWS: usize = 100;
/// During an import, a commit may wait until this many texts or this much time have passed: a large commit costs little more than a
/// small one.
const MAX_DEFERRED_TEXTS: usize = 4_000;
const MAX_DEFERRAL: Duration = Duration::from_secs(2);

pub(super) struct UncommittedBatch {
    started: Instant,
    pub(super) position: IndexPosition,
    pub(super) texts: usize,
    /// The rows changed something that readers see.
    pub(super) affects_readers: bool,
    /// Many rows arrived at a time.
    is_bulk: bool,
    /// Another process wrote the rows, so writers may be waiting there.
    has_remote_rows: bool,
}

/// Rows of the log that were applied to the index.
pub(super) struct AppliedRows {
    pub(super) position: IndexPosition,
    pub(super) rows: usize,
    pub(super) texts: usize,
    pub(super) affects_readers: bool,
    pub(super) is_remote: bool,
}

impl UncommittedBatch {
    pub(super) fn new(started: Instant) -> Self {
        Self { started, position: IndexPosition::default(), texts: 0, affects_readers: false, is_bulk: false, has_remote_rows: false }
    }

    pub(super) fn add(&mut self, applied: &AppliedRows) {
        self.position = applied.position;
        self.texts += applied.texts;
        self.affects_readers |= applied.affects_readers;
        self.is_bulk |= applied.rows >= MIN_BULK_ROWS;
        self.has_remote_rows |= applied.is_remote;
    }

    /// Whether the commit may wait for more rows, as long as no writer in this process waits for it.
    pub(super) fn can_be_deferred(&self) -> bool {
        self.is_bulk && !self.has_remote_rows && self.texts < MAX_DEFERRED_TEXTS && self.started.elapsed() < MAX_DEFERRAL
    }
}
