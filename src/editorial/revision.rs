//! Turns a draft into a revision: renders its texts (before any transaction begins), resolves its terms to ids, writes its rows.
//!
//! ```text
//! Draft -> render -> RenderedDraft -> resolve_terms -> ResolvedDraft -> insert
//! ```

use std::collections::BTreeMap;

use uuid::Uuid;

use super::error::EditorialError;
use super::offload;
use crate::domain::authority::{Editor, Principal};
use crate::domain::clock::Timestamp;
use crate::domain::draft::{Draft, LocalText};
use crate::domain::field_errors::{FieldError, FieldErrors};
use crate::domain::markdown::{self, Rendered};
use crate::domain::slug::Slug;
use crate::domain::term::TermKind;
use crate::store::json_column::Json;
use crate::store::revisions::NewRevision;
use crate::store::rows::{revision, revision_body, revision_text};
use crate::store::{self, Store, Transaction};

/// Who writes a revision, and which earlier one it restores.
pub(super) struct Authorship {
    pub principal: Principal,
    pub restored_from: Option<i64>,
}

impl Authorship {
    pub(super) fn from_editor(editor: &Editor) -> Self {
        Self { principal: editor.principal().clone(), restored_from: None }
    }
}

/// A draft with its rendered texts: everything that can be computed without the database.
#[derive(Clone)]
pub(super) struct RenderedDraft {
    pub draft: Draft,
    pub source_locale: String,
    texts: BTreeMap<String, (LocalText, Rendered)>,
}

/// A rendered draft with the ids of its category, tags and authors.
pub(super) struct ResolvedDraft {
    rendered: RenderedDraft,
    pub listing: ListingColumns,
    tags: Vec<Uuid>,
    authors: Vec<Uuid>,
}

impl ResolvedDraft {
    pub(super) fn draft(&self) -> &Draft {
        &self.rendered.draft
    }
}

/// What lists sort and filter an insight by.
pub(super) struct ListingColumns {
    pub category_id: Uuid,
    pub sort_title: String,
    pub reading_minutes: i64,
}

/// The locale of a new insight's own texts: the site's default at that moment. It stays the insight's when the site's default changes.
pub(super) async fn source_locale(db: &impl store::Connection) -> Result<String, EditorialError> {
    Ok(store::site::find(db).await?.map_or_else(|| "en".to_owned(), |site| site.default_locale))
}

/// Renders every text of a draft, off the reactor.
pub(super) async fn render(store: &Store, draft: Draft, source_locale: String) -> Result<RenderedDraft, EditorialError> {
    if draft.translations.contains_key(&source_locale) {
        let detail = "is the locale of the insight's own texts: write them in title, excerpt and body_markdown";
        return Err(EditorialError::field(format!("/translations/{source_locale}"), "default-locale", detail));
    }
    let mut texts = draft.translations.clone();
    texts.insert(source_locale.clone(), draft.text.clone());
    let render_text = |text: LocalText| {
        let rendered = markdown::render(&text.body_markdown);
        (text, rendered)
    };
    let texts = offload::render(store, move || texts.into_iter().map(|(locale, text)| (locale, render_text(text))).collect()).await?;
    Ok(RenderedDraft { draft, source_locale, texts })
}

/// Resolves the slugs of terms to ids. Each unknown slug is a fault of its own.
pub(super) async fn resolve_terms(txn: &Transaction, rendered: RenderedDraft) -> Result<ResolvedDraft, EditorialError> {
    let draft = &rendered.draft;
    let mut faults = FieldErrors::default();
    let categories = store::terms::find_ids(txn, TermKind::Category, std::slice::from_ref(&draft.category)).await?;
    let category = categories.first().map(|(_, id)| *id);
    if category.is_none() {
        faults.push(unknown_term("/category".to_owned(), TermKind::Category, &draft.category));
    }
    let tags = resolve_list(txn, TermKind::Tag, &draft.tags, &mut faults).await?;
    let authors = resolve_list(txn, TermKind::Author, &draft.authors, &mut faults).await?;
    let (Some(category_id), true) = (category, faults.is_empty()) else { return Err(EditorialError::Invalid(faults)) };
    Ok(with_term_ids(rendered, category_id, tags, authors))
}

/// A rendered draft with term ids that the caller has resolved.
pub(super) fn with_term_ids(rendered: RenderedDraft, category_id: Uuid, tags: Vec<Uuid>, authors: Vec<Uuid>) -> ResolvedDraft {
    let draft = &rendered.draft;
    let source = rendered.texts.get(&rendered.source_locale);
    let derived = source.map_or(1, |(_, rendered)| rendered.reading_minutes);
    let listing = ListingColumns {
        category_id,
        sort_title: sort_title(&draft.text.title),
        reading_minutes: draft.details.reading_minutes.unwrap_or(derived),
    };
    ResolvedDraft { rendered, listing, tags, authors }
}

/// Inserts the rows of a revision. `at` is the insight, the number and the slug.
pub(super) async fn insert(
    txn: &Transaction,
    resolved: ResolvedDraft,
    at: (Uuid, i64, &Slug),
    authorship: &Authorship,
    now: Timestamp,
) -> Result<(), EditorialError> {
    Ok(store::revisions::append(txn, to_rows(resolved, at, authorship, now)).await?)
}

/// The rows of a revision.
pub(super) fn to_rows(resolved: ResolvedDraft, at: (Uuid, i64, &Slug), authorship: &Authorship, now: Timestamp) -> NewRevision {
    let ResolvedDraft { rendered, listing, tags, authors } = resolved;
    let RenderedDraft { draft, source_locale, texts } = rendered;
    let (insight_id, number, slug) = at;
    let locales = texts.keys().cloned().collect();
    let header = revision::RevisionHeader {
        insight_id,
        number,
        slug: slug.to_string(),
        source_locale,
        locales: Json(locales),
        category_id: listing.category_id,
        origin: authorship.principal.origin.as_str().to_owned(),
        user_id: authorship.principal.user_id,
        token_id: authorship.principal.token_id,
        created_at: now.0,
        made_by: authorship.principal.name.clone(),
        restored_from: authorship.restored_from,
    };
    let row = revision::Model::new(header, draft.details);
    let texts = texts.into_iter().map(|(locale, text)| {
        let is_source = locale == row.source_locale;
        text_rows(insight_id, number, (locale, is_source), text)
    });
    let texts = texts.collect();
    NewRevision { row, texts, tags, authors }
}

fn text_rows(
    insight_id: Uuid,
    number: i64,
    (locale, is_source): (String, bool),
    (text, rendered): (LocalText, Rendered),
) -> (revision_text::Model, revision_body::Model) {
    let LocalText { title, excerpt, body_markdown } = text;
    let Rendered { html, plain, toc, excerpt: derived, word_count, reading_minutes } = rendered;
    let excerpt_source = if excerpt.is_some() { "author" } else { "derived" }.to_owned();
    let excerpt = excerpt.unwrap_or(derived);
    let toc = Json(toc);
    let text = revision_text::Model {
        insight_id,
        number,
        locale: locale.clone(),
        title,
        excerpt,
        excerpt_source,
        word_count,
        derived_minutes: reading_minutes,
        is_source,
    };
    (text, revision_body::Model { insight_id, number, locale, markdown: body_markdown, html, plain, toc })
}

async fn resolve_list(txn: &Transaction, kind: TermKind, slugs: &[Slug], faults: &mut FieldErrors) -> Result<Vec<Uuid>, EditorialError> {
    let found = store::terms::find_ids(txn, kind, slugs).await?;
    let mut ids = Vec::with_capacity(slugs.len());
    for (index, slug) in slugs.iter().enumerate() {
        match found.iter().find(|(name, _)| name == slug.as_str()) {
            Some((_, id)) => ids.push(*id),
            None => faults.push(unknown_term(format!("/{}/{index}", kind.plural()), kind, slug)),
        }
    }
    Ok(ids)
}

fn unknown_term(pointer: String, kind: TermKind, slug: &Slug) -> FieldError {
    let plural = kind.plural();
    FieldError {
        pointer,
        code: kind.unknown_code(),
        detail: format!("there is no \"{slug}\" among the {plural}; GET /v1/{plural} lists them"),
    }
}

/// The sort key of a title: without accents, case or leading punctuation, and the same on both databases.
pub(super) fn sort_title(title: &str) -> String {
    deunicode::deunicode(title).to_lowercase().trim_start_matches(|c: char| !c.is_alphanumeric()).chars().take(200).collect()
}
