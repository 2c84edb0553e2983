//! What a rehearsal has found out so far: nothing of it is kept by the database, and later lines are told of it.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::outcome::{self, done, failed};
use super::plan::ItemPlan;
use crate::domain::import_state::ImportItemState;
use crate::domain::term::{TermDraft, TermKind};
use crate::editorial::error::EditorialError;
use crate::store::imports::{ItemOutcome, WaitingItem};

/// What a rehearsal would have made so far.
#[derive(Default)]
pub(super) struct DryRunState {
    pub(super) terms: Vec<(TermKind, TermDraft)>,
    /// What new insights are found by, as digests: there may be millions.
    pub(super) insights: HashSet<u64>,
}

pub(super) fn digest(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

impl DryRunState {
    pub(super) fn remember_terms(&mut self, plan: &ItemPlan) {
        for (kind, draft) in plan.terms() {
            // What a line says of a term that is there changes nothing, unless it is a term's own line.
            match self.terms.iter_mut().find(|(known, there)| *known == kind && there.slug == draft.slug) {
                Some(there) if matches!(plan, ItemPlan::Term(..)) => there.1 = draft,
                Some(_) => {}
                None => self.terms.push((kind, draft)),
            }
        }
    }

    /// What would become of a line whose insight an earlier one would have made, or whose slug.
    pub(super) fn told(&self, item: &WaitingItem, plan: &ItemPlan) -> Option<ItemOutcome> {
        let ItemPlan::Create(creation) = plan else { return None };
        let slug = creation.line.text.slug.as_ref()?;
        match creation.line.id.map(|id| id.to_string()) {
            Some(id) if self.insights.contains(&digest(&id)) => {}
            _ if !self.insights.contains(&digest(slug.as_str())) => return None,
            None => {}
            Some(_) => {
                let taken = EditorialError::SlugTaken { slug: slug.to_string(), suggestions: Vec::new() };
                return Some(failed(item, &outcome::problem(taken)));
            }
        }
        Some(done(item, ImportItemState::Updated, None, Vec::new()))
    }
}
