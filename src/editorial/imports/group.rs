//! Writes the simple new insights of a batch together: the same rows as one by one, in a few statements.
//!
//! What is not simple (a newer draft, aliases, a schedule, a slug in use, a missing term) is left out, and applied by itself.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::apply::AppliedItem;
use super::plan::NewInsight;
use crate::domain::authority::{Principal, Scope};
use crate::domain::change::{ChangeKind, NewChange};
use crate::domain::clock::{Timestamp, new_id};
use crate::domain::import_line::WantedState;
use crate::domain::import_state::ImportItemState;
use crate::domain::publication_times::PublicationTimes;
use crate::domain::slug::Slug;
use crate::domain::term::{TermDraft, TermKind};
use crate::editorial::error::EditorialError;
use crate::editorial::insights::{draft_change, new_row};
use crate::editorial::lifecycle::PublicationPeriod;
use crate::editorial::revision::{self, Authorship, ResolvedDraft};
use crate::editorial::{lifecycle, terms};
use crate::store::rows::insight;
use crate::store::{self, Transaction};

/// The insights that were written, by their index in the batch, and the changes of the terms that were created for them.
#[derive(Default)]
pub(super) struct WrittenGroup {
    pub items: HashMap<usize, AppliedItem>,
    pub changes: Vec<NewChange>,
}

type TermIds = HashMap<(&'static str, String), Uuid>;

/// Writes the simple ones of some new insights.
///
/// # Errors
/// The database's. The caller rolls back and applies the items one by one.
pub(super) async fn create_insights(
    txn: &Transaction,
    principal: &Principal,
    creations: &[(usize, &NewInsight)],
    now: Timestamp,
) -> Result<WrittenGroup, EditorialError> {
    let simple: Vec<&(usize, &NewInsight)> = creations.iter().filter(|(_, creation)| is_simple(creation, principal, now)).collect();
    let wanted_slugs: Vec<&str> = simple.iter().filter_map(|(_, creation)| creation.line.text.slug.as_ref()).map(Slug::as_str).collect();
    let used_slugs = store::slugs::find_taken(txn, &wanted_slugs).await?;
    let wanted_ids: Vec<Uuid> = simple.iter().filter_map(|(_, creation)| creation.line.id).collect();
    let used_ids = store::insights::find_existing(txn, &wanted_ids).await?;
    let (ids, changes) = ensure_terms(txn, principal, &simple, now).await?;
    let mut written = WrittenGroup { changes, ..WrittenGroup::default() };
    let (mut rows, mut revisions, mut links) = (Vec::new(), Vec::new(), Vec::new());
    let mut slugs = HashSet::new();
    let authorship = Authorship { principal: principal.clone(), restored_from: None };
    for (index, creation) in simple {
        let slug = creation.line.text.slug.clone();
        let Some(slug) = slug.filter(|slug| !used_slugs.contains(slug.as_str()) && slugs.insert(slug.clone())) else {
            continue;
        };
        let id = creation.line.id.unwrap_or_else(|| new_id(now));
        if used_ids.contains(&id) {
            continue;
        }
        let Some((resolved, terms)) = resolve_terms(creation, &ids) else { continue };
        let mut row = new_row(id, &slug, &resolved, principal.user_id, now);
        let mut changes = vec![draft_change(ChangeKind::Created, id, &slug)];
        if creation.line.wanted == WantedState::Published {
            let period = PublicationPeriod::new(&row.times(), creation.line.times, now)?;
            set_published(&mut row, period, now);
            let text = &creation.line.text;
            let tags_of = |kind: TermKind| text.terms(kind).iter().map(move |slug| kind.list_tag(slug.as_str()));
            let list_tags = TermKind::ALL.into_iter().flat_map(tags_of).collect();
            changes.push(lifecycle::insight_change(ChangeKind::Published, &row, true, list_tags));
        }
        revisions.push(revision::to_rows(resolved, (id, 1, &slug), &authorship, now));
        let applied = AppliedItem { state: ImportItemState::Created, insight: Some((id, slug.into_string())), notes: Vec::new(), changes };
        written.items.insert(*index, applied);
        rows.push(row);
        links.push(terms);
    }
    if !rows.is_empty() {
        let live: Vec<Uuid> = rows.iter().filter(|row| row.live_revision.is_some()).map(|row| row.id).collect();
        store::insights::insert_all(txn, rows, &links, now).await?;
        store::revisions::append_all(txn, revisions).await?;
        store::summaries::write(txn, &live).await?;
    }
    Ok(written)
}

/// Whether it can be written without a check of its own.
fn is_simple(creation: &NewInsight, principal: &Principal, now: Timestamp) -> bool {
    let line = &creation.line;
    let published = line.wanted == WantedState::Published;
    creation.newer.is_none()
        && line.aliases.is_empty()
        && line.times.unpublish_at.is_none()
        && if published {
            let period = PublicationPeriod::new(&PublicationTimes::default(), line.times, now);
            principal.has(Scope::InsightsPublish) && period.is_ok_and(|period| period.has_begun(now))
        } else {
            line.times == PublicationTimes { published_at: line.times.published_at, ..PublicationTimes::default() }
        }
}

/// The ids of all terms that the lines name. Missing terms that a line describes are created, if the principal may publish.
async fn ensure_terms(
    txn: &Transaction,
    principal: &Principal,
    simple: &[&(usize, &NewInsight)],
    now: Timestamp,
) -> Result<(TermIds, Vec<NewChange>), EditorialError> {
    let (mut ids, mut changes) = (TermIds::new(), Vec::new());
    for kind in TermKind::ALL {
        let mut slugs: Vec<Slug> = Vec::new();
        let mut described: HashMap<String, &TermDraft> = HashMap::new();
        for (_, creation) in simple {
            slugs.extend_from_slice(creation.line.text.terms(kind));
            for (_, draft) in creation.line.terms.iter().filter(|(other, _)| *other == kind) {
                let slug = draft.slug_or_derived();
                described.entry(slug.to_string()).or_insert(draft);
                slugs.push(slug);
            }
        }
        slugs.sort();
        slugs.dedup();
        let found = store::terms::find_ids(txn, kind, &slugs).await?;
        let missing = slugs.iter().filter(|slug| !found.iter().any(|(name, _)| name == slug.as_str()));
        let mut created = Vec::new();
        for slug in missing.filter(|_| principal.has(Scope::InsightsPublish)) {
            if let Some(draft) = described.get(slug.as_str()) {
                let (_, change) = terms::insert_in(txn, kind, slug, (*draft).clone(), now).await?;
                changes.extend(change);
                created.push(slug.clone());
            }
        }
        let created = store::terms::find_ids(txn, kind, &created).await?;
        ids.extend(found.into_iter().chain(created).map(|(slug, id)| ((kind.plural(), slug), id)));
    }
    Ok((ids, changes))
}

/// The text with the ids of its terms; `None` when one does not exist and was not created.
fn resolve_terms(creation: &NewInsight, ids: &TermIds) -> Option<(ResolvedDraft, [Vec<Uuid>; 2])> {
    let id = |kind: TermKind, slug: &Slug| ids.get(&(kind.plural(), slug.to_string())).copied();
    let text = &creation.line.text;
    let category = id(TermKind::Category, &text.category)?;
    let tags: Vec<Uuid> = text.tags.iter().map(|slug| id(TermKind::Tag, slug)).collect::<Option<_>>()?;
    let authors: Vec<Uuid> = text.authors.iter().map(|slug| id(TermKind::Author, slug)).collect::<Option<_>>()?;
    // A described term that could not be created is a fault, which the item reports when it is applied by itself.
    let all_exist = creation.line.terms.iter().all(|(kind, draft)| {
        let slug = draft.slug_or_derived();
        id(*kind, &slug).is_some()
    });
    let links = [tags.clone(), authors.clone()];
    all_exist.then(|| (revision::with_term_ids(creation.text.clone(), category, tags, authors), links))
}

/// Sets the pointers as a publication does.
fn set_published(row: &mut insight::Model, period: PublicationPeriod, now: Timestamp) {
    period.set_live(row, 1);
    row.pointer_version += 1;
    row.updated_at = now.0;
    row.live_updated_at = now.0;
}
