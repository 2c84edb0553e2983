//! Publishes and unpublishes: moves the live pointer, now or on a schedule.

use uuid::Uuid;

use super::visibility::{lock_active, move_pointers, pending_write};
use crate::domain::authority::Publisher;
use crate::domain::change::{ChangeKind, NewChange};
use crate::domain::clock::Timestamp;
use crate::domain::etag::Expected;
use crate::domain::field_errors::FieldErrors;
use crate::domain::fields::FieldReader;
use crate::domain::slug::Slug;
use crate::domain::status::Status;
use crate::domain::user::moment;
use crate::editorial::error::EditorialError;
use crate::editorial::insights::{check_state, claim_slug, pointers};
use crate::editorial::pending::PendingWrite;
use crate::editorial::revision::sort_title;
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
    pub fn parse(input: serde_json::Value) -> Result<Self, FieldErrors> {
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
    let is_visible = Status::from_pointers(&pointers(&old), now) == Status::Published;
    let current = old.published_at.filter(|_| is_visible);
    let published_at = publish_at.map(|at| at.0).or(current).unwrap_or(now.0);
    let unpublish_at = unpublish_at.map(|at| at.0).or(old.unpublish_at.filter(|end| !endless && *end > now.0));
    let period = PublicationPeriod::new(published_at, unpublish_at)?;
    let change = publish_in(&txn, &old, number, period, now).await?;
    Ok(pending_write(txn, publisher.principal(), id, change))
}

/// When a publication begins and ends, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::editorial) struct PublicationPeriod {
    published_at: i64,
    unpublish_at: Option<i64>,
}

impl PublicationPeriod {
    /// # Errors
    /// When the end is not after the beginning.
    pub(in crate::editorial) fn new(published_at: i64, unpublish_at: Option<i64>) -> Result<Self, EditorialError> {
        if unpublish_at.is_some_and(|end| end <= published_at) {
            return Err(EditorialError::field("/unpublish_at", "unpublish-before-publish", "must be later than the publication"));
        }
        Ok(Self { published_at, unpublish_at })
    }
}

/// Makes a revision live in the caller's transaction. Returns the change for the log; `None` when nothing changes.
pub(in crate::editorial) async fn publish_in(
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
pub(in crate::editorial) async fn unpublish_in(
    txn: &Transaction,
    old: &insight::Model,
    now: Timestamp,
) -> Result<Option<NewChange>, EditorialError> {
    let mut new =
        insight::Model { live_revision: None, published_at: None, unpublish_at: None, position_at: old.created_at, ..old.clone() };
    set_listed_revision(txn, &mut new, old.head_revision, now).await?;
    move_pointers(txn, (old, new), ChangeKind::Unpublished, now).await
}

/// Sets what lists show to this revision, and claims its slug.
async fn set_listed_revision(txn: &Transaction, insight: &mut insight::Model, number: i64, now: Timestamp) -> Result<(), EditorialError> {
    let unknown = || EditorialError::field("/revision", "unknown-revision", "there is no revision with this number");
    let row = store::revisions::find(txn, insight.id, number).await?.ok_or_else(unknown)?;
    let texts = store::revisions::find_listing(txn, insight.id, number, &row.source_locale).await?.ok_or_else(unknown)?;
    if store::revisions::has_deleted_terms(txn, insight.id, number).await? {
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
