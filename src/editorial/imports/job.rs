//! One import and the worker that holds its lease: what batches and atomic imports have in common.

use uuid::Uuid;

use super::apply::{self, AppliedItem, ApplyResult};
use super::interruption::Interruption;
use super::lease::{lease_expiry, sender};
use super::outcome::{failed, succeeded, to_problem};
use super::plan::ItemPlan;
use crate::domain::authority::{Editor, Principal};
use crate::domain::change::NewChange;
use crate::domain::clock::Timestamp;
use crate::domain::import_state::{ImportItemState, ImportState};
use crate::editorial::authority;
use crate::editorial::error::EditorialError;
use crate::store::audit::{self, AuditEvent};
use crate::store::error::StoreError;
use crate::store::imports::{self, Import, ItemOutcome, WaitingItem};
use crate::store::{self, Connection, Store, Transaction};

/// Items that share a transaction.
pub(super) const BATCH_ITEMS: i64 = 128;
/// Bytes of input that those items may have in total.
const BATCH_BYTES: usize = 4_000_000;
/// How often to try an item that others change at the same time, or that stops the service.
pub(super) const MAX_ATTEMPTS: i64 = 3;
const AUTHORITY_ENDED: &str = "the authority of its sender ended: items that are still waiting were not applied";

pub(super) struct ImportJob<'j> {
    pub(super) store: &'j Store,
    pub(super) import: &'j Import,
    pub(super) worker: Uuid,
    /// The sender of the import, as it was when the items in hand were planned.
    pub(super) principal: Principal,
}

/// The leading items that may share a transaction; at least one.
pub(super) fn limit_bytes(mut items: Vec<WaitingItem>) -> Vec<WaitingItem> {
    let mut bytes = 0;
    let fitting = items.iter().take_while(|item| {
        bytes += item.input.len();
        bytes <= BATCH_BYTES
    });
    let count = fitting.count().max(1);
    items.truncate(count);
    items
}

impl ImportJob<'_> {
    /// Begins a transaction that renews the lease.
    pub(super) async fn begin_leased(&self, now: Timestamp) -> Result<Transaction, Interruption> {
        let txn = self.store.begin().await?;
        let is_acquired = imports::acquire_lease(&txn, self.import.id, self.worker, now, lease_expiry(now)).await?;
        if is_acquired { Ok(txn) } else { Err(Interruption::LeaseLost) }
    }

    /// Begins a transaction for what was planned: it renews the lease, and ends the import when its sender's authority has ended.
    pub(super) async fn begin(&self, now: Timestamp) -> Result<Transaction, Interruption> {
        let txn = self.begin_leased(now).await?;
        match self.current_sender(&txn, now).await? {
            Some(current) if self.is_planned_for(&current) => Ok(txn),
            Some(_) => Err(Interruption::AuthorityChanged),
            None => {
                imports::finish(&txn, self.import.id, ImportState::Failed, Some(AUTHORITY_ENDED), now).await?;
                self.store.commit_quietly(txn).await?;
                Err(Interruption::AuthorityEnded)
            }
        }
    }

    fn is_planned_for(&self, current: &Principal) -> bool {
        current.role == self.principal.role && current.scopes == self.principal.scopes
    }

    /// Compares the sender's authority with that of the plan. Before a commit, it catches what was revoked while the transaction ran.
    pub(super) async fn confirm_authority(&self, txn: &Transaction, now: Timestamp) -> Result<(), Interruption> {
        let is_same = self.current_sender(txn, now).await?.is_some_and(|current| self.is_planned_for(&current));
        if is_same { Ok(()) } else { Err(Interruption::AuthorityChanged) }
    }

    /// The sender with what is left of its authority; `None` when nothing is left that an import needs.
    pub(super) async fn current_sender(&self, db: &impl Connection, now: Timestamp) -> Result<Option<Principal>, StoreError> {
        Ok(authority::current(db, &sender(self.import), now).await?.filter(|sender| sender.has(Editor::SCOPE)))
    }

    /// Applies one item in a savepoint: kept when it succeeds, rolled back when it fails. No outcome when it has to be tried again.
    pub(super) async fn apply_item(
        &self,
        txn: &Transaction,
        item: &WaitingItem,
        plan: ItemPlan,
        now: Timestamp,
    ) -> Result<(Option<ItemOutcome>, Vec<NewChange>), EditorialError> {
        let savepoint = store::savepoint(txn).await?;
        let result = match plan {
            ItemPlan::Failed(problem) => return Ok((Some(failed(item, &problem)), Vec::new())),
            ItemPlan::Term(kind, draft) => apply::put_term(&savepoint, &self.principal, kind, draft, now).await,
            ItemPlan::Create(creation) => apply::create_insight(&savepoint, &self.principal, *creation, now).await,
            ItemPlan::Change(existing) => apply::update_insight(&savepoint, &self.principal, *existing, now).await,
        };
        match result {
            Ok(ApplyResult::Done(AppliedItem { state, insight, notes, changes })) => {
                store::release_savepoint(savepoint).await?;
                Ok((Some(succeeded(item, state, insight, notes)), changes))
            }
            Ok(ApplyResult::Retry) => {
                store::rollback_savepoint(savepoint).await?;
                Ok((None, Vec::new()))
            }
            Err(EditorialError::Store(error @ StoreError::Unavailable(_))) => Err(error.into()),
            Err(error) => {
                store::rollback_savepoint(savepoint).await?;
                Ok((Some(failed(item, &to_problem(error))), Vec::new()))
            }
        }
    }

    /// Drops the transaction of a dry run and records what its outcomes would be.
    pub(super) async fn record_dry_run(
        &self,
        dropped: Transaction,
        mut outcomes: Vec<ItemOutcome>,
        now: Timestamp,
    ) -> Result<(), Interruption> {
        drop(dropped);
        // The ids of a dry run lead nowhere.
        outcomes.iter_mut().filter(|outcome| outcome.state == ImportItemState::Created).for_each(|outcome| outcome.insight_id = None);
        let txn = self.begin_leased(now).await?;
        imports::record(&txn, self.import.id, &outcomes, now).await?;
        Ok(self.store.commit_quietly(txn).await?)
    }

    pub(super) async fn append_audit_events(&self, txn: &Transaction, changes: &[NewChange], now: Timestamp) -> Result<(), EditorialError> {
        Ok(audit::append_all(txn, &changes.iter().map(AuditEvent::from_change).collect::<Vec<_>>(), &self.principal, now).await?)
    }
}
