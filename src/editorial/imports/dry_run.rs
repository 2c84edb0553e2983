//! What a dry run would have created so far. The database keeps nothing of it, and later lines depend on it.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::outcome::{failed, succeeded, to_problem};
use super::plan::ItemPlan;
use crate::domain::import_state::ImportItemState;
use crate::domain::term::{TermDraft, TermKind};
use crate::editorial::error::EditorialError;
use crate::store::imports::{ItemOutcome, WaitingItem};

#[derive(Default)]
pub(super) struct DryRunState {
    pub(super) terms: Vec<(TermKind, TermDraft)>,
    /// Ids and slugs of insights, as hashes: there may be millions.
    pub(super) insights: HashSet<u64>,
}

pub(super) fn hash_name(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

impl DryRunState {
    /// Adds the terms that a plan would create.
    pub(super) fn add_terms(&mut self, plan: &ItemPlan) {
        for (kind, draft) in plan.terms() {
            // An insight's line does not change a term that exists. A term's own line does.
            match self.terms.iter_mut().find(|(other, term)| *other == kind && term.slug == draft.slug) {
                Some(existing) if matches!(plan, ItemPlan::Term(..)) => existing.1 = draft,
                Some(_) => {}
                None => self.terms.push((kind, draft)),
            }
        }
    }

    /// The outcome of a line whose insight or slug an earlier line would have created; `None` when no earlier line matters.
    pub(super) fn predict(&self, item: &WaitingItem, plan: &ItemPlan) -> Option<ItemOutcome> {
        let ItemPlan::Create(creation) = plan else { return None };
        let slug = creation.line.text.slug.as_ref()?;
        match creation.line.id.map(|id| id.to_string()) {
            Some(id) if self.insights.contains(&hash_name(&id)) => {}
            _ if !self.insights.contains(&hash_name(slug.as_str())) => return None,
            None => {}
            Some(_) => {
                let taken = EditorialError::SlugTaken { slug: slug.to_string(), suggestions: Vec::new() };
                return Some(failed(item, &to_problem(taken)));
            }
        }
        Some(succeeded(item, ImportItemState::Updated, None, Vec::new()))
    }
}
