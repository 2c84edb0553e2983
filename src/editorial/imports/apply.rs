//! Does what was planned for an item, in a savepoint of its own: an item that fails takes nothing with it.

use uuid::Uuid;

use super::outcome::note;
use super::plan::{ExistingInsight, NewInsight};
use crate::domain::authority::{Principal, Scope};
use crate::domain::change::{ChangeKind, NewChange};
use crate::domain::clock::{Timestamp, new_id};
use crate::domain::fields::FieldError;
use crate::domain::import_line::{InsightLine, WantedState};
use crate::domain::import_state::{ImportItemState, ImportNote};
use crate::domain::slug::Slug;
use crate::domain::status::Status;
use crate::domain::term::{TermDraft, TermKind};
use crate::editorial::error::EditorialError;
use crate::editorial::insights::{append, claim, draft_change, named, new_row, pointers};
use crate::editorial::lifecycle::{self, publish_in, unpublish_in};
use crate::editorial::revision::{self, Authorship, RenderedDraft};
use crate::editorial::terms;
use crate::store::insights::InsightName;
use crate::store::rows::insight;
use crate::store::slugs::RedirectOutcome;
use crate::store::{self, Transaction};

/// What was done for an item.
#[derive(Default)]
pub(super) struct AppliedItem {
    pub state: ImportItemState,
    pub insight: Option<(Uuid, String)>,
    pub notes: Vec<ImportNote>,
    pub changes: Vec<NewChange>,
}

/// Somebody wrote the same insight between the look and the transaction: the item is looked at again.
pub(super) enum ApplyResult {
    Done(AppliedItem),
    Again,
}

const NEEDS_PUBLISH: EditorialError =
    EditorialError::Forbidden("to publish, or to make categories, tags and authors, needs the scope insights:publish");

pub(super) async fn term(
    txn: &Transaction,
    by: &Principal,
    kind: TermKind,
    draft: TermDraft,
    now: Timestamp,
) -> Result<ApplyResult, EditorialError> {
    let slug = draft.slug_or_derived();
    let (state, change) = terms::put_in(txn, kind, &slug, draft, now).await?;
    if change.is_some() && !by.has(Scope::InsightsPublish) {
        return Err(NEEDS_PUBLISH);
    }
    let changes = change.into_iter().collect();
    Ok(ApplyResult::Done(AppliedItem { state, insight: None, notes: Vec::new(), changes }))
}

pub(super) async fn create(txn: &Transaction, by: &Principal, creation: NewInsight, now: Timestamp) -> Result<ApplyResult, EditorialError> {
    let NewInsight { line, text, mut newer } = creation;
    let mut done = AppliedItem { state: ImportItemState::Created, ..AppliedItem::default() };
    make_terms(txn, by, &line, &mut done, now).await?;
    let id = line.id.unwrap_or_else(|| new_id(now));
    if store::insights::lock(txn, id).await?.is_some() {
        return Ok(ApplyResult::Again);
    }
    let slug = match &line.text.slug {
        Some(slug) if line.id.is_none() && named(txn, slug).await?.is_some() => return Ok(ApplyResult::Again),
        Some(slug) => claim(txn, slug.clone(), id, now).await?,
        None => store::slugs::claim_derived(txn, &Slug::derive(&line.text.text.title), id, now).await?,
    };
    if let Some(newer) = &mut newer {
        newer.draft.slug.get_or_insert_with(|| slug.clone());
    }
    let resolved = revision::resolve(txn, text).await?;
    store::insights::insert(txn, new_row(id, &slug, &resolved, by.user_id, now)).await?;
    let wrote = Authorship { by: by.clone(), restored_from: None };
    revision::append(txn, resolved, (id, 1, &slug), &wrote, now).await?;
    done.changes.push(draft_change(ChangeKind::Created, id, &slug));
    settle(txn, by, (id, &line, newer), &mut done, now).await?;
    done.insight = Some((id, slug.into_string()));
    Ok(ApplyResult::Done(done))
}

pub(super) async fn alter(
    txn: &Transaction,
    by: &Principal,
    alteration: ExistingInsight,
    now: Timestamp,
) -> Result<ApplyResult, EditorialError> {
    let ExistingInsight { line, seen, text, newer, kept_draft } = alteration;
    let id = seen.id;
    if store::insights::lock(txn, id).await?.as_ref() != Some(&seen) {
        return Ok(ApplyResult::Again);
    }
    let mut done = AppliedItem { state: ImportItemState::Updated, ..AppliedItem::default() };
    if kept_draft {
        done.notes.push(note("draft-kept", "a newer draft, which the item does not hold, stays the newest text"));
    }
    make_terms(txn, by, &line, &mut done, now).await?;
    if let Some(text) = text {
        write(txn, by, id, text, &mut done, now).await?;
    }
    settle(txn, by, (id, &line, newer), &mut done, now).await?;
    if done.changes.is_empty() {
        done.state = ImportItemState::Unchanged;
    }
    let slug = store::insights::lock(txn, id).await?.map_or(seen.slug, |insight| insight.slug);
    done.insight = Some((id, slug));
    Ok(ApplyResult::Done(done))
}

/// Appends a revision.
async fn write(
    txn: &Transaction,
    by: &Principal,
    id: Uuid,
    mut text: RenderedDraft,
    done: &mut AppliedItem,
    now: Timestamp,
) -> Result<(), EditorialError> {
    let insight = store::insights::lock(txn, id).await?.ok_or(EditorialError::NotFound)?;
    let old = store::revisions::find(txn, id, insight.head_revision).await?.and_then(|revision| Slug::parse(&revision.slug));
    text.draft.slug = text.draft.slug.or_else(|| old.clone());
    let resolved = revision::resolve(txn, text).await?;
    let wrote = Authorship { by: by.clone(), restored_from: None };
    let slug = append(txn, insight, (old, resolved), &wrote, now).await?;
    done.changes.push(draft_change(ChangeKind::Revised, id, &slug));
    Ok(())
}

/// The faults of a newer text are in the line's member of that name.
fn in_draft(error: EditorialError) -> EditorialError {
    match error {
        EditorialError::Invalid(errors) => EditorialError::Invalid(
            errors.into_iter().map(|error| FieldError { pointer: format!("/draft{}", error.pointer), ..error }).collect(),
        ),
        other => other,
    }
}

/// Brings what the public sees to what the line says, then writes the newer text, then the slugs that lead here.
async fn settle(
    txn: &Transaction,
    by: &Principal,
    (id, line, newer): (Uuid, &InsightLine, Option<RenderedDraft>),
    done: &mut AppliedItem,
    now: Timestamp,
) -> Result<(), EditorialError> {
    let insight = store::insights::lock(txn, id).await?.ok_or(EditorialError::NotFound)?;
    let wrote_text = done.changes.iter().any(|change| change.resource_id == Some(id));
    let moved = match line.wanted {
        WantedState::Unchanged => None,
        WantedState::Draft if insight.live_revision.is_none() => None,
        WantedState::Draft => unpublish_in(txn, &insight, now).await?,
        WantedState::Published => {
            let number = if wrote_text { insight.head_revision } else { insight.live_revision.unwrap_or(insight.head_revision) };
            let visible = matches!(Status::from_pointers(&pointers(&insight), now), Status::Published);
            let kept = insight.published_at.filter(|_| visible || line.published_at.is_none());
            let unpublish_at = line.unpublish_at.map(|at| at.0);
            // What is over and does not say when it began, began before that.
            let begun = unpublish_at.filter(|end| *end <= now.0).map_or(now.0, |end| end - 1_000);
            let published_at = line.published_at.map(|at| at.0).or(kept).unwrap_or(begun);
            if unpublish_at.is_some_and(|end| end <= published_at) {
                return Err(EditorialError::field("/unpublish_at", "unpublish-before-publish", "must be later than the publication"));
            }
            publish_in(txn, &insight, number, (published_at, unpublish_at), now).await?
        }
    };
    if let Some(change) = moved {
        if !by.has(Scope::InsightsPublish) {
            return Err(NEEDS_PUBLISH);
        }
        done.changes.push(change);
    }
    if let Some(newer) = newer {
        write(txn, by, id, newer, done, now).await.map_err(in_draft)?;
    }
    lead_here(txn, by, (id, &line.aliases), done, now).await
}

/// Lets old slugs lead to the insight, unless another one is public under them.
async fn lead_here(
    txn: &Transaction,
    by: &Principal,
    (id, aliases): (Uuid, &[Slug]),
    done: &mut AppliedItem,
    now: Timestamp,
) -> Result<(), EditorialError> {
    let Some(insight) = store::insights::lock(txn, id).await?.filter(|_| !aliases.is_empty()) else { return Ok(()) };
    let mut new = false;
    for alias in aliases.iter().filter(|alias| alias.as_str() != insight.slug) {
        let holder = store::insights::find(txn, &InsightName::Slug(alias.to_string())).await?.filter(|holder| holder.id != id);
        let is_public = |holder: insight::Model| {
            holder.slug == alias.as_str() && holder.live_revision.is_some() && holder.deleted_at.is_none() && holder.position_at <= now.0
        };
        if holder.is_some_and(is_public) {
            done.notes.push(note("alias-taken", format!("another insight is published as \"{alias}\": the old slug does not lead here")));
        } else if !by.has(Scope::InsightsPublish) {
            done.notes.push(note("alias-refused", format!("that the old slug \"{alias}\" leads here needs the scope insights:publish")));
        } else {
            // What another only drafts to have stays its own; the public is led here until then.
            store::slugs::claim_available(txn, alias, id, now).await?;
            match store::slugs::set_redirect(txn, alias.as_str(), id).await? {
                RedirectOutcome::Set => new = true,
                RedirectOutcome::Unchanged => {}
                RedirectOutcome::Taken => {
                    done.notes.push(note("alias-taken", format!("the old slug \"{alias}\" leads to another insight, and goes on to")));
                }
            }
        }
    }
    if new && done.changes.is_empty() {
        let lists = store::insights::list_tags(txn, id).await?;
        done.changes.push(lifecycle::change(ChangeKind::Updated, &insight, lifecycle::was_seen(&insight, now), lists));
    }
    Ok(())
}

/// Makes the category, tags and authors that the line names and explains, and that do not exist.
async fn make_terms(
    txn: &Transaction,
    by: &Principal,
    line: &InsightLine,
    done: &mut AppliedItem,
    now: Timestamp,
) -> Result<(), EditorialError> {
    for (kind, draft) in &line.terms {
        let slug = draft.slug_or_derived();
        if !store::terms::find_ids(txn, *kind, std::slice::from_ref(&slug)).await?.is_empty() {
            continue;
        }
        if !by.has(Scope::InsightsPublish) {
            return Err(NEEDS_PUBLISH);
        }
        let (_, change) = terms::put_in(txn, *kind, &slug, draft.clone(), now).await?;
        done.changes.extend(change);
    }
    Ok(())
}
