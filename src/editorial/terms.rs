//! Categories, tags and authors.

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

const TRIES: usize = 100;

/// # Errors
/// When a slug that was given is taken.
pub async fn create(
    store: &Store,
    publisher: &Publisher,
    kind: TermKind,
    draft: TermDraft,
    now: Timestamp,
) -> Result<PendingWrite<String>, EditorialError> {
    let base = draft.slug_or_derived();
    for attempt in 1..=TRIES {
        let slug = if attempt == 1 { base.clone() } else { base.numbered(attempt) };
        let txn = store.begin().await?;
        let term = row(draft.clone(), &slug, now);
        match store::terms::insert(&txn, kind, &term).await {
            Ok(()) => {
                return Ok(pending(txn, publisher, kind, (ChangeKind::Created, &term, &[&term.slug])));
            }
            Err(StoreError::Unique(_)) if draft.slug.is_none() => {}
            Err(StoreError::Unique(_)) => {
                drop(txn);
                return Err(taken(store, kind, &base, now).await?);
            }
            Err(other) => return Err(other.into()),
        }
    }
    Err(taken(store, kind, &base, now).await?)
}

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
    let old = locked(&txn, kind, slug, expected, now).await?;
    save(store, (txn, publisher), kind, old, draft, now).await
}

/// Applies a merge patch (RFC 7396) to what an editor could have written.
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
    let old = locked(&txn, kind, slug, expected, now).await?;
    let draft = merge(draft_of(&old).to_input())?;
    save(store, (txn, publisher), kind, old, draft, now).await
}

/// # Errors
/// When the term is unknown or stale, or any insight carries it.
pub async fn delete(
    store: &Store,
    publisher: &Publisher,
    at: (TermKind, &str),
    expected: &Expected,
    now: Timestamp,
) -> Result<PendingWrite<String>, EditorialError> {
    let (kind, slug) = at;
    let txn = store.begin().await?;
    let term = locked(&txn, kind, slug, expected, now).await?;
    let uses = store::terms::count_uses(&txn, kind, term.id).await?;
    if uses > 0 {
        return Err(EditorialError::InUse { uses });
    }
    store::terms::delete(&txn, kind, term.id, now).await?;
    Ok(pending(txn, publisher, kind, (ChangeKind::Deleted, &term, &[&term.slug])))
}

async fn save(
    store: &Store,
    (txn, publisher): (Transaction, &Publisher),
    kind: TermKind,
    old: TermRow,
    draft: TermDraft,
    now: Timestamp,
) -> Result<PendingWrite<String>, EditorialError> {
    let slug = draft.slug.clone().or_else(|| Slug::parse(&old.slug)).unwrap_or_default();
    let unchanged = TermDraft { slug: Some(slug.clone()), ..draft.clone() } == draft_of(&old);
    if unchanged {
        return Ok(PendingWrite::nothing(txn, publisher.principal(), old.slug));
    }
    let TermRow { id, version, created_at, slug: old_slug, .. } = old;
    let term = TermRow { id, version: version + 1, created_at, ..row(draft, &slug, now) };
    match store::terms::update(&txn, kind, &term).await {
        Ok(()) => {}
        Err(StoreError::Unique(_)) => {
            drop(txn);
            return Err(taken(store, kind, &slug, now).await?);
        }
        Err(other) => return Err(other.into()),
    }
    Ok(pending(txn, publisher, kind, (ChangeKind::Updated, &term, &[&term.slug, &old_slug])))
}

async fn locked(txn: &Transaction, kind: TermKind, slug: &str, expected: &Expected, now: Timestamp) -> Result<TermRow, EditorialError> {
    let term = store::terms::lock(txn, kind, slug, now).await?.ok_or(EditorialError::NotFound)?;
    let state = named_state(term.id, term.version);
    if expected.allows(&state) { Ok(term) } else { Err(EditorialError::stale(state)) }
}

async fn taken(store: &Store, kind: TermKind, slug: &Slug, now: Timestamp) -> Result<EditorialError, EditorialError> {
    let mut suggestions = Vec::new();
    for n in 2..TRIES {
        let candidate = slug.numbered(n);
        if store::terms::find(store.reader(), kind, candidate.as_str(), now).await?.is_none() {
            suggestions.push(candidate.into_string());
        }
        if suggestions.len() == 3 {
            break;
        }
    }
    Ok(EditorialError::SlugTaken { slug: slug.to_string(), suggestions })
}

fn row(draft: TermDraft, slug: &Slug, now: Timestamp) -> TermRow {
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

fn draft_of(term: &TermRow) -> TermDraft {
    TermDraft {
        slug: Slug::parse(&term.slug),
        name: term.name.clone(),
        description: term.description.clone(),
        translations: term.translations.0.clone(),
    }
}

/// Makes a term, or gives the one that has the slug this state, in the caller's transaction: `created`, `updated` or `unchanged`, and what the
/// log is to say.
pub(super) async fn put_in(
    txn: &Transaction,
    kind: TermKind,
    slug: &Slug,
    draft: TermDraft,
    now: Timestamp,
) -> Result<(ImportItemState, Option<NewChange>), EditorialError> {
    let draft = TermDraft { slug: Some(slug.clone()), ..draft };
    let Some(old) = store::terms::lock(txn, kind, slug.as_str(), now).await? else {
        let term = row(draft, slug, now);
        store::terms::insert(txn, kind, &term).await?;
        return Ok((ImportItemState::Created, Some(change(kind, ChangeKind::Created, &term, &[&term.slug]))));
    };
    if draft == draft_of(&old) {
        return Ok((ImportItemState::Unchanged, None));
    }
    let TermRow { id, version, created_at, .. } = old;
    let term = TermRow { id, version: version + 1, created_at, ..row(draft, slug, now) };
    store::terms::update(txn, kind, &term).await?;
    Ok((ImportItemState::Updated, Some(change(kind, ChangeKind::Updated, &term, &[&term.slug]))))
}

fn pending(
    txn: Transaction,
    publisher: &Publisher,
    kind: TermKind,
    (done, term, slugs): (ChangeKind, &TermRow, &[&str]),
) -> PendingWrite<String> {
    PendingWrite::content(txn, publisher.principal(), change(kind, done, term, slugs), term.slug.clone())
}

fn change(kind: TermKind, done: ChangeKind, term: &TermRow, slugs: &[&str]) -> NewChange {
    let resource = kind.resource();
    let mut cache_tags = vec![kind.plural().to_owned(), "insights".to_owned()];
    cache_tags.extend(slugs.iter().map(|slug| format!("{}:{slug}", resource.as_str())));
    NewChange { kind: done, resource, resource_id: Some(term.id), slug: Some(term.slug.clone()), public: true, cache_tags }
}
