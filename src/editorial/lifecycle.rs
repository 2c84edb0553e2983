//! What the public sees: publishing, scheduling, unpublishing, the trash. Each moves a pointer; no text is touched.

use uuid::Uuid;

use super::error::EditorialError;
use super::insights::{check_own, check_state, claim, pointers};
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

/// What a publication may say; empty, it publishes the newest revision now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Publication {
    pub publish_at: Option<Timestamp>,
    /// Left out, an end that is still ahead stays.
    pub unpublish_at: Option<Timestamp>,
    /// The end was given as null: there is none any more.
    pub endless: bool,
    pub revision: Option<i64>,
}

impl Publication {
    /// # Errors
    /// Every fault of the input at once.
    pub fn parse(input: serde_json::Value) -> Result<Self, Vec<FieldError>> {
        let endless = input.get("unpublish_at").is_some_and(serde_json::Value::is_null);
        let mut fields = FieldReader::new(input, "")?;
        let publication = Self {
            endless,
            publish_at: fields.text("publish_at", moment),
            unpublish_at: fields.text("unpublish_at", moment),
            revision: fields.integer("revision", 1, i64::from(i32::MAX)),
        };
        fields.finish(publication)
    }
}

/// Makes a revision live, now or later, for good or until a moment. A visible insight keeps its date unless it is given another.
///
/// # Errors
/// When the insight is unknown or stale, the revision does not exist, or the end is not behind the beginning.
pub async fn publish(
    store: &Store,
    publisher: &Publisher,
    id: Uuid,
    expected: &Expected,
    publication: Publication,
    now: Timestamp,
) -> Result<PendingWrite<Uuid>, EditorialError> {
    let txn = store.begin().await?;
    let old = store::insights::lock(&txn, id).await?.filter(|insight| insight.deleted_at.is_none()).ok_or(EditorialError::NotFound)?;
    check_own(&old, publisher.principal(), now)?;
    check_state(&txn, &old, expected, None).await?;
    let Publication { publish_at, unpublish_at, endless, revision } = publication;
    let number = revision.unwrap_or(old.head_revision);
    let visible = Status::from_pointers(&pointers(&old), now) == Status::Published;
    let kept = old.published_at.filter(|_| visible);
    let published_at = publish_at.map(|at| at.0).or(kept).unwrap_or(now.0);
    let unpublish_at = unpublish_at.map(|at| at.0).or(old.unpublish_at.filter(|end| !endless && *end > now.0));
    if unpublish_at.is_some_and(|end| end <= published_at) {
        return Err(EditorialError::field("/unpublish_at", "unpublish-before-publish", "must be later than the publication"));
    }
    let change = publish_in(&txn, &old, number, (published_at, unpublish_at), now).await?;
    Ok(pending(txn, publisher.principal(), id, change))
}

/// Makes a revision live in the caller's transaction. Answers what the log is to say, unless it was so before.
pub(super) async fn publish_in(
    txn: &Transaction,
    old: &insight::Model,
    number: i64,
    (published_at, unpublish_at): (i64, Option<i64>),
    now: Timestamp,
) -> Result<Option<NewChange>, EditorialError> {
    let mut new = old.clone();
    new.live_revision = Some(number);
    new.published_at = Some(published_at);
    new.unpublish_at = unpublish_at;
    new.position_at = published_at;
    show_revision(txn, &mut new, number, now).await?;
    move_pointers(txn, (old, new), ChangeKind::Published, now).await
}

/// Takes an insight away from the public; its revisions stay.
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
    let old = store::insights::lock(&txn, id).await?.filter(|insight| insight.deleted_at.is_none()).ok_or(EditorialError::NotFound)?;
    check_own(&old, publisher.principal(), now)?;
    check_state(&txn, &old, expected, None).await?;
    let change = unpublish_in(&txn, &old, now).await?;
    Ok(pending(txn, publisher.principal(), id, change))
}

/// Takes an insight away from the public in the caller's transaction. Answers what the log is to say, unless it was so before.
pub(super) async fn unpublish_in(txn: &Transaction, old: &insight::Model, now: Timestamp) -> Result<Option<NewChange>, EditorialError> {
    let mut new =
        insight::Model { live_revision: None, published_at: None, unpublish_at: None, position_at: old.created_at, ..old.clone() };
    show_revision(txn, &mut new, old.head_revision, now).await?;
    move_pointers(txn, (old, new), ChangeKind::Unpublished, now).await
}

/// Puts an insight into the trash. Its state stays, so that the validator a caller has is good for undoing it.
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
    let old = store::insights::lock(&txn, id).await?.filter(|insight| insight.deleted_at.is_none()).ok_or(EditorialError::NotFound)?;
    check_own(&old, editor.principal(), now)?;
    if old.live_revision.is_some() && !editor.principal().has(Publisher::SCOPE) {
        return Err(EditorialError::Forbidden("to delete what is published needs the scope insights:publish"));
    }
    check_state(&txn, &old, expected, None).await?;
    let new = insight::Model { deleted_at: Some(now.0), ..old.clone() };
    let change = settle(&txn, (&old, new), ChangeKind::Deleted, now).await?;
    Ok(pending(txn, editor.principal(), id, Some(change)))
}

/// Takes an insight out of the trash, as it was. One that is not there stays as it is.
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
    let old = store::insights::lock(&txn, id).await?.ok_or(EditorialError::NotFound)?;
    check_own(&old, publisher.principal(), now)?;
    check_state(&txn, &old, expected, None).await?;
    let change = match old.deleted_at {
        Some(_) => Some(settle(&txn, (&old, insight::Model { deleted_at: None, ..old.clone() }), ChangeKind::Restored, now).await?),
        None => None,
    };
    Ok(pending(txn, publisher.principal(), id, change))
}

/// Removes an insight for good, with its history and its slugs.
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
    check_state(&txn, &old, expected, None).await?;
    let begun = has_begun(&txn, &old, &insight::Model { live_revision: None, ..old.clone() }, now).await?;
    let lists = store::insights::list_tags(&txn, id).await?;
    store::insights::purge(&txn, id).await?;
    Ok(PendingWrite::content(txn, admin.principal(), change(ChangeKind::Purged, &old, was_seen(&old, now) || begun, lists), id))
}

/// Purges what has been in the trash long enough. One that cannot be purged is told and passed over: it is in nobody's way.
///
/// # Errors
/// When the trash cannot be looked at.
pub async fn empty_trash(store: &Store, now: Timestamp) -> Result<u64, EditorialError> {
    let admin = Admin::system(Origin::System);
    let (mut last, mut purged) = (None, 0);
    loop {
        let due = store::insights::list_trashed(store.reader(), now.plus_seconds(-TRASH_SECONDS), last).await?;
        let Some(newest) = due.last() else { return Ok(purged) };
        last = Some(*newest);
        for (_, id) in due {
            let done = match purge(store, &admin, id, &Expected::Any, now).await {
                Ok(pending) => pending.commit(store, now).await,
                Err(error) => Err(error),
            };
            match done {
                Ok(_) => purged += 1,
                Err(error) => tracing::error!(%error, %id, "the trash was not emptied of an insight"),
            }
        }
    }
}

/// The refusal of a write that was only to create what exists by now.
pub async fn exists_already(store: &Store, id: Uuid) -> Result<EditorialError, EditorialError> {
    let insight = store::insights::find(store.reader(), &store::insights::InsightName::Id(id)).await?.ok_or(EditorialError::NotFound)?;
    let state = insight_state(insight.id, insight.head_revision, insight.pointer_version);
    Ok(EditorialError::stale(state))
}

/// Lets lists show, and the slug lead to, this revision.
async fn show_revision(txn: &Transaction, insight: &mut insight::Model, number: i64, now: Timestamp) -> Result<(), EditorialError> {
    let no_such = || EditorialError::field("/revision", "unknown-revision", "there is no revision with this number");
    let row = store::revisions::find(txn, insight.id, number).await?.ok_or_else(no_such)?;
    let texts = store::revisions::find_listing(txn, insight.id, number, &row.source_locale).await?.ok_or_else(no_such)?;
    if store::revisions::has_deleted_terms(txn, insight.id, number).await? {
        let detail = "its category, or one of its tags or authors, was deleted since: write a new revision";
        return Err(EditorialError::field("/revision", "deleted-term", detail));
    }
    let slug = Slug::parse(&row.slug).unwrap_or_default();
    insight.slug = claim(txn, slug, insight.id, now).await?.into_string();
    insight.category_id = row.category_id;
    insight.sort_title = sort_title(&texts.title);
    insight.reading_minutes = row.reading_minutes.unwrap_or(texts.derived_minutes);
    Ok(())
}

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
    if was_seen(old, now) {
        store::slugs::archive(txn, &old.slug, old.id).await?;
    }
    settle(txn, (old, new), kind, now).await.map(Some)
}

async fn settle(
    txn: &Transaction,
    (old, new): (&insight::Model, insight::Model),
    kind: ChangeKind,
    now: Timestamp,
) -> Result<NewChange, EditorialError> {
    let mut lists = store::insights::list_tags(txn, old.id).await?;
    store::insights::save_live(txn, &new).await?;
    lists.extend(store::insights::list_tags(txn, new.id).await?);
    let begun = has_begun(txn, old, &new, now).await?;
    let is_seen = Status::from_pointers(&pointers(&new), now) == Status::Published;
    Ok(change(kind, &new, was_seen(old, now) || is_seen || begun, lists))
}

fn pending(txn: Transaction, by: &Principal, id: Uuid, change: Option<NewChange>) -> PendingWrite<Uuid> {
    match change {
        Some(change) => PendingWrite::content(txn, by, change, id),
        None => PendingWrite::nothing(txn, by, id),
    }
}

/// Plans what the clock will do to the insight as it is now. Answers whether it is scheduled by our clock, but its beginning is in the log
/// already: somebody whose clock is ahead, or who came first, has told its readers.
async fn has_begun(txn: &Transaction, old: &insight::Model, new: &insight::Model, now: Timestamp) -> Result<bool, EditorialError> {
    let had_beginning = store::transitions::plan(txn, new, now).await?;
    Ok(Status::from_pointers(&pointers(old), now) == Status::Scheduled && !had_beginning)
}

/// Whether readers can have seen it in its present state: it is published, or was until its end. One that is over counts too, because the
/// moment of its end is what lists were last modified at.
pub(super) fn was_seen(insight: &insight::Model, now: Timestamp) -> bool {
    matches!(Status::from_pointers(&pointers(insight), now), Status::Published | Status::Expired)
}

/// `lists` are the cache tags of the filtered lists that the insight was in before, and is in now.
pub(super) fn change(kind: ChangeKind, insight: &insight::Model, public: bool, lists: Vec<String>) -> NewChange {
    let id = insight.id;
    NewChange {
        kind,
        resource: Resource::Insight,
        resource_id: Some(id),
        slug: Some(insight.slug.clone()),
        public,
        cache_tags: NewChange::insight_tags(id, lists),
    }
}
