//! Writes drafts: creates insights and appends revisions. Nothing here changes what the public sees.
//!
//! Texts are rendered before the transaction begins; if another writer commits in between, everything is checked again.

use uuid::Uuid;

use super::error::{ChangedBy, EditorialError, Stale};
use super::offload;
use super::pending::PendingWrite;
use super::revision::{self, Authorship, ResolvedDraft};
use crate::domain::authority::{Editor, Origin, Principal};
use crate::domain::change::{ChangeKind, NewChange, Resource};
use crate::domain::clock::{Timestamp, new_id};
use crate::domain::draft::Draft;
use crate::domain::etag::{Expected, insight_state};
use crate::domain::merge::merge;
use crate::domain::slug::Slug;
use crate::domain::status::{Pointers, Status};
use crate::domain::term::TermKind;
use crate::store::drafts::SourcedDraft;
use crate::store::rows::insight;
use crate::store::{self, Store, Transaction};

/// How often to start over when other writers commit in between.
const MAX_ATTEMPTS: usize = 200;
/// How many later revisions a 412 lists.
const MAX_LISTED_CHANGES: i64 = 20;

/// Creates a draft. An explicit slug is claimed exactly or refused; a derived one gets the next free number.
///
/// # Errors
/// When the input names what does not exist, or the slug is taken.
pub async fn create(store: &Store, editor: &Editor, draft: Draft, now: Timestamp) -> Result<PendingWrite<Uuid>, EditorialError> {
    let rendered = revision::render(store, draft, revision::source_locale(store.reader()).await?).await?;
    let id = new_id(now);
    let txn = store.begin().await?;
    let resolved = revision::resolve_terms(&txn, rendered).await?;
    let slug = match resolved.draft().slug.clone() {
        Some(slug) => claim_slug(&txn, slug, id, now).await?,
        None => store::slugs::claim_derived(&txn, &Slug::derive(&resolved.draft().text.title), id, now).await?,
    };
    store::insights::insert(&txn, new_row(id, &slug, &resolved, editor.principal().user_id, now)).await?;
    revision::insert(&txn, resolved, (id, 1, &slug), &Authorship::from_editor(editor), now).await?;
    Ok(PendingWrite::logged(txn, editor.principal(), draft_change(ChangeKind::Created, id, &slug), id))
}

/// Appends a revision with `edit` applied to the newest one; changes nothing when the result is equal. A slug that it leaves out stays.
///
/// # Errors
/// When the insight is unknown, the caller's state is stale, or the input breaks a rule.
pub async fn revise(
    store: &Store,
    editor: &Editor,
    id: Uuid,
    expected: &Expected,
    edit: impl Fn(&Draft) -> Result<Draft, EditorialError> + Sync,
    now: Timestamp,
) -> Result<PendingWrite<Uuid>, EditorialError> {
    append_edited(store, &Authorship::from_editor(editor), id, expected, edit, now).await
}

/// Appends an earlier revision again, as the newest. Later revisions stay in the history.
///
/// # Errors
/// As [`revise`], and when there is no such revision.
pub async fn restore_revision(
    store: &Store,
    editor: &Editor,
    (id, number): (Uuid, i64),
    expected: &Expected,
    now: Timestamp,
) -> Result<PendingWrite<Uuid>, EditorialError> {
    let earlier = store::drafts::find(store.reader(), id, number).await?.ok_or(EditorialError::NotFound)?;
    let earlier = without_stale_references(store, id, earlier).await?;
    let principal = Principal { origin: Origin::Restore, ..editor.principal().clone() };
    let authorship = Authorship { principal, restored_from: Some(number) };
    append_edited(store, &authorship, id, expected, |_| Ok(earlier.clone()), now).await
}

/// An old draft without tags and authors that have been deleted since. A deleted category, and a slug that another
/// insight has now, are replaced by the current ones.
async fn without_stale_references(store: &Store, id: Uuid, mut draft: Draft) -> Result<Draft, EditorialError> {
    let db = store.reader();
    for (kind, slugs) in [(TermKind::Tag, &mut draft.tags), (TermKind::Author, &mut draft.authors)] {
        let existing = store::terms::find_described(db, kind, &slugs.iter().collect::<Vec<_>>()).await?;
        slugs.retain(|slug| existing.iter().any(|term| term.slug == slug.as_str()));
    }
    if store::terms::find_described(db, TermKind::Category, &[&draft.category]).await?.is_empty()
        && let Some(insight) = store::insights::find(db, &store::insights::InsightName::Id(id)).await?
        && let Some(head) = store::drafts::find(db, id, insight.head_revision).await?
    {
        draft.category = head.category;
    }
    if let Some(slug) = &draft.slug
        && find_by_current_slug(db, slug).await?.is_some_and(|other| other.id != id)
    {
        draft.slug = None;
    }
    Ok(draft)
}

/// The insight whose current slug this is, live or in its newest revision; not one that had it before.
pub(super) async fn find_by_current_slug(db: &impl store::Connection, slug: &Slug) -> Result<Option<insight::Model>, EditorialError> {
    let Some(found) = store::insights::find(db, &store::insights::InsightName::Slug(slug.to_string())).await? else { return Ok(None) };
    let head = store::revisions::find(db, found.id, found.head_revision).await?;
    let is_current = found.slug == slug.as_str() || head.is_some_and(|head| head.slug == slug.as_str());
    Ok(Some(found).filter(|_| is_current))
}

async fn append_edited(
    store: &Store,
    authorship: &Authorship,
    id: Uuid,
    expected: &Expected,
    edit: impl Fn(&Draft) -> Result<Draft, EditorialError> + Sync,
    now: Timestamp,
) -> Result<PendingWrite<Uuid>, EditorialError> {
    for _ in 0..MAX_ATTEMPTS {
        let current = store::insights::find(store.reader(), &store::insights::InsightName::Id(id)).await?;
        let current = current.filter(|insight| insight.deleted_at.is_none()).ok_or(EditorialError::NotFound)?;
        check_own(&current, &authorship.principal, now)?;
        check_state(store, store.reader(), &current, expected, Some(&edit)).await?;
        let head = store::drafts::find_with_locale(store.reader(), id, current.head_revision).await?;
        let SourcedDraft { source_locale, draft: old } = head.ok_or(EditorialError::NotFound)?;
        let mut wanted = edit(&old)?;
        wanted.slug = wanted.slug.or_else(|| old.slug.clone());
        if wanted == old {
            return Ok(PendingWrite::unchanged(store.begin().await?, &authorship.principal, id));
        }
        let rendered = revision::render(store, wanted, source_locale).await?;
        let txn = store.begin().await?;
        let insight = store::insights::lock(&txn, id).await?.ok_or(EditorialError::NotFound)?;
        if insight == current {
            let resolved = revision::resolve_terms(&txn, rendered).await?;
            let slug = append_revision(&txn, insight, (old.slug, resolved), authorship, now).await?;
            return Ok(PendingWrite::logged(txn, &authorship.principal, draft_change(ChangeKind::Revised, id, &slug), id));
        }
    }
    Err(EditorialError::Busy)
}

/// Appends a revision and claims its slug; returns the slug.
pub(super) async fn append_revision(
    txn: &Transaction,
    mut insight: insight::Model,
    (old_slug, resolved): (Option<Slug>, ResolvedDraft),
    authorship: &Authorship,
    now: Timestamp,
) -> Result<Slug, EditorialError> {
    let slug = resolved.draft().slug.clone().unwrap_or_default();
    let slug = claim_slug(txn, slug, insight.id, now).await?;
    // The slug of the live revision stays claimed. One that was only drafted is released to the insight that redirects from it.
    let is_drafted_only = |old: &Slug| insight.live_revision.is_none() || old.as_str() != insight.slug;
    if let Some(old) = old_slug.filter(|old| *old != slug && is_drafted_only(old)) {
        store::slugs::release(txn, insight.id, Some(old.as_str())).await?;
    }
    insight.head_revision += 1;
    insight.updated_at = now.0;
    if insight.live_revision.is_none() {
        set_listing_columns(&mut insight, &slug, &resolved);
    }
    let number = insight.head_revision;
    revision::insert(txn, resolved, (insight.id, number, &slug), authorship, now).await?;
    store::insights::save(txn, &insight).await?;
    Ok(slug)
}

/// Claims a slug for an insight, or fails with suggestions of free ones.
pub(super) async fn claim_slug(txn: &Transaction, slug: Slug, id: Uuid, now: Timestamp) -> Result<Slug, EditorialError> {
    if store::slugs::claim(txn, &slug, id, now).await? {
        return Ok(slug);
    }
    let suggestions = store::slugs::suggest(txn, &slug).await?;
    Err(EditorialError::SlugTaken { slug: slug.into_string(), suggestions })
}

/// Checks that the principal may change the insight: an author may change only what the author created. Another one's
/// draft does not exist for an author.
///
/// # Errors
/// When the insight belongs to another author.
pub fn check_own(insight: &insight::Model, principal: &Principal, now: Timestamp) -> Result<(), EditorialError> {
    match principal.limited_to_own() {
        Some(user) if insight.created_by != Some(user) => match Status::from_pointers(&pointers(insight), now) {
            Status::Published => Err(EditorialError::Forbidden("authors may change only insights that they created")),
            _ => Err(EditorialError::NotFound),
        },
        _ => Ok(()),
    }
}

/// An edit of a draft.
pub(super) type InsightChange<'m> = dyn Fn(&Draft) -> Result<Draft, EditorialError> + Sync + 'm;

/// Checks the caller's precondition. The error lists what has changed since and by whom, and merges the caller's edit
/// of the text it knew with the current text.
pub(super) async fn check_state(
    store: &Store,
    db: &impl store::Connection,
    insight: &insight::Model,
    expected: &Expected,
    edit: Option<&InsightChange<'_>>,
) -> Result<(), EditorialError> {
    let state = insight_state(insight.id, insight.head_revision, insight.pointer_version);
    if expected.allows(&state) {
        return Ok(());
    }
    let mut conflict = Stale::new(state);
    if let Some(base) = expected.revision().filter(|base| (1..=insight.head_revision).contains(base)) {
        let base_draft = store::drafts::find(db, insight.id, base).await?;
        let head_draft = store::drafts::find(db, insight.id, insight.head_revision).await?;
        if let (Some(base_draft), Some(head_draft)) = (base_draft, head_draft) {
            conflict.changed_fields = base_draft.changed_fields(&head_draft).into_iter().map(str::to_owned).collect();
            if let Some(Ok(mut yours)) = edit.map(|edit| edit(&base_draft)) {
                yours.slug = yours.slug.or_else(|| base_draft.slug.clone());
                conflict.merge = Some(offload::render(store, move || merge(&base_draft, &yours, &head_draft)).await?);
            }
        }
        let revised = store::revisions::list_after(db, insight.id, base, MAX_LISTED_CHANGES).await?;
        conflict.changed_by = revised.into_iter().map(ChangedBy::from_revision).collect();
        // Publications have a counter of their own.
        let times = insight.pointer_version - expected.pointer_version().unwrap_or(insight.pointer_version);
        if times > 0 {
            conflict.changed_fields.push("status".to_owned());
            let publications = store::audit::list_moves(db, insight.id, times.min(MAX_LISTED_CHANGES)).await?;
            conflict.changed_by.extend(publications.into_iter().map(ChangedBy::from_audit_entry));
            conflict.changed_by.sort_by_key(|change| change.at);
        }
    }
    Err(EditorialError::Stale(Box::new(conflict)))
}

/// What the status of an insight follows from.
pub(super) fn pointers(insight: &insight::Model) -> Pointers {
    Pointers { live_revision: insight.live_revision, times: insight.times(), deleted_at: insight.deleted_at.map(Timestamp) }
}

/// Sets what lists show and filter by.
fn set_listing_columns(insight: &mut insight::Model, slug: &Slug, resolved: &ResolvedDraft) {
    insight.slug = slug.to_string();
    insight.category_id = resolved.listing.category_id;
    insight.sort_title.clone_from(&resolved.listing.sort_title);
    insight.reading_minutes = resolved.listing.reading_minutes;
}

/// The row of an insight with its first revision.
pub(super) fn new_row(id: Uuid, slug: &Slug, resolved: &ResolvedDraft, created_by: Option<Uuid>, now: Timestamp) -> insight::Model {
    let mut insight = insight::Model::new(insight::Facts {
        id,
        slug: String::new(),
        head_revision: 1,
        live_revision: None,
        pointer_version: 1,
        deleted_at: None,
        position_at: now.0,
        category_id: Uuid::nil(),
        sort_title: String::new(),
        reading_minutes: 1,
        created_by,
        created_at: now.0,
        updated_at: now.0,
        live_updated_at: now.0,
    });
    set_listing_columns(&mut insight, slug, resolved);
    insight
}

/// The change of a draft: it is in the log, but not public.
pub(super) fn draft_change(kind: ChangeKind, id: Uuid, slug: &Slug) -> NewChange {
    NewChange {
        kind,
        resource: Resource::Insight,
        resource_id: Some(id),
        slug: Some(slug.to_string()),
        public: false,
        cache_tags: Vec::new(),
    }
}
