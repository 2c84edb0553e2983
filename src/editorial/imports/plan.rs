//! Plans an item: compares it with what exists, and renders its texts, before any transaction begins.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::outcome::{to_problem, validation_problem};
use crate::domain::authority::Principal;
use crate::domain::clock::Timestamp;
use crate::domain::draft::Draft;
use crate::domain::import_line::{ImportLine, InsightLine, WantedState};
use crate::domain::slug::Slug;
use crate::domain::term::{TermDraft, TermKind};
use crate::editorial::error::EditorialError;
use crate::editorial::insights::{check_own, find_by_current_slug};
use crate::editorial::revision::{self, RenderedDraft};
use crate::store::drafts::SourcedDraft;
use crate::store::error::StoreError;
use crate::store::insights::InsightName;
use crate::store::rows::insight;
use crate::store::{self, Connection, Store};

/// What to do for an item.
pub(super) enum ItemPlan {
    Failed(Value),
    Term(TermKind, TermDraft),
    Create(Box<NewInsight>),
    Change(Box<ExistingInsight>),
}

impl ItemPlan {
    /// The line, if it is an insight's and can be applied.
    pub(super) fn line(&self) -> Option<&InsightLine> {
        match self {
            Self::Failed(_) | Self::Term(..) => None,
            Self::Create(creation) => Some(&creation.line),
            Self::Change(existing) => Some(&existing.line),
        }
    }

    /// The categories, tags and authors that it may create.
    pub(super) fn terms(&self) -> Vec<(TermKind, TermDraft)> {
        let with_slug = |(kind, draft): &(TermKind, TermDraft)| {
            let slug = draft.slug_or_derived();
            (*kind, TermDraft { slug: Some(slug), ..draft.clone() })
        };
        match self {
            Self::Failed(_) => Vec::new(),
            Self::Term(kind, draft) => vec![with_slug(&(*kind, draft.clone()))],
            Self::Create(creation) => creation.line.terms.iter().map(with_slug).collect(),
            Self::Change(existing) => existing.line.terms.iter().map(with_slug).collect(),
        }
    }
}

/// An insight that does not exist yet.
pub(super) struct NewInsight {
    pub line: InsightLine,
    pub text: RenderedDraft,
    pub newer: Option<RenderedDraft>,
}

/// An insight that exists: its row when it was planned, and the texts that differ.
pub(super) struct ExistingInsight {
    pub line: InsightLine,
    pub planned_on: insight::Model,
    /// `None` when the stored text is the same.
    pub text: Option<RenderedDraft>,
    pub newer: Option<RenderedDraft>,
    /// The newest draft is not in the line, and stays the newest.
    pub keeps_draft: bool,
}

/// The plan of each line. A plan that is an error is temporary: its item is planned again.
pub(super) async fn plan_all(
    store: &Store,
    db: &impl Connection,
    inputs: impl Iterator<Item = &str>,
    principal: &Principal,
    now: Timestamp,
) -> Result<Vec<Result<ItemPlan, EditorialError>>, EditorialError> {
    let parsed: Vec<Result<ImportLine, ItemPlan>> = inputs.map(parse).collect();
    let existing = ExistingRows::load(db, &parsed).await?;
    let context = PlanContext { store, db, existing: &existing, principal, now };
    Ok(join_all(parsed.into_iter().map(|line| context.plan(line))).await)
}

/// # Errors
/// Temporary ones: the item is planned again.
pub(super) async fn plan_one(
    store: &Store,
    db: &impl Connection,
    input: &str,
    principal: &Principal,
    now: Timestamp,
) -> Result<ItemPlan, EditorialError> {
    let line = parse(input);
    let existing = ExistingRows::load(db, std::slice::from_ref(&line)).await?;
    PlanContext { store, db, existing: &existing, principal, now }.plan(line).await
}

fn parse(input: &str) -> Result<ImportLine, ItemPlan> {
    let value = serde_json::from_str::<Value>(input).map_err(|error| {
        ItemPlan::Failed(json!({ "code": "malformed-body", "detail": format!("the line is not well-formed JSON: {error}") }))
    })?;
    ImportLine::parse(value).map_err(|errors| ItemPlan::Failed(validation_problem(errors)))
}

/// What several lines refer to, loaded at once: new insights need no query of their own.
struct ExistingRows {
    ids: HashSet<Uuid>,
    /// Slugs that an insight has or had.
    slugs: HashSet<String>,
    /// The locale of new insights that name none.
    default_locale: String,
}

impl ExistingRows {
    async fn load(db: &impl Connection, lines: &[Result<ImportLine, ItemPlan>]) -> Result<Self, EditorialError> {
        let insights = || {
            lines.iter().filter_map(|line| match line {
                Ok(ImportLine::Insight(line)) => Some(line),
                _ => None,
            })
        };
        let ids: Vec<Uuid> = insights().filter_map(|line| line.id).collect();
        let slugs: Vec<&str> = insights().filter_map(|line| line.text.slug.as_ref()).map(Slug::as_str).collect();
        Ok(Self {
            ids: store::insights::find_existing(db, &ids).await?.into_iter().collect(),
            slugs: store::slugs::find_taken(db, &slugs).await?,
            default_locale: revision::source_locale(db).await?,
        })
    }

    /// The insight that a line is about: by its id, else by its current slug. A line with an id is never another
    /// insight: if that one has its slug, claiming the slug fails later.
    async fn find(&self, db: &impl Connection, line: &InsightLine) -> Result<Option<insight::Model>, EditorialError> {
        match (line.id, &line.text.slug) {
            (Some(id), _) if self.ids.contains(&id) => Ok(store::insights::find(db, &InsightName::Id(id)).await?),
            (None, Some(slug)) if self.slugs.contains(slug.as_str()) => find_by_current_slug(db, slug).await,
            _ => Ok(None),
        }
    }
}

/// What the plan of every line of a batch depends on.
struct PlanContext<'p, C> {
    store: &'p Store,
    db: &'p C,
    existing: &'p ExistingRows,
    principal: &'p Principal,
    now: Timestamp,
}

impl<C: Connection> PlanContext<'_, C> {
    async fn plan(&self, line: Result<ImportLine, ItemPlan>) -> Result<ItemPlan, EditorialError> {
        match line {
            Err(failed) => Ok(failed),
            Ok(ImportLine::Term(kind, draft)) => Ok(ItemPlan::Term(kind, draft)),
            Ok(ImportLine::Insight(line)) => match self.plan_insight(*line).await {
                Err(error @ (EditorialError::Busy | EditorialError::Store(StoreError::Unavailable(_)))) => Err(error),
                Err(error) => Ok(ItemPlan::Failed(to_problem(error))),
                Ok(plan) => Ok(plan),
            },
        }
    }

    async fn plan_insight(&self, line: InsightLine) -> Result<ItemPlan, EditorialError> {
        if line.id.is_none() && line.text.slug.is_none() {
            let detail = "an import finds an insight by its id or its slug: give one of them";
            return Err(EditorialError::field("/slug", "required", detail));
        }
        match self.existing.find(self.db, &line).await? {
            Some(row) => self.plan_change(line, row).await,
            None => self.plan_creation(line).await,
        }
    }

    async fn plan_creation(&self, line: InsightLine) -> Result<ItemPlan, EditorialError> {
        let locale = line.locale.as_ref().unwrap_or(&self.existing.default_locale).clone();
        let text = revision::render(self.store, line.text.clone(), locale.clone()).await?;
        let newer = line.newer.clone().map(|newer| Draft { slug: newer.slug.clone().or_else(|| line.text.slug.clone()), ..newer });
        let newer = self.render(newer, &locale).await?;
        Ok(ItemPlan::Create(Box::new(NewInsight { line, text, newer })))
    }

    async fn plan_change(&self, line: InsightLine, row: insight::Model) -> Result<ItemPlan, EditorialError> {
        check_own(&row, self.principal, self.now)?;
        if row.deleted_at.is_some() {
            return Err(EditorialError::field("/slug", "in-the-trash", "it is in the trash: restore it first, or purge it"));
        }
        let head = store::drafts::find_with_locale(self.db, row.id, row.head_revision).await?;
        let SourcedDraft { source_locale: locale, draft: newest } = head.ok_or(EditorialError::NotFound)?;
        if line.locale.as_ref().is_some_and(|wanted| *wanted != locale) {
            let detail = format!("the insight's own texts are in {locale}, and stay so: write other locales in translations");
            return Err(EditorialError::field("/locale", "source-locale", detail));
        }
        // A published line is compared with the live text, any other with the newest draft. Publishing a draft that
        // already has the same text needs no new revision.
        let published = row.live_revision.filter(|_| line.wanted == WantedState::Published);
        let stored = match published {
            Some(number) if number != row.head_revision => {
                store::drafts::find(self.db, row.id, number).await?.ok_or(EditorialError::NotFound)?
            }
            _ => newest.clone(),
        };
        let text = Some(with_slug(&line.text, stored.slug.as_ref())).filter(|text| *text != stored);
        let has_newer_draft = published.is_some_and(|number| number != row.head_revision);
        let keeps_draft = line.newer.is_none() && text.is_some() && has_newer_draft;
        let newer = match &line.newer {
            Some(newer) => {
                let newer = with_slug(newer, line.text.slug.as_ref().or(newest.slug.as_ref()));
                Some(newer).filter(|newer| text.is_some() || *newer != newest)
            }
            // A draft that is not in the line is appended again after the new live text: it stays the newest.
            None => keeps_draft.then_some(newest),
        };
        let (text, newer) = (self.render(text, &locale).await?, self.render(newer, &locale).await?);
        Ok(ItemPlan::Change(Box::new(ExistingInsight { line, planned_on: row, text, newer, keeps_draft })))
    }

    async fn render(&self, draft: Option<Draft>, locale: &str) -> Result<Option<RenderedDraft>, EditorialError> {
        match draft {
            Some(draft) => Ok(Some(revision::render(self.store, draft, locale.to_owned()).await?)),
            None => Ok(None),
        }
    }
}

/// A draft with this slug, if it has none of its own.
fn with_slug(draft: &Draft, slug: Option<&Slug>) -> Draft {
    Draft { slug: draft.slug.clone().or_else(|| slug.cloned()), ..draft.clone() }
}
