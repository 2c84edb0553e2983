//! Decides what the public sees: publishes, schedules, unpublishes, moves to the trash and back, purges.
//!
//! Each function moves pointers; no text changes.

use uuid::Uuid;

use super::error::EditorialError;
use super::insights::{check_own, check_state, claim_slug, pointers};
use super::pending::PendingWrite;
use super::revision::sort_title;
use crate::domain::authority::{Admin, Editor, Origin, Principal, Publisher};
use crate::domain::change::{ChangeKind, NewChange, Resource};
use crate::domain::clock::Timestamp;
use crate::domain::etag::{Expected, insight_state};
use crate::domain::fields::{FieldError, FieldReader};
use crate::domain::slug::Slug;
use crate::domain::status::{Status, TRASH_SECONDS};
use crate::domain::user::moment;
use crate::store::rows::insight;
use crate::store::{self, Store, Transaction};

/// The parameters of a publication. The default publishes the newest revision now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Publication {
    pub publish_at: Option<Timestamp>,
    /// Left out, an end in the future stays.
    pub unpublish_at: Option<Timestamp>,
    /// The end is null: it is removed.
    pub endless: bool,
    pub revision: Option<i64>,
}

impl Publication {
    /// # Errors
    /// Every fault of the input at once.
    pub fn parse(input: serde_json::Value) -> Result<Self, Vec<FieldError>> {
        let endless = input.get("unpublish_at").is_some_and(serde_json::Value::is_null);
        let mut fields = FieldReader::of(input, "")?;
        let publication = Self {
            endless,
            publish_at: fields.text("publish_at", moment),
            unpublish_at: fields.text("unpublish_at", moment),
            revision: fields.integer("revision", 1, i64::from(i32::MAX)),
        };
        fields.finish(publication)
    }
}

/// Makes a revision live, now or later, indefinitely or until an end. A visible insight keeps its date unless another is given.
///
/// # Errors
/// When the insight is unknown or stale, the revision does not exist, or the end is not after the beginning.
pub async fn publish(
    store: &Store,
    publisher: &Publisher,
    id: Uuid,
    expected: &Expected,
    publication: Publication,
    now: Timestamp,
) -> Result<PendingWrite<Uuid>, EditorialError> {
    let txn = store.begin().await?;
    let old = lock_active(&txn, id, publisher.principal(), now).await?;
    check_state(store, &txn, &old, expected, None).await?;
    let Publication { publish_at, unpublish_at, endless, revision } = publication;
    let number = revision.unwrap_or(old.head_revision);
    let is_visible = Status::of(&pointers(&old), now) == Status::Published;
    let current = old.published_at.filter(|_| is_visible);
    let published_at = publish_at.map(|at| at.0).or(current).unwrap_or(now.0);
    let unpublish_at = unpublish_at.map(|at| at.0).or(old.unpublish_at.filter(|end| !endless && *end > now.0));
    let period = PublicationPeriod::new(published_at, unpublish_at)?;
    let change = publish_in(&txn, &old, number, period, now).await?;
    Ok(pending_write(txn, publisher.principal(), id, change))
}

/// When a publication begins and ends, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PublicationPeriod {
    published_at: i64,
    unpublish_at: Option<i64>,
}

impl PublicationPeriod {
    /// # Errors
    /// When the end is not after the beginning.
    pub(super) fn new(published_at: i64, unpublish_at: Option<i64>) -> Result<Self, EditorialError> {
        if unpublish_at.is_some_and(|end| end <= published_at) {
            return Err(EditorialError::field("/unpublish_at", "unpublish-before-publish", "must be later than the publication"));
        }
        Ok(Self { published_at, unpublish_at })
    }
}

/// Makes a revision live in the caller's transaction. Returns the change for the log; `None` when nothing changes.
pub(super) async fn publish_in(
    txn: &Transaction,
    old: &insight::Model,
    number: i64,
    period: PublicationPeriod,
    now: Timestamp,
) -> Result<Option<NewChange>, EditorialError> {
    let PublicationPeriod { published_at, unpublish_at } = period;
    let mut new = old.clone();
    new.live_revision = Some(number);
    new.published_at = Some(published_at);
    new.unpublish_at = unpublish_at;
    new.position_at = published_at;
    set_listed_revision(txn, &mut new, number, now).await?;
    move_pointers(txn, (old, new), ChangeKind::Published, now).await
}

/// Makes an insight invisible to the public; its revisions stay.
///
/// # Errors
/// When the insight is unknown or stale.
pub async fn unpublish(
    store: &Store,
    publisher: &Publisher,
    id: Uuid,
    expected: &Expected,
    now: Timestamp,
) -> Result<PendingWrite<Uuid>, EditorialError> {
    let txn = store.begin().await?;
    let old = lock_active(&txn, id, publisher.principal(), now).await?;
    check_state(store, &txn, &old, expected, None).await?;
    let change = unpublish_in(&txn, &old, now).await?;
    Ok(pending_write(txn, publisher.principal(), id, change))
}

/// Unpublishes in the caller's transaction. Returns the change for the log; `None` when nothing changes.
pub(super) async fn unpublish_in(txn: &Transaction, old: &insight::Model, now: Timestamp) -> Result<Option<NewChange>, EditorialError> {
    let mut new =
        insight::Model { live_revision: None, published_at: None, unpublish_at: None, position_at: old.created_at, ..old.clone() };
    set_listed_revision(txn, &mut new, old.head_revision, now).await?;
    move_pointers(txn, (old, new), ChangeKind::Unpublished, now).await
}

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

/// The error of a create-only write whose insight exists.
pub async fn already_exists_error(store: &Store, id: Uuid) -> Result<EditorialError, EditorialError> {
    let insight = store::insights::find(store.reader(), &store::insights::InsightName::Id(id)).await?.ok_or(EditorialError::NotFound)?;
    let state = insight_state(insight.id, insight.head_revision, insight.pointer_version);
    Ok(EditorialError::stale(state))
}

/// Sets what lists show to this revision, and claims its slug.
async fn set_listed_revision(txn: &Transaction, insight: &mut insight::Model, number: i64, now: Timestamp) -> Result<(), EditorialError> {
    let unknown = || EditorialError::field("/revision", "unknown-revision", "there is no revision with this number");
    let row = store::revisions::find(txn, insight.id, number).await?.ok_or_else(unknown)?;
    let texts = store::revisions::find_listing(txn, insight.id, number, &row.source_locale).await?.ok_or_else(unknown)?;
    if store::revisions::names_deleted_terms(txn, insight.id, number).await? {
        let detail = "its category, or one of its tags or authors, was deleted since: write a new revision";
        return Err(EditorialError::field("/revision", "deleted-term", detail));
    }
    let slug = Slug::parse(&row.slug).unwrap_or_default();
    insight.slug = claim_slug(txn, slug, insight.id, now).await?.into_string();
    insight.category_id = row.category_id;
    insight.sort_title = sort_title(&texts.title);
    insight.reading_minutes = row.reading_minutes.unwrap_or(texts.derived_minutes);
    Ok(())
}

/// Saves moved pointers and archives the slug that a visible insight leaves; `None` when nothing has moved.
async fn move_pointers(
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
        store::slugs::leave(txn, &old.slug, old.id).await?;
    }
    save_visibility(txn, (old, new), kind, now).await.map(Some)
}

/// Saves an insight whose visibility may have changed, with its summary and transitions; returns the change for the log.
async fn save_visibility(
    txn: &Transaction,
    (old, new): (&insight::Model, insight::Model),
    kind: ChangeKind,
    now: Timestamp,
) -> Result<NewChange, EditorialError> {
    let mut list_tags = store::insights::list_tags(txn, old.id).await?;
    store::insights::save_live(txn, &new).await?;
    list_tags.extend(store::insights::list_tags(txn, new.id).await?);
    let has_begun = plan_transitions(txn, old, &new, now).await?;
    let is_visible = Status::of(&pointers(&new), now) == Status::Published;
    Ok(insight_change(kind, &new, was_public(old, now) || is_visible || has_begun, list_tags))
}

fn pending_write(txn: Transaction, principal: &Principal, id: Uuid, change: Option<NewChange>) -> PendingWrite<Uuid> {
    match change {
        Some(change) => PendingWrite::logged(txn, principal, change, id),
        None => PendingWrite::unchanged(txn, principal, id),
    }
}

/// Locks an insight that the principal may change, also one in the trash.
async fn lock_own(txn: &Transaction, id: Uuid, principal: &Principal, now: Timestamp) -> Result<insight::Model, EditorialError> {
    let insight = store::insights::lock(txn, id).await?.ok_or(EditorialError::NotFound)?;
    check_own(&insight, principal, now)?;
    Ok(insight)
}

/// Locks an insight that the principal may change and that is not in the trash.
async fn lock_active(txn: &Transaction, id: Uuid, principal: &Principal, now: Timestamp) -> Result<insight::Model, EditorialError> {
    let insight = lock_own(txn, id, principal, now).await?;
    if insight.deleted_at.is_some() { Err(EditorialError::NotFound) } else { Ok(insight) }
}

/// Plans the transitions of the insight as it is now. Returns whether a publication that is scheduled by this node's clock is in the log
/// already: a node whose clock is ahead has announced it to readers.
async fn plan_transitions(txn: &Transaction, old: &insight::Model, new: &insight::Model, now: Timestamp) -> Result<bool, EditorialError> {
    let had_beginning = store::transitions::plan(txn, new, now).await?;
    Ok(Status::of(&pointers(old), now) == Status::Scheduled && !had_beginning)
}

/// Whether readers can have seen the insight in its current state: it is published, or expired. Expired counts because its end is the last
/// modification of lists.
pub(super) fn was_public(insight: &insight::Model, now: Timestamp) -> bool {
    matches!(Status::of(&pointers(insight), now), Status::Published | Status::Expired)
}

/// The change of an insight. `list_tags` are the cache tags of the filtered lists that contained it before, and contain it now.
pub(super) fn insight_change(kind: ChangeKind, insight: &insight::Model, public: bool, list_tags: Vec<String>) -> NewChange {
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
