//! Applies a planned item in a savepoint: an item that fails changes nothing.

use uuid::Uuid;

use super::outcome::note;
use super::plan::{ExistingInsight, NewInsight};
use crate::domain::authority::{Principal, Scope};
use crate::domain::change::{ChangeKind, NewChange};
use crate::domain::clock::{Timestamp, new_id};
use crate::domain::import_line::{InsightLine, WantedState};
use crate::domain::import_state::{ImportItemState, ImportNote};
use crate::domain::publication_times::PublicationTimes;
use crate::domain::slug::Slug;
use crate::domain::status::Status;
use crate::domain::term::{TermDraft, TermKind};
use crate::editorial::error::EditorialError;
use crate::editorial::insights::{append_revision, claim_slug, draft_change, find_by_current_slug, new_row, pointers};
use crate::editorial::lifecycle::{self, PublicationPeriod, publish_in, set_times_in, unpublish_in};
use crate::editorial::revision::{self, Authorship, RenderedDraft};
use crate::editorial::terms;
use crate::store::insights::InsightName;
use crate::store::rows::insight;
use crate::store::slugs::RedirectOutcome;
use crate::store::{self, Transaction};

/// What an item has changed.
#[derive(Default)]
pub(super) struct AppliedItem {
    pub state: ImportItemState,
    pub insight: Option<(Uuid, String)>,
    pub notes: Vec<ImportNote>,
    pub changes: Vec<NewChange>,
}

pub(super) enum ApplyResult {
    Done(AppliedItem),
    /// The insight was changed between plan and transaction: the item has to be planned again.
    Retry,
}

const NEEDS_PUBLISH: EditorialError =
    EditorialError::Forbidden("to publish, or to create categories, tags and authors, needs the scope insights:publish");
/// A publication that has ended and has no beginning gets one this long before its end.
const ASSUMED_DURATION_MILLIS: i64 = 1_000;

/// Creates or updates a category, tag or author.
pub(super) async fn put_term(
    txn: &Transaction,
    principal: &Principal,
    kind: TermKind,
    draft: TermDraft,
    now: Timestamp,
) -> Result<ApplyResult, EditorialError> {
    let slug = draft.slug_or_derived();
    let (state, change) = terms::insert_in(txn, kind, &slug, draft, now).await?;
    if change.is_some() && !principal.has(Scope::InsightsPublish) {
        return Err(NEEDS_PUBLISH);
    }
    let changes = change.into_iter().collect();
    Ok(ApplyResult::Done(AppliedItem { state, insight: None, notes: Vec::new(), changes }))
}

pub(super) async fn create_insight(
    txn: &Transaction,
    principal: &Principal,
    creation: NewInsight,
    now: Timestamp,
) -> Result<ApplyResult, EditorialError> {
    let NewInsight { line, text, mut newer } = creation;
    let mut applied = AppliedItem { state: ImportItemState::Created, ..AppliedItem::default() };
    create_missing_terms(txn, principal, &line, &mut applied, now).await?;
    let id = line.id.unwrap_or_else(|| new_id(now));
    if store::insights::lock(txn, id).await?.is_some() {
        return Ok(ApplyResult::Retry);
    }
    let slug = match &line.text.slug {
        Some(slug) if line.id.is_none() && find_by_current_slug(txn, slug).await?.is_some() => return Ok(ApplyResult::Retry),
        Some(slug) => claim_slug(txn, slug.clone(), id, now).await?,
        None => store::slugs::claim_derived(txn, &Slug::derive(&line.text.text.title), id, now).await?,
    };
    if let Some(newer) = &mut newer {
        newer.draft.slug.get_or_insert_with(|| slug.clone());
    }
    let resolved = revision::resolve_terms(txn, text).await?;
    store::insights::insert(txn, new_row(id, &slug, &resolved, principal.user_id, now)).await?;
    let authorship = Authorship { principal: principal.clone(), restored_from: None };
    revision::insert(txn, resolved, (id, 1, &slug), &authorship, now).await?;
    applied.changes.push(draft_change(ChangeKind::Created, id, &slug));
    let state = WantedInsight { id, line: &line, newer };
    apply_wanted_state(txn, principal, state, &mut applied, now).await?;
    applied.insight = Some((id, slug.into_string()));
    Ok(ApplyResult::Done(applied))
}

pub(super) async fn update_insight(
    txn: &Transaction,
    principal: &Principal,
    existing: ExistingInsight,
    now: Timestamp,
) -> Result<ApplyResult, EditorialError> {
    let ExistingInsight { line, planned_on, text, newer, keeps_draft } = existing;
    let id = planned_on.id;
    if store::insights::lock(txn, id).await?.as_ref() != Some(&planned_on) {
        return Ok(ApplyResult::Retry);
    }
    let mut applied = AppliedItem { state: ImportItemState::Updated, ..AppliedItem::default() };
    if keeps_draft {
        applied.notes.push(note("draft-kept", "a newer draft, which the item does not contain, stays the newest text"));
    }
    create_missing_terms(txn, principal, &line, &mut applied, now).await?;
    if let Some(text) = text {
        append_text(txn, principal, id, text, &mut applied, now).await?;
    }
    let state = WantedInsight { id, line: &line, newer };
    apply_wanted_state(txn, principal, state, &mut applied, now).await?;
    if applied.changes.is_empty() {
        applied.state = ImportItemState::Unchanged;
    }
    let slug = store::insights::lock(txn, id).await?.map_or(planned_on.slug, |insight| insight.slug);
    applied.insight = Some((id, slug));
    Ok(ApplyResult::Done(applied))
}

/// Appends a revision with this text.
async fn append_text(
    txn: &Transaction,
    principal: &Principal,
    id: Uuid,
    mut text: RenderedDraft,
    applied: &mut AppliedItem,
    now: Timestamp,
) -> Result<(), EditorialError> {
    let insight = store::insights::lock(txn, id).await?.ok_or(EditorialError::NotFound)?;
    let old = store::revisions::find(txn, id, insight.head_revision).await?.and_then(|revision| Slug::parse(&revision.slug));
    text.draft.slug = text.draft.slug.or_else(|| old.clone());
    let resolved = revision::resolve_terms(txn, text).await?;
    let authorship = Authorship { principal: principal.clone(), restored_from: None };
    let slug = append_revision(txn, insight, (old, resolved), &authorship, now).await?;
    applied.changes.push(draft_change(ChangeKind::Revised, id, &slug));
    Ok(())
}

/// The faults of a newer draft are in the line's member `draft`.
fn in_draft(error: EditorialError) -> EditorialError {
    match error {
        EditorialError::Invalid(errors) => EditorialError::Invalid(errors.inside("/draft")),
        other => other,
    }
}

/// What a line asks of an insight beside its text.
struct WantedInsight<'l> {
    id: Uuid,
    line: &'l InsightLine,
    newer: Option<RenderedDraft>,
}

/// Publishes or unpublishes as the line says, appends the newer draft, then redirects the aliases.
async fn apply_wanted_state(
    txn: &Transaction,
    principal: &Principal,
    wanted: WantedInsight<'_>,
    applied: &mut AppliedItem,
    now: Timestamp,
) -> Result<(), EditorialError> {
    let WantedInsight { id, line, newer } = wanted;
    let insight = store::insights::lock(txn, id).await?.ok_or(EditorialError::NotFound)?;
    let has_new_text = applied.changes.iter().any(|change| change.resource_id == Some(id));
    let change = match line.wanted {
        WantedState::Draft if insight.live_revision.is_some() => unpublish_in(txn, &insight, &line.times, now).await?,
        WantedState::Draft | WantedState::Unchanged => set_times_in(txn, &insight, &line.times, now).await?,
        WantedState::Published => {
            let number = if has_new_text { insight.head_revision } else { insight.live_revision.unwrap_or(insight.head_revision) };
            publish_in(txn, &insight, number, wanted_period(line, &insight, now)?, now).await?
        }
    };
    if let Some(change) = change {
        if !principal.has(Scope::InsightsPublish) {
            return Err(NEEDS_PUBLISH);
        }
        applied.changes.push(change);
    }
    if let Some(newer) = newer {
        append_text(txn, principal, id, newer, applied, now).await.map_err(in_draft)?;
    }
    redirect_aliases(txn, principal, id, &line.aliases, applied, now).await
}

/// When the publication that the line asks for begins and ends.
fn wanted_period(line: &InsightLine, insight: &insight::Model, now: Timestamp) -> Result<PublicationPeriod, EditorialError> {
    let is_visible = matches!(Status::from_pointers(&pointers(insight), now), Status::Published);
    let old = insight.times();
    let current = old.published_at.filter(|_| is_visible || line.times.published_at.is_none());
    let default = line.times.unpublish_at.filter(|end| *end <= now).map_or(now, |end| Timestamp(end.0 - ASSUMED_DURATION_MILLIS));
    let published_at = line.times.published_at.or(current).unwrap_or(default);
    PublicationPeriod::new(&old, PublicationTimes { published_at: Some(published_at), ..line.times }, now)
}

/// Redirects old slugs to the insight, unless another one is public under them.
async fn redirect_aliases(
    txn: &Transaction,
    principal: &Principal,
    id: Uuid,
    aliases: &[Slug],
    applied: &mut AppliedItem,
    now: Timestamp,
) -> Result<(), EditorialError> {
    let Some(insight) = store::insights::lock(txn, id).await?.filter(|_| !aliases.is_empty()) else { return Ok(()) };
    let mut has_new = false;
    for alias in aliases.iter().filter(|alias| alias.as_str() != insight.slug) {
        let holder = store::insights::find(txn, &InsightName::Slug(alias.to_string())).await?.filter(|holder| holder.id != id);
        let is_public = |holder: insight::Model| {
            holder.slug == alias.as_str() && holder.live_revision.is_some() && holder.deleted_at.is_none() && holder.position_at <= now.0
        };
        if holder.is_some_and(is_public) {
            let detail = format!("another insight is published as \"{alias}\": the old slug is not redirected here");
            applied.notes.push(note("alias-taken", detail));
        } else if !principal.has(Scope::InsightsPublish) {
            let detail = format!("to redirect the old slug \"{alias}\" here needs the scope insights:publish");
            applied.notes.push(note("alias-refused", detail));
        } else {
            // A slug that another insight has only in a draft stays its own; until that is published, the public is redirected here.
            store::slugs::claim_available(txn, alias, id, now).await?;
            match store::slugs::set_redirect(txn, alias.as_str(), id).await? {
                RedirectOutcome::Set => has_new = true,
                RedirectOutcome::Unchanged => {}
                RedirectOutcome::Taken => {
                    let detail = format!("the old slug \"{alias}\" redirects to another insight, and stays so");
                    applied.notes.push(note("alias-taken", detail));
                }
            }
        }
    }
    if has_new && applied.changes.is_empty() {
        let list_tags = store::insights::list_tags(txn, id).await?;
        let was_public = lifecycle::was_public(&insight, now);
        applied.changes.push(lifecycle::insight_change(ChangeKind::Updated, &insight, was_public, list_tags));
    }
    Ok(())
}

/// Creates the terms that the line names and describes, and that do not exist.
async fn create_missing_terms(
    txn: &Transaction,
    principal: &Principal,
    line: &InsightLine,
    applied: &mut AppliedItem,
    now: Timestamp,
) -> Result<(), EditorialError> {
    for (kind, draft) in &line.terms {
        let slug = draft.slug_or_derived();
        if !store::terms::find_ids(txn, *kind, std::slice::from_ref(&slug)).await?.is_empty() {
            continue;
        }
        if !principal.has(Scope::InsightsPublish) {
            return Err(NEEDS_PUBLISH);
        }
        let (_, change) = terms::insert_in(txn, *kind, &slug, draft.clone(), now).await?;
        applied.changes.extend(change);
    }
    Ok(())
}
