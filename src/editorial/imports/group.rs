//! New insights of a batch written together: the same rows as one by one, in a few statements. What is not plain (a newer draft, old slugs, a schedule,
//! a slug that somebody has, a term that does not exist) is left to be done by itself.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::apply::AppliedItem;
use super::plan::NewInsight;
use crate::domain::authority::{Principal, Scope};
use crate::domain::change::{ChangeKind, NewChange};
use crate::domain::clock::{Timestamp, new_id};
use crate::domain::import_line::WantedState;
use crate::domain::import_state::ImportItemState;
use crate::domain::slug::Slug;
use crate::domain::term::{TermDraft, TermKind};
use crate::editorial::error::EditorialError;
use crate::editorial::insights::{draft_change, new_row};
use crate::editorial::revision::{self, Authorship, ResolvedDraft};
use crate::editorial::{lifecycle, terms};
use crate::store::rows::insight;
use crate::store::{self, Transaction};

/// What was written together: by the place in the batch; and what was made on the way.
#[derive(Default)]
pub(super) struct WrittenGroup {
    pub done: HashMap<usize, AppliedItem>,
    pub made: Vec<NewChange>,
}

type TermIds = HashMap<(&'static str, String), Uuid>;

/// Writes the plain ones of some new insights.
///
/// # Errors
/// The database's; the caller undoes what was written, and does them one by one.
pub(super) async fn create(
    txn: &Transaction,
    by: &Principal,
    creations: &[(usize, &NewInsight)],
    now: Timestamp,
) -> Result<WrittenGroup, EditorialError> {
    let mut slugs = HashSet::new();
    let plain: Vec<&(usize, &NewInsight)> = creations.iter().filter(|(_, creation)| is_plain(creation, by, now)).collect();
    let known =
        store::slugs::find_taken(txn, &plain.iter().filter_map(|(_, c)| c.line.text.slug.as_ref()).map(Slug::as_str).collect::<Vec<_>>())
            .await?;
    let given: Vec<Uuid> = plain.iter().filter_map(|(_, creation)| creation.line.id).collect();
    let there = store::insights::find_existing(txn, &given).await?;
    let (ids, made) = term_ids(txn, by, &plain, now).await?;
    let mut written = WrittenGroup { made, ..WrittenGroup::default() };
    let (mut rows, mut revisions, mut linked) = (Vec::new(), Vec::new(), Vec::new());
    let wrote = Authorship { by: by.clone(), restored_from: None };
    for (place, creation) in plain {
        let Some(slug) = creation.line.text.slug.clone().filter(|slug| !known.contains(slug.as_str()) && slugs.insert(slug.clone())) else {
            continue;
        };
        let id = creation.line.id.unwrap_or_else(|| new_id(now));
        if there.contains(&id) {
            continue;
        }
        let Some((resolved, terms)) = resolve(creation, &ids) else { continue };
        let mut row = new_row(id, &slug, &resolved, by.user_id, now);
        let mut changes = vec![draft_change(ChangeKind::Created, id, &slug)];
        if creation.line.wanted == WantedState::Published {
            publish(&mut row, creation.line.published_at.unwrap_or(now), now);
            let text = &creation.line.text;
            let of_kind = |kind: TermKind| text.terms(kind).iter().map(move |slug| kind.list_tag(slug.as_str()));
            let lists = TermKind::ALL.into_iter().flat_map(of_kind).collect();
            changes.push(lifecycle::change(ChangeKind::Published, &row, true, lists));
        }
        revisions.push(revision::rows(resolved, (id, 1, &slug), &wrote, now));
        let done = AppliedItem { state: ImportItemState::Created, insight: Some((id, slug.into_string())), notes: Vec::new(), changes };
        written.done.insert(*place, done);
        rows.push(row);
        linked.push(terms);
    }
    if !rows.is_empty() {
        let live: Vec<Uuid> = rows.iter().filter(|row| row.live_revision.is_some()).map(|row| row.id).collect();
        store::insights::insert_all(txn, rows, &linked, now).await?;
        store::revisions::append_all(txn, revisions).await?;
        store::summaries::write(txn, &live).await?;
    }
    Ok(written)
}

/// Whether nothing of it needs a look of its own.
fn is_plain(creation: &NewInsight, by: &Principal, now: Timestamp) -> bool {
    let line = &creation.line;
    let published = line.wanted == WantedState::Published;
    creation.newer.is_none()
        && line.aliases.is_empty()
        && line.unpublish_at.is_none()
        && line.published_at.is_none_or(|at| at <= now)
        && (!published || by.has(Scope::InsightsPublish))
}

/// The ids of all terms that are named; those that are explained and missing are made, by whoever may.
async fn term_ids(
    txn: &Transaction,
    by: &Principal,
    plain: &[&(usize, &NewInsight)],
    now: Timestamp,
) -> Result<(TermIds, Vec<NewChange>), EditorialError> {
    let (mut ids, mut made) = (TermIds::new(), Vec::new());
    for kind in TermKind::ALL {
        let mut slugs: Vec<Slug> = Vec::new();
        let mut explained: HashMap<String, &TermDraft> = HashMap::new();
        for (_, creation) in plain {
            slugs.extend_from_slice(creation.line.text.terms(kind));
            for (_, draft) in creation.line.terms.iter().filter(|(explains, _)| *explains == kind) {
                let slug = draft.slug_or_derived();
                explained.entry(slug.to_string()).or_insert(draft);
                slugs.push(slug);
            }
        }
        slugs.sort();
        slugs.dedup();
        let found = store::terms::find_ids(txn, kind, &slugs).await?;
        let missing = slugs.iter().filter(|slug| !found.iter().any(|(name, _)| name == slug.as_str()));
        let mut new = Vec::new();
        for slug in missing.filter(|_| by.has(Scope::InsightsPublish)) {
            if let Some(draft) = explained.get(slug.as_str()) {
                let (_, change) = terms::put_in(txn, kind, slug, (*draft).clone(), now).await?;
                made.extend(change);
                new.push(slug.clone());
            }
        }
        let new = store::terms::find_ids(txn, kind, &new).await?;
        ids.extend(found.into_iter().chain(new).map(|(slug, id)| ((kind.plural(), slug), id)));
    }
    Ok((ids, made))
}

/// The text with the ids of its terms; nothing when one does not exist, or may not be made.
fn resolve(creation: &NewInsight, ids: &TermIds) -> Option<(ResolvedDraft, [Vec<Uuid>; 2])> {
    let id = |kind: TermKind, slug: &Slug| ids.get(&(kind.plural(), slug.to_string())).copied();
    let text = &creation.line.text;
    let category = id(TermKind::Category, &text.category)?;
    let tags: Vec<Uuid> = text.tags.iter().map(|slug| id(TermKind::Tag, slug)).collect::<Option<_>>()?;
    let authors: Vec<Uuid> = text.authors.iter().map(|slug| id(TermKind::Author, slug)).collect::<Option<_>>()?;
    // What is explained and could not be made is a fault that is told one by one.
    let all_made = creation.line.terms.iter().all(|(kind, draft)| {
        let slug = draft.slug_or_derived();
        id(*kind, &slug).is_some()
    });
    let links = [tags.clone(), authors.clone()];
    all_made.then(|| (revision::resolved(creation.text.clone(), category, tags, authors), links))
}

/// The pointers as a publication leaves them.
fn publish(row: &mut insight::Model, at: Timestamp, now: Timestamp) {
    row.live_revision = Some(1);
    row.published_at = Some(at.0);
    row.position_at = at.0;
    row.pointer_version += 1;
    row.updated_at = now.0;
    row.live_updated_at = now.0;
}
