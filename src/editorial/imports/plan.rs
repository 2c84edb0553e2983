//! What an item asks for, compared with what is there: everything that can be found out, and rendered, before a transaction begins.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::outcome::{invalid, problem};
use crate::domain::authority::Principal;
use crate::domain::clock::Timestamp;
use crate::domain::draft::Draft;
use crate::domain::import_line::{ImportLine, InsightLine, WantedState};
use crate::domain::slug::Slug;
use crate::domain::term::{TermDraft, TermKind};
use crate::editorial::error::EditorialError;
use crate::editorial::insights::{check_own, named};
use crate::editorial::revision::{self, RenderedDraft};
use crate::store::drafts::SourcedDraft;
use crate::store::error::StoreError;
use crate::store::insights::InsightName;
use crate::store::rows::insight;
use crate::store::{self, Connection};

/// What is to be done for an item.
pub(super) enum ItemPlan {
    Failed(Value),
    Term(TermKind, TermDraft),
    Create(Box<NewInsight>),
    Change(Box<ExistingInsight>),
}

impl ItemPlan {
    /// The insight's line, where it is one's and can be done.
    pub(super) fn line(&self) -> Option<&InsightLine> {
        match self {
            Self::Failed(_) | Self::Term(..) => None,
            Self::Create(creation) => Some(&creation.line),
            Self::Change(alteration) => Some(&alteration.line),
        }
    }

    /// The categories, tags and authors that it may make.
    pub(super) fn terms(&self) -> Vec<(TermKind, TermDraft)> {
        let explained = |(kind, draft): &(TermKind, TermDraft)| {
            let slug = draft.slug_or_derived();
            (*kind, TermDraft { slug: Some(slug), ..draft.clone() })
        };
        match self {
            Self::Failed(_) => Vec::new(),
            Self::Term(kind, draft) => vec![explained(&(*kind, draft.clone()))],
            Self::Create(creation) => creation.line.terms.iter().map(explained).collect(),
            Self::Change(alteration) => alteration.line.terms.iter().map(explained).collect(),
        }
    }
}

/// An insight that is not there yet.
pub(super) struct NewInsight {
    pub line: InsightLine,
    pub text: RenderedDraft,
    pub newer: Option<RenderedDraft>,
}

/// An insight that is there: the texts that it lacks, and the state that was seen.
pub(super) struct ExistingInsight {
    pub line: InsightLine,
    pub seen: insight::Model,
    /// Null where the text is there already.
    pub text: Option<RenderedDraft>,
    pub newer: Option<RenderedDraft>,
    /// The newest text was not in the line, and stays the newest.
    pub kept_draft: bool,
}

/// The plan of each line. One that fails may pass: its item is looked at again.
pub(super) async fn plans(
    db: &impl Connection,
    inputs: impl Iterator<Item = &str>,
    by: &Principal,
    now: Timestamp,
) -> Result<Vec<Result<ItemPlan, EditorialError>>, EditorialError> {
    let parsed: Vec<Result<ImportLine, ItemPlan>> = inputs.map(parse).collect();
    let there = ExistingRows::of(db, &parsed).await?;
    Ok(join_all(parsed.into_iter().map(|line| plan(db, &there, line, by, now))).await)
}

/// # Errors
/// What may pass: the item is looked at again.
pub(super) async fn plan_one(db: &impl Connection, input: &str, by: &Principal, now: Timestamp) -> Result<ItemPlan, EditorialError> {
    let line = parse(input);
    let there = ExistingRows::of(db, std::slice::from_ref(&line)).await?;
    plan(db, &there, line, by, now).await
}

fn parse(input: &str) -> Result<ImportLine, ItemPlan> {
    let value = serde_json::from_str::<Value>(input).map_err(|error| {
        ItemPlan::Failed(json!({ "code": "malformed-body", "detail": format!("the line is not well-formed JSON: {error}") }))
    })?;
    ImportLine::parse(value).map_err(|errors| ItemPlan::Failed(invalid(errors)))
}

/// What was found out for several lines at once, so that new insights need no look of their own.
struct ExistingRows {
    ids: HashSet<Uuid>,
    /// Slugs that some insight has or had.
    slugs: HashSet<String>,
    locale: String,
}

impl ExistingRows {
    async fn of(db: &impl Connection, lines: &[Result<ImportLine, ItemPlan>]) -> Result<Self, EditorialError> {
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
            locale: revision::source_locale(db).await?,
        })
    }

    /// The insight that a line is about: by its id, else by its present slug. A line with an id is no other insight, whatever its slug: that the slug
    /// is taken is told when it is claimed.
    async fn find(&self, db: &impl Connection, line: &InsightLine) -> Result<Option<insight::Model>, EditorialError> {
        match (line.id, &line.text.slug) {
            (Some(id), _) if self.ids.contains(&id) => Ok(store::insights::find(db, &InsightName::Id(id)).await?),
            (None, Some(slug)) if self.slugs.contains(slug.as_str()) => named(db, slug).await,
            _ => Ok(None),
        }
    }
}

async fn plan(
    db: &impl Connection,
    there: &ExistingRows,
    line: Result<ImportLine, ItemPlan>,
    by: &Principal,
    now: Timestamp,
) -> Result<ItemPlan, EditorialError> {
    match line {
        Err(failed) => Ok(failed),
        Ok(ImportLine::Term(kind, draft)) => Ok(ItemPlan::Term(kind, draft)),
        Ok(ImportLine::Insight(line)) => match plan_insight(db, there, *line, by, now).await {
            Err(error @ (EditorialError::Busy | EditorialError::Store(StoreError::Unavailable(_)))) => Err(error),
            Err(error) => Ok(ItemPlan::Failed(problem(error))),
            Ok(plan) => Ok(plan),
        },
    }
}

async fn plan_insight(
    db: &impl Connection,
    there: &ExistingRows,
    line: InsightLine,
    by: &Principal,
    now: Timestamp,
) -> Result<ItemPlan, EditorialError> {
    if line.id.is_none() && line.text.slug.is_none() {
        let detail = "an import finds an insight again by its id or its slug: give one of them";
        return Err(EditorialError::field("/slug", "required", detail));
    }
    let Some(seen) = there.find(db, &line).await? else {
        let locale = line.locale.as_ref().unwrap_or(&there.locale).clone();
        let text = revision::prepare(line.text.clone(), locale.clone()).await?;
        let newer = line.newer.clone().map(|newer| Draft { slug: newer.slug.clone().or_else(|| line.text.slug.clone()), ..newer });
        let newer = rendered(newer, &locale).await?;
        return Ok(ItemPlan::Create(Box::new(NewInsight { line, text, newer })));
    };
    check_own(&seen, by, now)?;
    if seen.deleted_at.is_some() {
        return Err(EditorialError::field("/slug", "in-the-trash", "it is in the trash: restore it first, or remove it for good"));
    }
    let head = store::drafts::find_with_locale(db, seen.id, seen.head_revision).await?;
    let SourcedDraft { source_locale: locale, draft: newest } = head.ok_or(EditorialError::NotFound)?;
    if line.locale.as_ref().is_some_and(|given| *given != locale) {
        let detail = format!("the insight's own texts are in {locale}, and stay so: write other locales in translations");
        return Err(EditorialError::field("/locale", "source-locale", detail));
    }
    // What is published is compared with what is live; everything else with what was written last. To publish what was a draft needs no new text
    // when the draft says it already.
    let public = seen.live_revision.filter(|_| line.wanted == WantedState::Published);
    let against = match public {
        Some(number) if number != seen.head_revision => store::drafts::find(db, seen.id, number).await?.ok_or(EditorialError::NotFound)?,
        _ => newest.clone(),
    };
    let text = Some(with_slug(&line.text, against.slug.as_ref())).filter(|text| *text != against);
    let is_behind = public.is_some_and(|number| number != seen.head_revision);
    let kept_draft = line.newer.is_none() && text.is_some() && is_behind;
    let newer = match &line.newer {
        Some(newer) => {
            Some(with_slug(newer, line.text.slug.as_ref().or(newest.slug.as_ref()))).filter(|newer| text.is_some() || *newer != newest)
        }
        // A draft that the line does not know of is still the newest text when its live one is replaced.
        None => kept_draft.then_some(newest),
    };
    let (text, newer) = (rendered(text, &locale).await?, rendered(newer, &locale).await?);
    Ok(ItemPlan::Change(Box::new(ExistingInsight { line, seen, text, newer, kept_draft })))
}

/// A draft under the slug that it leaves out.
fn with_slug(draft: &Draft, slug: Option<&Slug>) -> Draft {
    Draft { slug: draft.slug.clone().or_else(|| slug.cloned()), ..draft.clone() }
}

async fn rendered(draft: Option<Draft>, locale: &str) -> Result<Option<RenderedDraft>, EditorialError> {
    match draft {
        Some(draft) => Ok(Some(revision::prepare(draft, locale.to_owned()).await?)),
        None => Ok(None),
    }
}
