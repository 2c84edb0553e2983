//! Applies a batch: the next waiting items, planned and rendered first, then written in one transaction with their outcomes.

use std::collections::HashMap;

use super::apply::AppliedItem;
use super::dry_run::{DryRunState, hash_name};
use super::group::{self, WrittenGroup};
use super::interruption::Interruption;
use super::job::{BATCH_ITEMS, ImportJob, MAX_ATTEMPTS, limit_bytes};
use super::outcome::{failed, poison_problem, succeeded, to_problem};
use super::plan::{ItemPlan, NewInsight, plan_all};
use crate::domain::clock::Timestamp;
use crate::domain::import_line::InsightLine;
use crate::domain::import_state::ImportItemState;
use crate::editorial::error::EditorialError;
use crate::editorial::terms;
use crate::store::error::StoreError;
use crate::store::imports::{self, WaitingItem};
use crate::store::{self, Transaction};

/// Waiting items and the plan of each.
pub(super) struct Lookahead {
    pub(super) items: Vec<WaitingItem>,
    plans: Vec<Result<ItemPlan, EditorialError>>,
}

impl Lookahead {
    /// The numbers of the first and the last item; `None` when there is none.
    pub(super) fn range(&self) -> Option<(i64, i64)> {
        Some((self.items.first()?.number, self.items.last()?.number))
    }
}

impl ImportJob<'_> {
    /// Plans the items after a number: everything that needs no transaction. Items before `cautious_until` come one at a time.
    pub(super) async fn plan_batch(&self, after: i64, cautious_until: i64, now: Timestamp) -> Result<Lookahead, EditorialError> {
        let (db, id) = (self.store.reader(), self.import.id);
        let mut items = limit_bytes(imports::list_waiting(db, id, after, BATCH_ITEMS).await?);
        if items.first().is_some_and(|first| first.number < cautious_until) {
            items.truncate(1);
        }
        let plans = plan_all(self.store, db, items.iter().map(|item| item.input.as_str()), &self.principal, now).await?;
        Ok(Lookahead { items, plans })
    }

    /// Fails an item that stops the service, or that others change all the time.
    pub(super) async fn fail_item(&self, item: &WaitingItem, is_contended: bool, now: Timestamp) -> Result<i64, Interruption> {
        let problem = if is_contended { to_problem(EditorialError::Busy) } else { poison_problem(MAX_ATTEMPTS) };
        let txn = self.begin(now).await?;
        imports::record(&txn, self.import.id, &[failed(item, &problem)], now).await?;
        self.store.commit_quietly(txn).await?;
        Ok(1)
    }

    /// Applies a batch and returns how many items are finished.
    pub(super) async fn apply_batch(&self, batch: Lookahead, dry_run: &mut DryRunState, now: Timestamp) -> Result<i64, Interruption> {
        let Lookahead { items, plans } = batch;
        let txn = self.begin(now).await?;
        for (kind, draft) in &dry_run.terms {
            let slug = draft.slug.clone().unwrap_or_default();
            terms::insert_in(&txn, *kind, &slug, draft.clone(), now).await?;
        }
        let mut outcomes = Vec::with_capacity(items.len());
        let group = self.apply_group(&txn, &plans, now).await?;
        let (mut changes, mut grouped) = (group.changes, group.items);
        for (index, (item, plan)) in items.iter().zip(plans).enumerate() {
            let plan = match plan {
                Ok(plan) => plan,
                Err(EditorialError::Busy) => continue,
                Err(error) => return Err(error.into()),
            };
            let mut names = Vec::new();
            if self.import.validate_only {
                if let Some(predicted) = dry_run.predict(item, &plan) {
                    outcomes.push(predicted);
                    continue;
                }
                dry_run.add_terms(&plan);
                names.extend(plan.line().into_iter().flat_map(InsightLine::own_names).map(|name| hash_name(&name)));
            }
            let (outcome, more) = match grouped.remove(&index) {
                Some(AppliedItem { state, insight, notes, changes }) => (Some(succeeded(item, state, insight, notes)), changes),
                None => self.apply_item(&txn, item, plan, now).await?,
            };
            changes.extend(more);
            if outcome.as_ref().is_some_and(|outcome| outcome.state == ImportItemState::Created) {
                dry_run.insights.extend(names);
            }
            outcomes.extend(outcome);
        }
        let finished = i64::try_from(outcomes.len()).unwrap_or(i64::MAX);
        if self.import.validate_only {
            self.record_dry_run(txn, outcomes, now).await?;
            return Ok(finished);
        }
        imports::record(&txn, self.import.id, &outcomes, now).await?;
        self.append_audit_events(&txn, &changes, now).await?;
        self.confirm_authority(&txn, now).await?;
        store::changes::commit_all(self.store, txn, &changes, now).await?;
        Ok(finished)
    }

    /// Writes the simple new insights of a batch together. If that fails, nothing of it is kept: the items are applied
    /// one by one, and each reports its own problem.
    async fn apply_group(
        &self,
        txn: &Transaction,
        plans: &[Result<ItemPlan, EditorialError>],
        now: Timestamp,
    ) -> Result<WrittenGroup, EditorialError> {
        // Lines about the same insight, or with the same slug, are applied in their order.
        let mut uses: HashMap<String, usize> = HashMap::new();
        for name in plans.iter().flatten().filter_map(ItemPlan::line).flat_map(InsightLine::names) {
            *uses.entry(name).or_default() += 1;
        }
        let creations: Vec<(usize, &NewInsight)> = plans
            .iter()
            .enumerate()
            .filter_map(|(index, plan)| match plan {
                Ok(ItemPlan::Create(creation)) => Some((index, creation.as_ref())),
                _ => None,
            })
            .filter(|(_, creation)| creation.line.names().iter().all(|name| uses.get(name) == Some(&1)))
            .collect();
        // A term's own line comes before the insights that carry the term: their order matters.
        let has_terms = plans.iter().any(|plan| matches!(plan, Ok(ItemPlan::Term(..))));
        if creations.len() < 2 || has_terms {
            return Ok(WrittenGroup::default());
        }
        let savepoint = store::savepoint(txn).await?;
        match group::create_insights(&savepoint, &self.principal, &creations, now).await {
            Ok(written) => {
                store::release_savepoint(savepoint).await?;
                Ok(written)
            }
            Err(EditorialError::Store(error @ StoreError::Unavailable(_))) => Err(error.into()),
            Err(error) => {
                tracing::debug!(%error, "import group failed; its items are applied one by one");
                store::rollback_savepoint(savepoint).await?;
                Ok(WrittenGroup::default())
            }
        }
    }
}
