//! Writes categories, tags and authors.

use serde_json::Value;

use super::error::EditorialError;
use super::pending::PendingWrite;
use crate::domain::authority::Publisher;
use crate::domain::change::{ChangeKind, NewChange};
use crate::domain::clock::{Timestamp, new_id};
use crate::domain::etag::{Expected, named_state};
use crate::domain::import_state::ImportItemState;
use crate::domain::slug::Slug;
use crate::domain::term::{TermDraft, TermKind};
use crate::store::error::StoreError;
use crate::store::json_column::Json;
use crate::store::terms::TermRow;
use crate::store::{self, Store, Transaction};

/// How many numbered slugs to try.
const MAX_SLUG_NUMBER: usize = 100;
/// How many free slugs an error suggests.
const SUGGESTIONS: usize = 3;

/// Creates a term. A derived slug gets the next free number.
///
/// # Errors
/// When an explicit slug is taken.
pub async fn create(
    store: &Store,
    publisher: &Publisher,
    kind: TermKind,
    draft: TermDraft,
    now: Timestamp,
) -> Result<PendingWrite<String>, EditorialError> {
    let base = draft.slug_or_derived();
    for number in 1..=MAX_SLUG_NUMBER {
        let slug = if number == 1 { base.clone() } else { base.numbered(number) };
        let txn = store.begin().await?;
        let term = to_row(draft.clone(), &slug, now);
        match store::terms::insert(&txn, kind, &term).await {
            Ok(()) => {
                let change = term_change(kind, ChangeKind::Created, &term, &[&term.slug]);
                return Ok(PendingWrite::logged(txn, publisher.principal(), change, term.slug));
            }
            Err(StoreError::Unique(_)) if draft.slug.is_none() => {}
            Err(StoreError::Unique(_)) => {
                drop(txn);
                return Err(slug_taken(store, kind, &base, now).await?);
            }
            Err(other) => return Err(other.into()),
        }
    }
    Err(slug_taken(store, kind, &base, now).await?)
}

/// Replaces a term.
///
/// # Errors
/// When the term is unknown or stale, or the new slug is taken.
pub async fn replace(
    store: &Store,
    publisher: &Publisher,
    at: (TermKind, &str),
    expected: &Expected,
    draft: TermDraft,
    now: Timestamp,
) -> Result<PendingWrite<String>, EditorialError> {
    let (kind, slug) = at;
    let txn = store.begin().await?;
    let old = lock_expected(&txn, kind, slug, expected, now).await?;
    update(store, (txn, publisher), kind, old, draft, now).await
}

/// Applies a merge patch (RFC 7396) to the term in its input form.
///
/// # Errors
/// As [`replace`], and when the result breaks a rule.
pub async fn patch(
    store: &Store,
    publisher: &Publisher,
    at: (TermKind, &str),
    expected: &Expected,
    merge: impl FnOnce(Value) -> Result<TermDraft, EditorialError>,
    now: Timestamp,
) -> Result<PendingWrite<String>, EditorialError> {
    let (kind, slug) = at;
    let txn = store.begin().await?;
    let old = lock_expected(&txn, kind, slug, expected, now).await?;
    let draft = merge(to_draft(&old).to_input())?;
    update(store, (txn, publisher), kind, old, draft, now).await
}

/// Deletes a term.
///
/// # Errors
/// When the term is unknown or stale, or an insight carries it.
pub async fn delete(
    store: &Store,
    publisher: &Publisher,
    at: (TermKind, &str),
    expected: &Expected,
    now: Timestamp,
) -> Result<PendingWrite<String>, EditorialError> {
    let (kind, slug) = at;
    let txn = store.begin().await?;
    let term = lock_expected(&txn, kind, slug, expected, now).await?;
    let uses = store::terms::count_uses(&txn, kind, term.id).await?;
    if uses > 0 {
        return Err(EditorialError::InUse { uses });
    }
    store::terms::delete(&txn, kind, term.id, now).await?;
    let change = term_change(kind, ChangeKind::Deleted, &term, &[&term.slug]);
    Ok(PendingWrite::logged(txn, publisher.principal(), change, term.slug))
}

async fn update(
    store: &Store,
    (txn, publisher): (Transaction, &Publisher),
    kind: TermKind,
    old: TermRow,
    draft: TermDraft,
    now: Timestamp,
) -> Result<PendingWrite<String>, EditorialError> {
    let slug = draft.slug.clone().or_else(|| Slug::parse(&old.slug)).unwrap_or_default();
    let is_unchanged = TermDraft { slug: Some(slug.clone()), ..draft.clone() } == to_draft(&old);
    if is_unchanged {
        return Ok(PendingWrite::unchanged(txn, publisher.principal(), old.slug));
    }
    let TermRow { id, version, created_at, slug: old_slug, .. } = old;
    let term = TermRow { id, version: version + 1, created_at, ..to_row(draft, &slug, now) };
    match store::terms::update(&txn, kind, &term).await {
        Ok(()) => {}
        Err(StoreError::Unique(_)) => {
            drop(txn);
            return Err(slug_taken(store, kind, &slug, now).await?);
        }
        Err(other) => return Err(other.into()),
    }
    let change = term_change(kind, ChangeKind::Updated, &term, &[&term.slug, &old_slug]);
    Ok(PendingWrite::logged(txn, publisher.principal(), change, term.slug))
}

async fn lock_expected(
    txn: &Transaction,
    kind: TermKind,
    slug: &str,
    expected: &Expected,
    now: Timestamp,
) -> Result<TermRow, EditorialError> {
    let term = store::terms::lock(txn, kind, slug, now).await?.ok_or(EditorialError::NotFound)?;
    let state = named_state(term.id, term.version);
    if expected.allows(&state) { Ok(term) } else { Err(EditorialError::stale(state)) }
}

async fn slug_taken(store: &Store, kind: TermKind, slug: &Slug, now: Timestamp) -> Result<EditorialError, EditorialError> {
    let mut suggestions = Vec::new();
    for number in 2..MAX_SLUG_NUMBER {
        let candidate = slug.numbered(number);
        if store::terms::find(store.reader(), kind, candidate.as_str(), now).await?.is_none() {
            suggestions.push(candidate.into_string());
        }
        if suggestions.len() == SUGGESTIONS {
            break;
        }
    }
    Ok(EditorialError::SlugTaken { slug: slug.to_string(), suggestions })
}

fn to_row(draft: TermDraft, slug: &Slug, now: Timestamp) -> TermRow {
    let TermDraft { slug: _, name, description, translations } = draft;
    TermRow {
        id: new_id(now),
        slug: slug.to_string(),
        name,
        description,
        translations: Json(translations),
        version: 1,
        created_at: now.0,
        updated_at: now.0,
        insight_count: 0,
    }
}

fn to_draft(term: &TermRow) -> TermDraft {
    TermDraft {
        slug: Slug::parse(&term.slug),
        name: term.name.clone(),
        description: term.description.clone(),
        translations: term.translations.0.clone(),
    }
}

/// Creates the term with this slug, or updates it, in the caller's transaction. Returns `created`, `updated` or
/// `unchanged`, and the change for the log.
pub(super) async fn insert_in(
    txn: &Transaction,
    kind: TermKind,
    slug: &Slug,
    draft: TermDraft,
    now: Timestamp,
) -> Result<(ImportItemState, Option<NewChange>), EditorialError> {
    let draft = TermDraft { slug: Some(slug.clone()), ..draft };
    let Some(old) = store::terms::lock(txn, kind, slug.as_str(), now).await? else {
        let term = to_row(draft, slug, now);
        store::terms::insert(txn, kind, &term).await?;
        return Ok((ImportItemState::Created, Some(term_change(kind, ChangeKind::Created, &term, &[&term.slug]))));
    };
    if draft == to_draft(&old) {
        return Ok((ImportItemState::Unchanged, None));
    }
    let TermRow { id, version, created_at, .. } = old;
    let term = TermRow { id, version: version + 1, created_at, ..to_row(draft, slug, now) };
    store::terms::update(txn, kind, &term).await?;
    Ok((ImportItemState::Updated, Some(term_change(kind, ChangeKind::Updated, &term, &[&term.slug]))))
}

/// The change of a term. `slugs` are its slugs before and after.
fn term_change(kind: TermKind, change: ChangeKind, term: &TermRow, slugs: &[&str]) -> NewChange {
    let resource = kind.resource();
    let mut cache_tags = vec![kind.plural().to_owned(), "insights".to_owned()];
    cache_tags.extend(slugs.iter().map(|slug| format!("{}:{slug}", resource.as_str())));
    NewChange { kind: change, resource, resource_id: Some(term.id), slug: Some(term.slug.clone()), public: true, cache_tags }
}
