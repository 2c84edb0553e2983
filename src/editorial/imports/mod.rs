//! Imports: lines are received whole and kept, then done one by one in small transactions, each together with its outcome. Whoever dies on the
//! way loses the items in hand and no more; whoever comes next goes on behind the last that was finished.

mod apply;
mod dry_run;
mod group;
pub(crate) mod lease;
mod outcome;
mod plan;
mod work;

use crate::editorial::imports::lease::lease_end;

use serde_json::Value;
use uuid::Uuid;

pub use work::{WorkOutcome, work};

use super::error::EditorialError;
use super::pending::PendingWrite;
use crate::domain::authority::{Editor, Origin, Scope};
use crate::domain::clock::{Timestamp, new_id};
use crate::domain::import_state::{ImportNote, ImportState};
use crate::store::Store;
use crate::store::audit::AuditEvent;
use crate::store::imports::{self, Import, Lease, NewItem, ReceivedCounts, WaitingItem};
use crate::store::json_column::Json;

/// How long the outcomes of a finished import can be read.
const KEPT_SECONDS: i64 = 30 * 24 * 60 * 60;
/// A sender that has sent nothing for so long is gone.
const STALLED_SECONDS: i64 = 60 * 60;

/// How an import is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportMode {
    /// Where the lines come from, for its reader.
    pub source: String,
    /// All items or none.
    pub atomic: bool,
    /// Check everything, change nothing.
    pub validate_only: bool,
}

/// An import that is being received.
pub struct ImportReceiver {
    pub id: Uuid,
    next: i64,
    refused: i64,
}

/// Begins to receive an import.
pub async fn begin(store: &Store, editor: &Editor, mode: ImportMode, now: Timestamp) -> Result<ImportReceiver, EditorialError> {
    let by = editor.principal();
    let ImportMode { source, atomic, validate_only } = mode;
    let import = Import {
        id: new_id(now),
        state: ImportState::Receiving,
        source,
        atomic,
        validate_only,
        made_by: by.name.clone(),
        user_id: by.user_id,
        token_id: by.token_id,
        role: by.role.map(|role| role.as_str().to_owned()),
        scopes: Scope::join(&by.scopes),
        origin: Origin::Import.as_str().to_owned(),
        request_id: by.request_id.clone(),
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
    Ok(ImportReceiver { id: import.id, next: 1, refused: 0 })
}

/// A line as it came in: where from, what it says, and what was lost or guessed in reading it.
pub struct ReceivedLine {
    pub name: String,
    pub input: String,
    pub notes: Vec<ImportNote>,
    /// Why it could not even be read, as a problem.
    pub refused: Option<Value>,
}

impl ImportReceiver {
    /// How many lines are there.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.next - 1
    }

    /// Keeps some lines.
    pub async fn add(&mut self, store: &Store, lines: Vec<ReceivedLine>, now: Timestamp) -> Result<(), EditorialError> {
        let items: Vec<NewItem> = (self.next..)
            .zip(lines)
            .map(|(number, ReceivedLine { name, input, notes, refused })| {
                self.refused += i64::from(refused.is_some());
                let item = WaitingItem { number, name: without_nul(name), input: without_nul(input), notes: Json(notes) };
                NewItem { item, problem: refused }
            })
            .collect();
        let txn = store.begin().await?;
        imports::add(&txn, self.id, &items, now).await?;
        store.commit_quietly(txn).await?;
        self.next += i64::try_from(items.len()).unwrap_or(i64::MAX);
        Ok(())
    }

    /// Everything came in. Once this is committed, the import is done however often the service dies; `worker` does it first if one is given.
    pub async fn ready(
        self,
        store: &Store,
        editor: &Editor,
        worker: Option<Uuid>,
        now: Timestamp,
    ) -> Result<PendingWrite<Import>, EditorialError> {
        let txn = store.begin().await?;
        let counts = ReceivedCounts { total: self.count(), failed: self.refused };
        imports::start(&txn, self.id, counts, worker.map(|worker| Lease { worker, until: lease_end(now) }), now).await?;
        let import = imports::find(&txn, self.id).await?.ok_or(EditorialError::NotFound)?;
        let deed = AuditEvent { action: "created", resource: "import", resource_id: Some(self.id), label: Some(import.source.clone()) };
        Ok(PendingWrite::other(txn, editor.principal(), deed, import))
    }

    /// It did not come in whole: it is as if it had not begun.
    pub async fn forget(self, store: &Store) -> Result<(), EditorialError> {
        Ok(imports::delete(store.writer(), self.id).await?)
    }
}

/// The next import that nobody works on, taken for this worker.
pub async fn take(store: &Store, worker: Uuid, now: Timestamp) -> Result<Option<Import>, EditorialError> {
    let Some(import) = imports::find_idle(store.reader(), now).await? else { return Ok(None) };
    Ok(take_over(store, &import, worker, now).await?.then_some(import))
}

/// Takes an import for this worker, unless somebody works on it. Where another worker has left it, it is gone on with carefully: see [`work()`].
pub async fn take_over(store: &Store, import: &Import, worker: Uuid, now: Timestamp) -> Result<bool, EditorialError> {
    let db = store.writer();
    if !imports::acquire_lease(db, import.id, worker, now, lease_end(now)).await? {
        return Ok(false);
    }
    if import.worker.is_some_and(|before| before != worker) {
        let first = imports::list_waiting(store.reader(), import.id, 0, 1).await?.first().map_or(0, |item| item.number);
        let times = if first == import.stuck_at { import.stuck_times } else { 0 };
        imports::record_retry(db, import.id, first, times).await?;
    }
    Ok(true)
}

/// Forgets imports that ended long ago or were never received whole.
pub async fn tidy(store: &Store, now: Timestamp) -> Result<u64, EditorialError> {
    Ok(imports::delete_expired(store.writer(), now.plus_seconds(-STALLED_SECONDS), now.plus_seconds(-KEPT_SECONDS)).await?)
}

/// `PostgreSQL` cannot keep it. A line that holds it in JSON holds it escaped, and is refused later, with its reason.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}
