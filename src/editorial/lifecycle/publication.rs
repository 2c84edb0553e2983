//! Publishes and unpublishes: moves the live pointer, now or on a schedule.

use uuid::Uuid;

use super::visibility::{lock_active, move_pointers, pending_write};
use crate::domain::authority::Publisher;
use crate::domain::change::{ChangeKind, NewChange};
use crate::domain::clock::Timestamp;
use crate::domain::etag::Expected;
use crate::domain::field_errors::FieldErrors;
use crate::domain::fields::FieldReader;
use crate::domain::publication_times::PublicationTimes;
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
    let times = old.times();
    let current = times.published_at.filter(|_| is_visible);
    let wanted = PublicationTimes {
        published_at: publish_at.or(current),
        unpublish_at: unpublish_at.or(times.unpublish_at.filter(|end| !endless && *end > now)),
        ..PublicationTimes::default()
    };
    let period = PublicationPeriod::new(&times, wanted, now)?;
    let change = publish_in(&txn, &old, number, period, now).await?;
    Ok(pending_write(txn, publisher.principal(), id, change))
}

/// The times of a publication, validated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::editorial) struct PublicationPeriod {
    begins_at: Timestamp,
    times: PublicationTimes,
}

impl PublicationPeriod {
    /// The wanted times of an insight that has had `old` ones. Without a beginning it begins now.
    ///
    /// # Errors
    /// When the end is not after the beginning, or the wanted first publication is after it.
    pub(in crate::editorial) fn new(old: &PublicationTimes, wanted: PublicationTimes, now: Timestamp) -> Result<Self, EditorialError> {
        let begins_at = wanted.published_at.unwrap_or(now);
        if wanted.unpublish_at.is_some_and(|end| end <= begins_at) {
            return Err(EditorialError::field("/unpublish_at", "unpublish-before-publish", "must be later than the publication"));
        }
        let first_published_at = first_publication(old, wanted.first_published_at, Some(begins_at), now)?;
        Ok(Self { begins_at, times: PublicationTimes { published_at: Some(begins_at), first_published_at, ..wanted } })
    }

    /// Makes a revision live for this period.
    pub(in crate::editorial) fn set_live(self, insight: &mut insight::Model, number: i64) {
        insight.live_revision = Some(number);
        insight.position_at = self.begins_at.0;
        insight.set_times(self.times);
    }

    pub(in crate::editorial) fn has_begun(&self, now: Timestamp) -> bool {
        self.begins_at <= now
    }
}

/// When the first publication of an insight begins. One that has begun stays, unless an import says otherwise. `begins_at` is when the
/// current publication begins, if there is one.
fn first_publication(
    old: &PublicationTimes,
    wanted: Option<Timestamp>,
    begins_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Timestamp>, EditorialError> {
    let Some(wanted) = wanted else {
        return Ok(old.first_begun(now).or(begins_at));
    };
    // What is dated back may have been published first at a later time.
    let latest = begins_at.map_or(now, |begins_at| begins_at.max(now));
    if wanted > latest {
        let detail = if latest > now { "must not be later than the publication" } else { "must not be in the future" };
        return Err(EditorialError::field("/first_published_at", "first-published-too-late", detail));
    }
    // Before now there was no publication: the first one is the scheduled one.
    Ok(Some(if wanted > now { latest } else { wanted }))
}

/// Makes a revision live in the caller's transaction. Returns the change for the log; `None` when nothing changes.
pub(in crate::editorial) async fn publish_in(
    txn: &Transaction,
    old: &insight::Model,
    number: i64,
    period: PublicationPeriod,
    now: Timestamp,
) -> Result<Option<NewChange>, EditorialError> {
    let mut new = old.clone();
    period.set_live(&mut new, number);
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
    let change = unpublish_in(&txn, &old, &PublicationTimes::default(), now).await?;
    Ok(pending_write(txn, publisher.principal(), id, change))
}

/// Unpublishes in the caller's transaction; `wanted` are the times of an import. Returns the change for the log; `None` when nothing
/// changes.
pub(in crate::editorial) async fn unpublish_in(
    txn: &Transaction,
    old: &insight::Model,
    wanted: &PublicationTimes,
    now: Timestamp,
) -> Result<Option<NewChange>, EditorialError> {
    let first_published_at = first_publication(&old.times(), wanted.first_published_at, None, now)?;
    let mut new = insight::Model { live_revision: None, position_at: old.created_at, ..old.clone() };
    new.set_times(PublicationTimes { first_published_at, ..PublicationTimes::default() });
    set_listed_revision(txn, &mut new, old.head_revision, now).await?;
    move_pointers(txn, (old, new), ChangeKind::Unpublished, now).await
}

/// Sets the times of an import that are not those of a publication, and leaves that as it is. Returns the change for the log.
pub(in crate::editorial) async fn set_times_in(
    txn: &Transaction,
    old: &insight::Model,
    wanted: &PublicationTimes,
    now: Timestamp,
) -> Result<Option<NewChange>, EditorialError> {
    if wanted.first_published_at.is_none() {
        return Ok(None);
    }
    let times = old.times();
    let first_published_at = first_publication(&times, wanted.first_published_at, times.published_at, now)?;
    let mut new = old.clone();
    new.set_times(PublicationTimes { first_published_at, ..times });
    move_pointers(txn, (old, new), ChangeKind::Updated, now).await
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
