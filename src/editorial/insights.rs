//! Writing drafts: creating an insight and appending revisions to it. Nothing here changes what the public sees.

use uuid::Uuid;

use super::error::{ChangedBy, EditorialError, Stale};
use super::offload::RENDERING;
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

const TRIES: usize = 200;
/// How many of the revisions since are named to a caller who is late.
const MOST_CHANGES: i64 = 20;

/// A new draft. A slug that is given is taken exactly or refused; a derived one takes the next free number.
///
/// # Errors
/// When the input names what does not exist, or the slug is taken.
pub async fn create(store: &Store, editor: &Editor, draft: Draft, now: Timestamp) -> Result<PendingWrite<Uuid>, EditorialError> {
    let prepared = revision::prepare(draft, revision::source_locale(store.reader()).await?).await?;
    let id = new_id(now);
    let txn = store.begin().await?;
    let resolved = revision::resolve(&txn, prepared).await?;
    let slug = match resolved.draft().slug.clone() {
        Some(slug) => claim(&txn, slug, id, now).await?,
        None => store::slugs::claim_derived(&txn, &Slug::derive(&resolved.draft().text.title), id, now).await?,
    };
    store::insights::insert(&txn, new_row(id, &slug, &resolved, editor.principal().user_id, now)).await?;
    revision::append(&txn, resolved, (id, 1, &slug), &Authorship::by(editor), now).await?;
    Ok(PendingWrite::content(txn, editor.principal(), draft_change(ChangeKind::Created, id, &slug), id))
}

/// Appends what `make` makes of the newest revision; nothing when that is the same. A slug it leaves out stays as it is.
///
/// The texts are rendered before the transaction begins. Should another writer get between, everything is looked at again.
///
/// # Errors
/// When the insight is unknown, the caller's state is stale, or the input breaks a rule.
pub async fn revise(
    store: &Store,
    editor: &Editor,
    id: Uuid,
    expected: &Expected,
    make: impl Fn(&Draft) -> Result<Draft, EditorialError> + Sync,
    now: Timestamp,
) -> Result<PendingWrite<Uuid>, EditorialError> {
    revise_as(store, &Authorship::by(editor), id, expected, make, now).await
}

/// Writes an earlier revision once more, as the newest. Nothing of what was written since is lost: it stays in the history.
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
    let earlier = still_there(store, id, earlier).await?;
    let principal = Principal { origin: Origin::Restore, ..editor.principal().clone() };
    let wrote = Authorship { by: principal, restored_from: Some(number) };
    revise_as(store, &wrote, id, expected, |_| Ok(earlier.clone()), now).await
}

/// A draft of long ago without what is gone: tags and authors that were deleted, a slug that is another's by now. In place of a category that was
/// deleted, and of the slug, the present one stays.
async fn still_there(store: &Store, id: Uuid, mut draft: Draft) -> Result<Draft, EditorialError> {
    let db = store.reader();
    for (kind, slugs) in [(TermKind::Tag, &mut draft.tags), (TermKind::Author, &mut draft.authors)] {
        let known = store::terms::find_described(db, kind, &slugs.iter().collect::<Vec<_>>()).await?;
        slugs.retain(|slug| known.iter().any(|term| term.slug == slug.as_str()));
    }
    if store::terms::find_described(db, TermKind::Category, &[&draft.category]).await?.is_empty()
        && let Some(insight) = store::insights::find(db, &store::insights::InsightName::Id(id)).await?
        && let Some(head) = store::drafts::find(db, id, insight.head_revision).await?
    {
        draft.category = head.category;
    }
    if let Some(slug) = &draft.slug
        && named(db, slug).await?.is_some_and(|other| other.id != id)
    {
        draft.slug = None;
    }
    Ok(draft)
}

/// The insight that has a slug now, in public or in its newest revision. One that only had it before is another one.
pub(super) async fn named(db: &impl store::Connection, slug: &Slug) -> Result<Option<insight::Model>, EditorialError> {
    let Some(found) = store::insights::find(db, &store::insights::InsightName::Slug(slug.to_string())).await? else { return Ok(None) };
    let head = store::revisions::find(db, found.id, found.head_revision).await?;
    let is_its_own = found.slug == slug.as_str() || head.is_some_and(|head| head.slug == slug.as_str());
    Ok(Some(found).filter(|_| is_its_own))
}

async fn revise_as(
    store: &Store,
    wrote: &Authorship,
    id: Uuid,
    expected: &Expected,
    make: impl Fn(&Draft) -> Result<Draft, EditorialError> + Sync,
    now: Timestamp,
) -> Result<PendingWrite<Uuid>, EditorialError> {
    for _ in 0..TRIES {
        let seen = store::insights::find(store.reader(), &store::insights::InsightName::Id(id)).await?;
        let seen = seen.filter(|insight| insight.deleted_at.is_none()).ok_or(EditorialError::NotFound)?;
        check_own(&seen, &wrote.by, now)?;
        check_state(store.reader(), &seen, expected, Some(&make)).await?;
        let head = store::drafts::find_with_locale(store.reader(), id, seen.head_revision).await?;
        let SourcedDraft { source_locale, draft: old } = head.ok_or(EditorialError::NotFound)?;
        let mut wanted = make(&old)?;
        wanted.slug = wanted.slug.or_else(|| old.slug.clone());
        if wanted == old {
            return Ok(PendingWrite::nothing(store.begin().await?, &wrote.by, id));
        }
        let prepared = revision::prepare(wanted, source_locale).await?;
        let txn = store.begin().await?;
        let insight = store::insights::lock(&txn, id).await?.ok_or(EditorialError::NotFound)?;
        if insight == seen {
            let resolved = revision::resolve(&txn, prepared).await?;
            let slug = append(&txn, insight, (old.slug, resolved), wrote, now).await?;
            return Ok(PendingWrite::content(txn, &wrote.by, draft_change(ChangeKind::Revised, id, &slug), id));
        }
    }
    Err(EditorialError::Busy)
}

pub(super) async fn append(
    txn: &Transaction,
    mut insight: insight::Model,
    (old_slug, resolved): (Option<Slug>, ResolvedDraft),
    wrote: &Authorship,
    now: Timestamp,
) -> Result<Slug, EditorialError> {
    let slug = resolved.draft().slug.clone().unwrap_or_default();
    let slug = claim(txn, slug, insight.id, now).await?;
    // What a live insight is found under stays its own; what was only drafted goes back to whom the public knows by it.
    let drafted = |left: &Slug| insight.live_revision.is_none() || left.as_str() != insight.slug;
    if let Some(left) = old_slug.filter(|left| *left != slug && drafted(left)) {
        store::slugs::release(txn, insight.id, Some(left.as_str())).await?;
    }
    insight.head_revision += 1;
    insight.updated_at = now.0;
    if insight.live_revision.is_none() {
        show_in_lists(&mut insight, &slug, &resolved);
    }
    let number = insight.head_revision;
    revision::append(txn, resolved, (insight.id, number, &slug), wrote, now).await?;
    store::insights::save(txn, &insight).await?;
    Ok(slug)
}

/// Takes the slug for the insight, or says which are free.
pub(super) async fn claim(txn: &Transaction, slug: Slug, id: Uuid, now: Timestamp) -> Result<Slug, EditorialError> {
    if store::slugs::claim(txn, &slug, id, now).await? {
        return Ok(slug);
    }
    let suggestions = store::slugs::suggest(txn, &slug).await?;
    Err(EditorialError::SlugTaken { slug: slug.into_string(), suggestions })
}

/// Authors change only what they made. What they cannot see either is simply not there.
///
/// # Errors
/// When the insight is somebody else's.
pub fn check_own(insight: &insight::Model, by: &Principal, now: Timestamp) -> Result<(), EditorialError> {
    match by.limited_to_own() {
        Some(user) if insight.created_by != Some(user) => match Status::from_pointers(&pointers(insight), now) {
            Status::Published => Err(EditorialError::Forbidden("authors may change only insights that they made")),
            _ => Err(EditorialError::NotFound),
        },
        _ => Ok(()),
    }
}

/// What a caller makes of a text.
pub(super) type InsightChange<'m> = dyn Fn(&Draft) -> Result<Draft, EditorialError> + Sync + 'm;

/// Refuses a caller whose state is not the present one: says what changed since and by whom, and merges what the caller would have made of the
/// text it knew with the text that is there.
pub(super) async fn check_state(
    db: &impl store::Connection,
    insight: &insight::Model,
    expected: &Expected,
    make: Option<&InsightChange<'_>>,
) -> Result<(), EditorialError> {
    let state = insight_state(insight.id, insight.head_revision, insight.pointer_version);
    if expected.allows(&state) {
        return Ok(());
    }
    let mut late = Stale::new(state);
    if let Some(base) = expected.revision().filter(|base| (1..=insight.head_revision).contains(base)) {
        let base_draft = store::drafts::find(db, insight.id, base).await?;
        let head_draft = store::drafts::find(db, insight.id, insight.head_revision).await?;
        if let (Some(base_draft), Some(head_draft)) = (base_draft, head_draft) {
            late.changed_fields = base_draft.changed_fields(&head_draft).into_iter().map(str::to_owned).collect();
            if let Some(Ok(mut yours)) = make.map(|make| make(&base_draft)) {
                yours.slug = yours.slug.or_else(|| base_draft.slug.clone());
                late.merge = Some(RENDERING.run(move || merge(&base_draft, &yours, &head_draft)).await?);
            }
        }
        let revised = store::revisions::list_after(db, insight.id, base, MOST_CHANGES).await?;
        late.changed_by = revised.into_iter().map(ChangedBy::revised).collect();
        // What the public sees has its own count.
        let times = insight.pointer_version - expected.pointer_version().unwrap_or(insight.pointer_version);
        if times > 0 {
            late.changed_fields.push("status".to_owned());
            let moved = store::audit::list_moves(db, insight.id, times.min(MOST_CHANGES)).await?;
            late.changed_by.extend(moved.into_iter().map(ChangedBy::moved));
            late.changed_by.sort_by_key(|change| change.at);
        }
    }
    Err(EditorialError::Stale(Box::new(late)))
}

pub(super) fn pointers(insight: &insight::Model) -> Pointers {
    Pointers {
        live_revision: insight.live_revision,
        published_at: insight.published_at.map(Timestamp),
        unpublish_at: insight.unpublish_at.map(Timestamp),
        deleted_at: insight.deleted_at.map(Timestamp),
    }
}

fn show_in_lists(insight: &mut insight::Model, slug: &Slug, resolved: &ResolvedDraft) {
    insight.slug = slug.to_string();
    insight.category_id = resolved.listing.category_id;
    insight.sort_title.clone_from(&resolved.listing.sort_title);
    insight.reading_minutes = resolved.listing.reading_minutes;
}

pub(super) fn new_row(id: Uuid, slug: &Slug, resolved: &ResolvedDraft, created_by: Option<Uuid>, now: Timestamp) -> insight::Model {
    let mut insight = insight::Model {
        id,
        slug: String::new(),
        head_revision: 1,
        live_revision: None,
        pointer_version: 1,
        published_at: None,
        unpublish_at: None,
        deleted_at: None,
        position_at: now.0,
        category_id: Uuid::nil(),
        sort_title: String::new(),
        reading_minutes: 1,
        created_by,
        created_at: now.0,
        updated_at: now.0,
        live_updated_at: now.0,
    };
    show_in_lists(&mut insight, slug, resolved);
    insight
}

/// A draft is nobody's business but the editors': its change is in the log, and not public.
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
