//! Works on an import: a few items at a time, each batch one transaction with its outcomes and the right to go on inside.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join;
use uuid::Uuid;

use super::apply::{self, AppliedItem, ApplyResult};
use super::dry_run::{DryRunState, digest};
use super::group::{self, WrittenGroup};
use super::outcome::{self, done, failed};
use super::plan::{ItemPlan, NewInsight, plan_one, plans};
use crate::domain::authority::Principal;
use crate::domain::change::NewChange;
use crate::domain::clock::{Clock, Timestamp};
use crate::domain::import_line::InsightLine;
use crate::domain::import_state::{ImportItemState, ImportState};
use crate::editorial::error::EditorialError;
use crate::editorial::imports::lease::{MOST_ATOMIC, lease_end, principal};
use crate::editorial::terms;
use crate::store::audit::{self, AuditEvent};
use crate::store::error::StoreError;
use crate::store::imports::{self, Import, ItemOutcome, WaitingItem};
use crate::store::{self, Store, Transaction};

/// Items that share a transaction.
const BATCH: i64 = 128;
/// Bytes of input that they may have together.
const BATCH_BYTES: usize = 4_000_000;
/// How often an item is tried that others write at the same time, or that the service does not survive.
const TRIES: i64 = 3;
/// Between two tries of an item that others are in the way of.
const PAUSE: Duration = Duration::from_millis(100);

/// How the work on an import ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkOutcome {
    Finished,
    /// Another worker has it now.
    Lost,
}

/// One import and who works on it.
struct ImportJob<'j> {
    store: &'j Store,
    import: &'j Import,
    worker: Uuid,
    by: Principal,
}

/// Works on an import until it is done. Tells after each batch how many items are finished, and goes on when that was heard.
///
/// # Errors
/// The database's; what was finished stays finished, and the next worker goes on behind it.
pub async fn work<T: Future<Output = ()> + Send>(
    store: &Store,
    import: Uuid,
    worker: Uuid,
    clock: &Clock,
    mut told: impl FnMut(i64) -> T,
) -> Result<WorkOutcome, EditorialError> {
    let Some(import) = imports::find(store.reader(), import).await? else { return Ok(WorkOutcome::Lost) };
    let job = ImportJob { store, by: principal(&import), import: &import, worker };
    if import.atomic {
        return job.all_or_nothing(clock.now()).await;
    }
    let mut again = 0;
    let mut made = DryRunState::default();
    let mut ahead: Option<Lookahead> = None;
    // Where another worker has left it, one item at a time, and each noted before it is tried: the next death is the item's own.
    let careful = if import.stuck_at > 0 { import.stuck_at + BATCH } else { 0 };
    loop {
        let now = clock.now();
        let looked = match ahead.take() {
            Some(looked) => looked,
            None => job.look(0, careful, now).await?,
        };
        let Some((first, last)) = looked.ends() else {
            imports::finish(store.writer(), import.id, ImportState::Done, None, now).await?;
            return Ok(WorkOutcome::Finished);
        };
        let times = if first == import.stuck_at { import.stuck_times } else { 0 };
        let count = looked.items.len();
        let outcomes = if times >= TRIES || again >= TRIES {
            job.give_up(&looked.items[0], times < TRIES, now).await?
        } else if first < careful {
            imports::record_retry(store.writer(), import.id, first, times + 1).await?;
            let outcomes = job.batch(looked, &mut made, now).await;
            if outcomes.is_err() {
                // It was interrupted, and did not die of the item.
                imports::record_retry(store.writer(), import.id, first, times).await?;
            }
            outcomes?
        } else {
            // The next items are looked at while these are written.
            let (outcomes, next) = join(Box::pin(job.batch(looked, &mut made, now)), Box::pin(job.look(last, careful, now))).await;
            ahead = next.ok().filter(|next| next.ends().is_some());
            outcomes?
        };
        let Some(finished) = outcomes else { return Ok(WorkOutcome::Lost) };
        again = if finished == 0 { again + 1 } else { 0 };
        if finished == 0 {
            tokio::time::sleep(PAUSE).await;
        }
        if usize::try_from(finished) != Ok(count) {
            // Some are still to be done: they come first.
            ahead = None;
        }
        told(finished).await;
    }
}

/// Some items that are still to be done, and what is to be done for each.
struct Lookahead {
    items: Vec<WaitingItem>,
    plans: Vec<Result<ItemPlan, EditorialError>>,
}

impl Lookahead {
    /// The numbers of the first and the last.
    fn ends(&self) -> Option<(i64, i64)> {
        Some((self.items.first()?.number, self.items.last()?.number))
    }
}

/// As many as may share a transaction.
fn within(mut items: Vec<WaitingItem>) -> Vec<WaitingItem> {
    let mut bytes = 0;
    let fit = items.iter().take_while(|item| {
        bytes += item.input.len();
        bytes <= BATCH_BYTES
    });
    let fit = fit.count().max(1);
    items.truncate(fit);
    items
}

impl ImportJob<'_> {
    /// A transaction in which this worker has the import; nothing when another one has it.
    async fn begin(&self, now: Timestamp) -> Result<Option<Transaction>, EditorialError> {
        let txn = self.store.begin().await?;
        Ok(imports::acquire_lease(&txn, self.import.id, self.worker, now, lease_end(now)).await?.then_some(txn))
    }

    /// The next items behind one, and what is to be done for each: everything that needs no transaction.
    async fn look(&self, behind: i64, careful: i64, now: Timestamp) -> Result<Lookahead, EditorialError> {
        let (db, id) = (self.store.reader(), self.import.id);
        let mut items = within(imports::list_waiting(db, id, behind, BATCH).await?);
        if items.first().is_some_and(|first| first.number < careful) {
            items.truncate(1);
        }
        let plans = plans(db, items.iter().map(|item| item.input.as_str()), &self.by, now).await?;
        Ok(Lookahead { items, plans })
    }

    async fn give_up(&self, item: &WaitingItem, busy: bool, now: Timestamp) -> Result<Option<i64>, EditorialError> {
        let problem = if busy { outcome::problem(EditorialError::Busy) } else { outcome::deadly(TRIES) };
        let Some(txn) = self.begin(now).await? else { return Ok(None) };
        imports::record(&txn, self.import.id, &[failed(item, &problem)], now).await?;
        self.store.commit_quietly(txn).await?;
        Ok(Some(1))
    }

    /// Does some items. Answers how many are finished; nothing when another worker has the import.
    async fn batch(&self, looked: Lookahead, made: &mut DryRunState, now: Timestamp) -> Result<Option<i64>, EditorialError> {
        let Lookahead { items, plans } = looked;
        let Some(txn) = self.begin(now).await? else { return Ok(None) };
        for (kind, draft) in &made.terms {
            let slug = draft.slug.clone().unwrap_or_default();
            terms::put_in(&txn, *kind, &slug, draft.clone(), now).await?;
        }
        let mut outcomes = Vec::with_capacity(items.len());
        let written = self.together(&txn, &plans, now).await?;
        let mut changes = written.made;
        let mut together = written.done;
        for (place, (item, plan)) in items.iter().zip(plans).enumerate() {
            let plan = match plan {
                Ok(plan) => plan,
                Err(EditorialError::Busy) => continue,
                Err(error) => return Err(error),
            };
            let mut names = Vec::new();
            if self.import.validate_only {
                if let Some(told) = made.told(item, &plan) {
                    outcomes.push(told);
                    continue;
                }
                made.remember_terms(&plan);
                names.extend(plan.line().into_iter().flat_map(InsightLine::own_names).map(|name| digest(&name)));
            }
            let (outcome, more) = match together.remove(&place) {
                Some(AppliedItem { state, insight, notes, changes }) => (Some(done(item, state, insight, notes)), changes),
                None => self.in_savepoint(&txn, (item, plan), now).await?,
            };
            changes.extend(more);
            made.insights
                .extend(names.into_iter().filter(|_| outcome.as_ref().is_some_and(|outcome| outcome.state == ImportItemState::Created)));
            outcomes.extend(outcome);
        }
        let finished = i64::try_from(outcomes.len()).unwrap_or(i64::MAX);
        if self.import.validate_only {
            return Ok(self.record_alone(txn, outcomes, now).await?.then_some(finished));
        }
        imports::record(&txn, self.import.id, &outcomes, now).await?;
        self.log(&txn, &changes, now).await?;
        store::changes::commit_all(self.store, txn, &changes, now).await?;
        Ok(Some(finished))
    }

    /// Writes the plain new insights of a batch together. When that fails, everything is done one by one, and says why by itself.
    async fn together(
        &self,
        txn: &Transaction,
        plans: &[Result<ItemPlan, EditorialError>],
        now: Timestamp,
    ) -> Result<WrittenGroup, EditorialError> {
        // Lines that are about the same, or want the same slug, are done in their order.
        let mut named: HashMap<String, usize> = HashMap::new();
        for name in plans.iter().flatten().filter_map(ItemPlan::line).flat_map(InsightLine::names) {
            *named.entry(name).or_default() += 1;
        }
        let creations: Vec<(usize, &NewInsight)> = plans
            .iter()
            .enumerate()
            .filter_map(|(place, plan)| match plan {
                Ok(ItemPlan::Create(creation)) => Some((place, creation.as_ref())),
                _ => None,
            })
            .filter(|(_, creation)| creation.line.names().iter().all(|name| named.get(name) == Some(&1)))
            .collect();
        // A category's own line comes before the insights that are in it: their order is kept.
        let has_terms = plans.iter().any(|plan| matches!(plan, Ok(ItemPlan::Term(..))));
        if creations.len() < 2 || has_terms {
            return Ok(WrittenGroup::default());
        }
        let point = store::savepoint(txn).await?;
        match group::create(&point, &self.by, &creations, now).await {
            Ok(written) => {
                store::release_savepoint(point).await?;
                Ok(written)
            }
            Err(EditorialError::Store(error @ StoreError::Unavailable(_))) => Err(error.into()),
            Err(error) => {
                tracing::debug!(%error, "a group is imported one by one");
                store::rollback_savepoint(point).await?;
                Ok(WrittenGroup::default())
            }
        }
    }

    /// Lets go what was done, and keeps what would have come of it. False when another worker has the import.
    async fn record_alone(&self, rehearsed: Transaction, mut outcomes: Vec<ItemOutcome>, now: Timestamp) -> Result<bool, EditorialError> {
        drop(rehearsed);
        // What is only rehearsed gets no id.
        outcomes.iter_mut().filter(|outcome| outcome.state == ImportItemState::Created).for_each(|outcome| outcome.insight_id = None);
        let Some(txn) = self.begin(now).await? else { return Ok(false) };
        imports::record(&txn, self.import.id, &outcomes, now).await?;
        self.store.commit_quietly(txn).await?;
        Ok(true)
    }

    /// One item in a savepoint: kept when it is done, undone when it fails. No outcome when it is to be tried again.
    async fn in_savepoint(
        &self,
        txn: &Transaction,
        (item, plan): (&WaitingItem, ItemPlan),
        now: Timestamp,
    ) -> Result<(Option<ItemOutcome>, Vec<NewChange>), EditorialError> {
        let point = store::savepoint(txn).await?;
        let tried = match plan {
            ItemPlan::Failed(problem) => return Ok((Some(failed(item, &problem)), Vec::new())),
            ItemPlan::Term(kind, draft) => apply::term(&point, &self.by, kind, draft, now).await,
            ItemPlan::Create(creation) => apply::create(&point, &self.by, *creation, now).await,
            ItemPlan::Change(alteration) => apply::alter(&point, &self.by, *alteration, now).await,
        };
        match tried {
            Ok(ApplyResult::Done(AppliedItem { state, insight, notes, changes })) => {
                store::release_savepoint(point).await?;
                Ok((Some(done(item, state, insight, notes)), changes))
            }
            Ok(ApplyResult::Again) => {
                store::rollback_savepoint(point).await?;
                Ok((None, Vec::new()))
            }
            Err(EditorialError::Store(error @ StoreError::Unavailable(_))) => Err(error.into()),
            Err(error) => {
                store::rollback_savepoint(point).await?;
                Ok((Some(failed(item, &outcome::problem(error))), Vec::new()))
            }
        }
    }

    async fn log(&self, txn: &Transaction, changes: &[NewChange], now: Timestamp) -> Result<(), EditorialError> {
        Ok(audit::append_all(txn, &changes.iter().map(AuditEvent::from_change).collect::<Vec<_>>(), &self.by, now).await?)
    }

    /// Every item in one transaction. When one fails everything is undone, and those that can be found to fail say why.
    async fn all_or_nothing(&self, now: Timestamp) -> Result<WorkOutcome, EditorialError> {
        let (store, import) = (self.store, self.import);
        let hopeless = import.stuck_times >= TRIES;
        if hopeless || import.total > MOST_ATOMIC {
            let problem = if hopeless {
                format!("the service stopped {TRIES} times while it worked on this import: import it without atomic to find the item")
            } else {
                format!("an import of more than {MOST_ATOMIC} items cannot be all or nothing: other writers would wait too long")
            };
            imports::finish(store.writer(), import.id, ImportState::Failed, Some(&problem), now).await?;
            return Ok(WorkOutcome::Finished);
        }
        let first = imports::list_waiting(store.reader(), import.id, 0, 1).await?.first().map_or(0, |item| item.number);
        imports::record_retry(store.writer(), import.id, first, import.stuck_times + 1).await?;
        // The row is held until the end: nobody else takes the import over meanwhile.
        let Some(txn) = self.begin(now).await? else { return Ok(WorkOutcome::Lost) };
        let mut changes = Vec::new();
        let mut outcomes = Vec::new();
        let mut last = 0;
        let fault = loop {
            let items = within(imports::list_waiting(&txn, import.id, last, BATCH).await?);
            let Some(newest) = items.last() else { break None };
            last = newest.number;
            for item in &items {
                let planned = plan_one(&txn, &item.input, &self.by, now).await?;
                let (outcome, more) = self.in_savepoint(&txn, (item, planned), now).await?;
                outcomes.push(outcome.unwrap_or_else(|| failed(item, &outcome::problem(EditorialError::Busy))));
                changes.extend(more);
            }
            if outcomes.iter().any(|outcome| outcome.state == ImportItemState::Failed) {
                break Some(last);
            }
        };
        if let Some(last) = fault {
            drop(txn);
            outcomes.retain(|outcome| outcome.state == ImportItemState::Failed);
            return self.refuse(outcomes, last, now).await;
        }
        if import.validate_only {
            if !self.record_alone(txn, outcomes, now).await? {
                return Ok(WorkOutcome::Lost);
            }
            imports::finish(store.writer(), import.id, ImportState::Done, None, now).await?;
            return Ok(WorkOutcome::Finished);
        }
        imports::record(&txn, import.id, &outcomes, now).await?;
        imports::finish(&txn, import.id, ImportState::Done, None, now).await?;
        self.log(&txn, &changes, now).await?;
        store::changes::commit_all(store, txn, &changes, now).await?;
        Ok(WorkOutcome::Finished)
    }

    /// Looks at the rest without holding anybody up, and ends the import.
    async fn refuse(&self, mut faults: Vec<ItemOutcome>, mut last: i64, now: Timestamp) -> Result<WorkOutcome, EditorialError> {
        loop {
            let items = within(imports::list_waiting(self.store.reader(), self.import.id, last, BATCH).await?);
            let Some(newest) = items.last() else { break };
            last = newest.number;
            for item in &items {
                if let ItemPlan::Failed(problem) = plan_one(self.store.reader(), &item.input, &self.by, now).await? {
                    faults.push(failed(item, &problem));
                }
            }
        }
        let Some(txn) = self.begin(now).await? else { return Ok(WorkOutcome::Lost) };
        imports::record(&txn, self.import.id, &faults, now).await?;
        let problem = "nothing was changed: items failed, and the import was to be all or nothing";
        imports::finish(&txn, self.import.id, ImportState::Failed, Some(problem), now).await?;
        self.store.commit_quietly(txn).await?;
        Ok(WorkOutcome::Finished)
    }
}
