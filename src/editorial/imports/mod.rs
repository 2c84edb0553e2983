//! Imports. Lines are received and stored first ([`ImportReceiver`]), then applied item by item by an [`ImportWorker`].
//!
//! ```text
//! begin -> ImportReceiver::add ... -> complete -> ImportWorker: acquire the lease -> plan -> apply a batch -> commit items and outcomes
//! ```
//!
//! An item and its outcome are one commit, so a worker that dies loses at most the batch in hand, and the next one resumes after the last
//! finished item. Each batch looks at the sender's authority again, in its own transaction, and at whether the import was cancelled.
//! `docs/adr/0019-imports.md` has the reasons.

mod apply;
mod atomic;
mod batch;
mod cancel;
mod dry_run;
mod group;
mod interruption;
mod job;
mod lease;
mod outcome;
mod plan;
mod process;
mod receiver;
mod worker;

pub use cancel::{cancel, is_visible_to};
pub use process::WorkOutcome;
pub use receiver::{ImportMode, ImportReceiver, ReceivedLine, begin};
pub use worker::ImportWorker;

use super::error::EditorialError;
use crate::domain::clock::Timestamp;
use crate::store::Store;
use crate::store::imports;

/// How long the outcomes of a finished import can be read.
const OUTCOME_RETENTION_SECONDS: i64 = 30 * 24 * 60 * 60;
/// A sender that has sent nothing for this long is considered dead.
const STALLED_SECONDS: i64 = 60 * 60;

/// Deletes imports that finished long ago, and those that were never received completely.
pub async fn delete_expired(store: &Store, now: Timestamp) -> Result<u64, EditorialError> {
    Ok(imports::delete_expired(store.writer(), now.plus_seconds(-STALLED_SECONDS), now.plus_seconds(-OUTCOME_RETENTION_SECONDS)).await?)
}
