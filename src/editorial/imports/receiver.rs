//! Receives the lines of an import and stores them. Nothing is applied before everything has arrived.

use serde_json::Value;
use uuid::Uuid;

use super::lease::lease_expiry;
use crate::domain::authority::{Editor, Origin, Principal, Scope};
use crate::domain::clock::{Timestamp, new_id};
use crate::domain::import_state::{ImportNote, ImportState};
use crate::editorial::authority;
use crate::editorial::error::EditorialError;
use crate::editorial::pending::PendingWrite;
use crate::store::Store;
use crate::store::audit::AuditEvent;
use crate::store::imports::{self, Import, Lease, NewItem, ReceivedCounts, WaitingItem};
use crate::store::json_column::Json;

/// How to apply an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportMode {
    /// Where the lines come from, for people who read the list of imports.
    pub source: String,
    /// All items or none.
    pub atomic: bool,
    /// A dry run: check everything, change nothing.
    pub validate_only: bool,
}

/// A line as it arrived: its name, its JSON, and what was lost or guessed while converting it.
pub struct ReceivedLine {
    pub name: String,
    pub input: String,
    pub notes: Vec<ImportNote>,
    /// Why the line could not be read at all, as a problem.
    pub refused: Option<Value>,
}

/// An import whose lines are arriving. End it with [`ImportReceiver::complete`] or [`ImportReceiver::discard`].
pub struct ImportReceiver {
    pub id: Uuid,
    sender: Principal,
    next_number: i64,
    refused: i64,
}

/// Starts to receive an import, which acts with the authority that its sender has now, and no longer than the sender has it.
pub async fn begin(store: &Store, editor: &Editor, mode: ImportMode, now: Timestamp) -> Result<ImportReceiver, EditorialError> {
    let sender = editor.principal();
    let ImportMode { source, atomic, validate_only } = mode;
    let import = Import {
        id: new_id(now),
        state: ImportState::Receiving,
        source,
        atomic,
        validate_only,
        made_by: sender.name.clone(),
        user_id: sender.user_id,
        token_id: sender.token_id,
        session_id: sender.session_id,
        role: sender.role.map(|role| role.as_str().to_owned()),
        scopes: Scope::join(&sender.scopes),
        origin: Origin::Import.as_str().to_owned(),
        request_id: sender.request_id.clone(),
        total: 0,
        created: 0,
        updated: 0,
        unchanged: 0,
        failed: 0,
        problem: None,
        worker: None,
        stuck_at: 0,
        stuck_times: 0,
        created_at: now.0,
        updated_at: now.0,
        finished_at: None,
    };
    let txn = store.begin().await?;
    imports::insert(&txn, &import).await?;
    store.commit_quietly(txn).await?;
    Ok(ImportReceiver { id: import.id, sender: sender.clone(), next_number: 1, refused: 0 })
}

impl ImportReceiver {
    /// How many lines have arrived.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.next_number - 1
    }

    /// Stores some lines.
    ///
    /// # Errors
    /// When the sender's authority has ended, or the import was cancelled.
    pub async fn add(&mut self, store: &Store, lines: Vec<ReceivedLine>, now: Timestamp) -> Result<(), EditorialError> {
        let items: Vec<NewItem> = (self.next_number..)
            .zip(lines)
            .map(|(number, ReceivedLine { name, input, notes, refused })| {
                self.refused += i64::from(refused.is_some());
                let item = WaitingItem { number, name: replace_nul(name), input: replace_nul(input), notes: Json(notes) };
                NewItem { item, problem: refused }
            })
            .collect();
        let txn = store.begin().await?;
        authority::require(&txn, &self.sender, Editor::SCOPE, now).await?;
        if !imports::add(&txn, self.id, &items, now).await? {
            return Err(EditorialError::ImportEnded);
        }
        store.commit_quietly(txn).await?;
        self.next_number += i64::try_from(items.len()).unwrap_or(i64::MAX);
        Ok(())
    }

    /// Ends the receiving. From the commit on, workers apply the import, even across restarts. A `worker` holds the first lease.
    ///
    /// # Errors
    /// When the sender's authority has ended, or the import was cancelled.
    pub async fn complete(
        self,
        store: &Store,
        editor: &Editor,
        worker: Option<Uuid>,
        now: Timestamp,
    ) -> Result<PendingWrite<Import>, EditorialError> {
        let txn = store.begin().await?;
        let counts = ReceivedCounts { total: self.count(), failed: self.refused };
        let lease = worker.map(|worker| Lease { worker, until: lease_expiry(now) });
        authority::require(&txn, &self.sender, Editor::SCOPE, now).await?;
        if !imports::start(&txn, self.id, counts, lease, now).await? {
            return Err(EditorialError::ImportEnded);
        }
        let import = imports::find(&txn, self.id).await?.ok_or(EditorialError::NotFound)?;
        let event = AuditEvent { action: "created", resource: "import", resource_id: Some(self.id), label: Some(import.source.clone()) };
        Ok(PendingWrite::audited(txn, editor.principal(), event, import))
    }

    /// Deletes what was received: the sender failed before the end. A cancelled import stays.
    pub async fn discard(self, store: &Store) -> Result<(), EditorialError> {
        Ok(imports::delete(store.writer(), self.id).await?)
    }
}

/// `PostgreSQL` cannot store NUL in text. A line with NUL in its JSON has it escaped, and is refused later with a reason.
fn replace_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}
