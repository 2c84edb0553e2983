//! Cancels an import. It does not stop the worker: the next batch finds the import ended. So it waits for one transaction at most.

use uuid::Uuid;

use crate::domain::authority::{Editor, Principal, Scope};
use crate::domain::clock::Timestamp;
use crate::domain::import_state::ImportState;
use crate::editorial::error::EditorialError;
use crate::editorial::pending::PendingWrite;
use crate::store::Store;
use crate::store::audit::AuditEvent;
use crate::store::imports::{self, Import};

const CANCELLED: &str = "it was cancelled: items that are still waiting were not applied";

/// Whether a caller may know of an import: authors only of their own.
#[must_use]
pub fn is_visible_to(import: &Import, caller: &Principal) -> bool {
    let own = caller.limited_to_own();
    own.is_none() || own == import.user_id
}

/// Ends an import that is not finished. What was applied stays.
///
/// # Errors
/// When it is unknown or hidden, somebody else's (an administrator may cancel any), or finished.
pub async fn cancel(store: &Store, editor: &Editor, id: Uuid, now: Timestamp) -> Result<PendingWrite<()>, EditorialError> {
    let caller = editor.principal();
    let txn = store.begin().await?;
    let import = imports::find(&txn, id).await?.filter(|import| is_visible_to(import, caller)).ok_or(EditorialError::NotFound)?;
    if !caller.has(Scope::Admin) && !is_sender(&import, caller) {
        return Err(EditorialError::Forbidden("only its sender or an administrator may cancel an import"));
    }
    imports::count_received(&txn, id).await?;
    if !imports::finish(&txn, id, ImportState::Failed, Some(CANCELLED), now).await? {
        return Err(EditorialError::ImportEnded);
    }
    let event = AuditEvent { action: "cancelled", resource: "import", resource_id: Some(id), label: Some(import.source) };
    Ok(PendingWrite::audited(txn, caller, event, ()))
}

/// Whether the caller is the user, or the machine token, that sent the import.
fn is_sender(import: &Import, caller: &Principal) -> bool {
    let is_same = |own: Option<Uuid>, theirs: Option<Uuid>| own.is_some() && own == theirs;
    is_same(caller.user_id, import.user_id) || is_same(caller.token_id, import.token_id)
}
