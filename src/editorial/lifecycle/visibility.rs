//! What every change of visibility has in common: locking with the checks of the caller, saving with summary and
//! transitions, the change for the log.

use uuid::Uuid;

use crate::domain::authority::Principal;
use crate::domain::change::{ChangeKind, NewChange, Resource};
use crate::domain::clock::Timestamp;
use crate::domain::etag::insight_state;
use crate::domain::status::Status;
use crate::editorial::error::EditorialError;
use crate::editorial::insights::{check_own, pointers};
use crate::editorial::pending::PendingWrite;
use crate::store::rows::insight;
use crate::store::{self, Store, Transaction};

/// The error of a create-only write whose insight exists.
pub async fn already_exists_error(store: &Store, id: Uuid) -> Result<EditorialError, EditorialError> {
    let insight = store::insights::find(store.reader(), &store::insights::InsightName::Id(id)).await?.ok_or(EditorialError::NotFound)?;
    let state = insight_state(insight.id, insight.head_revision, insight.pointer_version);
    Ok(EditorialError::stale(state))
}

/// Locks an insight that the principal may change, also one in the trash.
pub(super) async fn lock_own(txn: &Transaction, id: Uuid, principal: &Principal, now: Timestamp) -> Result<insight::Model, EditorialError> {
    let insight = store::insights::lock(txn, id).await?.ok_or(EditorialError::NotFound)?;
    check_own(&insight, principal, now)?;
    Ok(insight)
}

/// Locks an insight that the principal may change and that is not in the trash.
pub(super) async fn lock_active(
    txn: &Transaction,
    id: Uuid,
    principal: &Principal,
    now: Timestamp,
) -> Result<insight::Model, EditorialError> {
    let insight = lock_own(txn, id, principal, now).await?;
    if insight.deleted_at.is_some() { Err(EditorialError::NotFound) } else { Ok(insight) }
}

/// Saves moved pointers and archives the slug that a visible insight leaves; `None` when nothing has moved.
pub(super) async fn move_pointers(
    txn: &Transaction,
    (old, mut new): (&insight::Model, insight::Model),
    kind: ChangeKind,
    now: Timestamp,
) -> Result<Option<NewChange>, EditorialError> {
    if new == *old {
        return Ok(None);
    }
    new.pointer_version += 1;
    new.updated_at = now.0;
    new.live_updated_at = now.0;
    if was_public(old, now) {
        store::slugs::archive(txn, &old.slug, old.id).await?;
    }
    save_visibility(txn, (old, new), kind, now).await.map(Some)
}

/// Saves an insight whose visibility may have changed, with its summary and transitions; returns the change for the log.
pub(super) async fn save_visibility(
    txn: &Transaction,
    (old, new): (&insight::Model, insight::Model),
    kind: ChangeKind,
    now: Timestamp,
) -> Result<NewChange, EditorialError> {
    let mut list_tags = store::insights::list_tags(txn, old.id).await?;
    store::insights::save_live(txn, &new).await?;
    list_tags.extend(store::insights::list_tags(txn, new.id).await?);
    let has_begun = plan_transitions(txn, old, &new, now).await?;
    let is_visible = Status::from_pointers(&pointers(&new), now) == Status::Published;
    Ok(insight_change(kind, &new, was_public(old, now) || is_visible || has_begun, list_tags))
}

/// Plans the transitions of the insight as it is now. Returns whether a publication that is scheduled by this node's clock is in the log
/// already: a node whose clock is ahead has announced it to readers.
pub(super) async fn plan_transitions(
    txn: &Transaction,
    old: &insight::Model,
    new: &insight::Model,
    now: Timestamp,
) -> Result<bool, EditorialError> {
    let had_beginning = store::transitions::plan(txn, new, now).await?;
    Ok(Status::from_pointers(&pointers(old), now) == Status::Scheduled && !had_beginning)
}

/// Whether readers can have seen the insight in its current state: it is published, or expired. Expired counts because
/// its end is the last modification of lists.
pub(in crate::editorial) fn was_public(insight: &insight::Model, now: Timestamp) -> bool {
    matches!(Status::from_pointers(&pointers(insight), now), Status::Published | Status::Expired)
}

/// The change of an insight. `list_tags` are the cache tags of the filtered lists that contained it before, and contain it now.
pub(in crate::editorial) fn insight_change(kind: ChangeKind, insight: &insight::Model, public: bool, list_tags: Vec<String>) -> NewChange {
    let id = insight.id;
    NewChange {
        kind,
        resource: Resource::Insight,
        resource_id: Some(id),
        slug: Some(insight.slug.clone()),
        public,
        cache_tags: NewChange::insight_tags(id, list_tags),
    }
}

pub(super) fn pending_write(txn: Transaction, principal: &Principal, id: Uuid, change: Option<NewChange>) -> PendingWrite<Uuid> {
    match change {
        Some(change) => PendingWrite::logged(txn, principal, change, id),
        None => PendingWrite::unchanged(txn, principal, id),
    }
}
