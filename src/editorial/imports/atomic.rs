//! Applies an atomic import: every item in one transaction, or none.

use super::interruption::Interruption;
use super::job::{BATCH_ITEMS, ImportJob, MAX_ATTEMPTS, limit_bytes};
use super::outcome::{failed, to_problem};
use super::plan::{ItemPlan, plan_one};
use crate::domain::clock::Timestamp;
use crate::domain::import_state::{ImportItemState, ImportState};
use crate::editorial::error::EditorialError;
use crate::store;
use crate::store::imports::{self, ItemOutcome};

/// Other writers wait for the transaction: more items would hold them up too long.
const MAX_ATOMIC_ITEMS: i64 = 10_000;

impl ImportJob<'_> {
    /// Applies every item in one transaction. If one fails, everything is rolled back, and the items that can be shown to fail say why.
    pub(super) async fn apply_atomically(&self, now: Timestamp) -> Result<(), Interruption> {
        let (store, import) = (self.store, self.import);
        let is_poison = import.stuck_times >= MAX_ATTEMPTS;
        if is_poison || import.total > MAX_ATOMIC_ITEMS {
            let problem = if is_poison {
                format!("the service stopped {MAX_ATTEMPTS} times during this import: import it without atomic to find the item")
            } else {
                format!("an import of more than {MAX_ATOMIC_ITEMS} items cannot be atomic: other writers would wait too long")
            };
            imports::finish(store.writer(), import.id, ImportState::Failed, Some(&problem), now).await?;
            return Ok(());
        }
        let first = imports::list_waiting(store.reader(), import.id, 0, 1).await?.first().map_or(0, |item| item.number);
        imports::record_retry(store.writer(), import.id, first, import.stuck_times + 1).await?;
        // The transaction holds the import's row, so that no other worker acquires the lease meanwhile.
        let txn = self.begin(now).await?;
        let mut changes = Vec::new();
        let mut outcomes = Vec::new();
        let mut last = 0;
        let failed_until = loop {
            let items = limit_bytes(imports::list_waiting(&txn, import.id, last, BATCH_ITEMS).await?);
            let Some(newest) = items.last() else { break None };
            last = newest.number;
            for item in &items {
                let plan = plan_one(store, &txn, &item.input, &self.principal, now).await?;
                let (outcome, more) = self.apply_item(&txn, item, plan, now).await?;
                outcomes.push(outcome.unwrap_or_else(|| failed(item, &to_problem(EditorialError::Busy))));
                changes.extend(more);
            }
            if outcomes.iter().any(|outcome| outcome.state == ImportItemState::Failed) {
                break Some(last);
            }
        };
        if let Some(last) = failed_until {
            drop(txn);
            outcomes.retain(|outcome| outcome.state == ImportItemState::Failed);
            return self.record_failures(outcomes, last, now).await;
        }
        if import.validate_only {
            self.record_dry_run(txn, outcomes, now).await?;
            imports::finish(store.writer(), import.id, ImportState::Done, None, now).await?;
            return Ok(());
        }
        imports::record(&txn, import.id, &outcomes, now).await?;
        imports::finish(&txn, import.id, ImportState::Done, None, now).await?;
        self.append_audit_events(&txn, &changes, now).await?;
        self.confirm_authority(&txn, now).await?;
        Ok(store::changes::commit_all(store, txn, &changes, now).await?)
    }

    /// Plans the remaining items outside of any transaction to find more failures, then ends the import.
    async fn record_failures(&self, mut failures: Vec<ItemOutcome>, mut last: i64, now: Timestamp) -> Result<(), Interruption> {
        let (store, import) = (self.store, self.import);
        loop {
            let items = limit_bytes(imports::list_waiting(store.reader(), import.id, last, BATCH_ITEMS).await?);
            let Some(newest) = items.last() else { break };
            last = newest.number;
            for item in &items {
                if let ItemPlan::Failed(problem) = plan_one(store, store.reader(), &item.input, &self.principal, now).await? {
                    failures.push(failed(item, &problem));
                }
            }
        }
        let txn = self.begin_leased(now).await?;
        imports::record(&txn, import.id, &failures, now).await?;
        let problem = "nothing was changed: items failed, and the import is atomic";
        imports::finish(&txn, import.id, ImportState::Failed, Some(problem), now).await?;
        Ok(store.commit_quietly(txn).await?)
    }
}
