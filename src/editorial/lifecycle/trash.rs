//! The trash: deleting, restoring and purging insights.

use uuid::Uuid;

use super::visibility::{insight_change, lock_active, lock_own, pending_write, plan_transitions, save_visibility, was_public};
use crate::domain::authority::{Admin, Editor, Origin, Publisher};
use crate::domain::change::ChangeKind;
use crate::domain::clock::Timestamp;
use crate::domain::etag::Expected;
use crate::domain::status::TRASH_SECONDS;
use crate::editorial::error::EditorialError;
use crate::editorial::insights::check_state;
use crate::editorial::pending::PendingWrite;
use crate::store::rows::insight;
use crate::store::{self, Store};

/// Moves an insight to the trash. Its state stays the same, so that the caller's validator also works for restoring it.
///
/// # Errors
/// When the insight is unknown or stale, or is live and the caller may not decide what is public.
pub async fn delete(
    store: &Store,
    editor: &Editor,
    id: Uuid,
    expected: &Expected,
    now: Timestamp,
) -> Result<PendingWrite<Uuid>, EditorialError> {
    let txn = store.begin().await?;
    let old = lock_active(&txn, id, editor.principal(), now).await?;
    if old.live_revision.is_some() && !editor.principal().has(Publisher::SCOPE) {
        return Err(EditorialError::Forbidden("to delete what is published needs the scope insights:publish"));
    }
    check_state(store, &txn, &old, expected, None).await?;
    let new = insight::Model { deleted_at: Some(now.0), ..old.clone() };
    let change = save_visibility(&txn, (&old, new), ChangeKind::Deleted, now).await?;
    Ok(pending_write(txn, editor.principal(), id, Some(change)))
}

/// Restores an insight from the trash as it was. One that is not in the trash stays as it is.
///
/// # Errors
/// When the insight is unknown or stale.
pub async fn restore(
    store: &Store,
    publisher: &Publisher,
    id: Uuid,
    expected: &Expected,
    now: Timestamp,
) -> Result<PendingWrite<Uuid>, EditorialError> {
    let txn = store.begin().await?;
    let old = lock_own(&txn, id, publisher.principal(), now).await?;
    check_state(store, &txn, &old, expected, None).await?;
    let change = if old.deleted_at.is_some() {
        let new = insight::Model { deleted_at: None, ..old.clone() };
        Some(save_visibility(&txn, (&old, new), ChangeKind::Restored, now).await?)
    } else {
        None
    };
    Ok(pending_write(txn, publisher.principal(), id, change))
}

/// Purges an insight: deletes it with its history and its slugs.
///
/// # Errors
/// When the insight is unknown or stale.
pub async fn purge(
    store: &Store,
    admin: &Admin,
    id: Uuid,
    expected: &Expected,
    now: Timestamp,
) -> Result<PendingWrite<Uuid>, EditorialError> {
    let txn = store.begin().await?;
    let old = store::insights::lock(&txn, id).await?.ok_or(EditorialError::NotFound)?;
    check_state(store, &txn, &old, expected, None).await?;
    let has_begun = plan_transitions(&txn, &old, &insight::Model { live_revision: None, ..old.clone() }, now).await?;
    let list_tags = store::insights::list_tags(&txn, id).await?;
    store::insights::purge(&txn, id).await?;
    let change = insight_change(ChangeKind::Purged, &old, was_public(&old, now) || has_begun, list_tags);
    Ok(PendingWrite::logged(txn, admin.principal(), change, id))
}

/// Purges insights that have been in the trash long enough; returns how many. One that cannot be purged is logged and skipped.
///
/// # Errors
/// When the trash cannot be listed.
pub async fn empty_trash(store: &Store, now: Timestamp) -> Result<u64, EditorialError> {
    let admin = Admin::system(Origin::System);
    let (mut last, mut purged) = (None, 0);
    loop {
        let due = store::insights::list_trashed(store.reader(), now.plus_seconds(-TRASH_SECONDS), last).await?;
        let Some(newest) = due.last() else { return Ok(purged) };
        last = Some(*newest);
        for (_, id) in due {
            let result = match purge(store, &admin, id, &Expected::Any, now).await {
                Ok(pending) => pending.commit(store, now).await,
                Err(error) => Err(error),
            };
            match result {
                Ok(_) => purged += 1,
                Err(error) => tracing::error!(%error, %id, "insight not purged"),
            }
        }
    }
}
