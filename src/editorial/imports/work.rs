//! Works on an import: a few items at a time, each batch one transaction with its outcomes and the right to go on inside.

use futures_util::future::join_all;
use uuid::Uuid;

use super::apply::{self, Done, Tried};
use super::outcome::{self, done, failed};
use super::plan::{Plan, plan};
use super::{lease_end, principal};
use crate::domain::authority::Principal;
use crate::domain::change::NewChange;
use crate::domain::clock::{Clock, Timestamp};
use crate::editorial::error::EditorialError;
use crate::store::audit::{self, Deed};
use crate::store::imports::{self, Import, Outcome, Waiting};
use crate::store::{self, Store, Transaction};

/// Items that share a transaction.
const BATCH: i64 = 64;
/// Bytes of input that they may have together.
const BATCH_BYTES: usize = 4_000_000;
/// How often an item is tried that others write at the same time, or that the service does not survive.
const TRIES: i64 = 3;

/// How the work on an import ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    Finished,
    /// Another worker has it now.
    Lost,
}

/// Works on an import until it is done. Tells after each batch how many items are finished.
///
/// # Errors
/// The database's; what was finished stays finished, and the next worker goes on behind it.
pub async fn work(store: &Store, import: Uuid, worker: Uuid, clock: &Clock, mut told: impl FnMut(i64)) -> Result<Work, EditorialError> {
    let Some(import) = imports::find(store.reader(), import).await? else { return Ok(Work::Lost) };
    let by = principal(&import);
    if import.atomic {
        return all_or_nothing(store, &import, worker, &by, clock.now()).await;
    }
    let mut stuck = import.stuck_times;
    let mut again = 0;
    loop {
        let now = clock.now();
        // Where the service died before, one item at a time: the next death is the item's own.
        let most = if stuck > 0 { 1 } else { BATCH };
        let items = within(imports::waiting(store.reader(), import.id, 0, most).await?);
        let Some(first) = items.first() else {
            imports::finish(store.writer(), import.id, "done", None, now).await?;
            return Ok(Work::Finished);
        };
        let hopeless = (stuck >= TRIES && first.number == import.stuck_at) || again >= TRIES;
        let outcomes = if hopeless {
            give_up(store, &import, worker, first, again > 0, now).await?
        } else {
            batch(store, &import, worker, (&by, &items), now).await?
        };
        let Some(finished) = outcomes else { return Ok(Work::Lost) };
        again = if finished == 0 { again + 1 } else { 0 };
        stuck = 0;
        told(finished);
    }
}

/// As many as may share a transaction.
fn within(mut items: Vec<Waiting>) -> Vec<Waiting> {
    let mut bytes = 0;
    let fit = items.iter().take_while(|item| {
        bytes += item.input.len();
        bytes <= BATCH_BYTES
    });
    let fit = fit.count().max(1);
    items.truncate(fit);
    items
}

async fn give_up(
    store: &Store,
    import: &Import,
    worker: Uuid,
    item: &Waiting,
    busy: bool,
    now: Timestamp,
) -> Result<Option<i64>, EditorialError> {
    let problem = if busy {
        outcome::problem(EditorialError::Busy)
    } else {
        serde_json::json!({
            "code": "internal", "detail": format!("the service stopped {TRIES} times while it worked on this item: look at it, and import it again"),
        })
    };
    let txn = store.begin().await?;
    if !imports::lease(&txn, import.id, worker, now, lease_end(now)).await? {
        return Ok(None);
    }
    imports::record(&txn, import.id, &[failed(item, &problem)], now).await?;
    store.commit_quietly(txn).await?;
    Ok(Some(1))
}

/// Does some items. Answers how many are finished; nothing when another worker has the import.
async fn batch(
    store: &Store,
    import: &Import,
    worker: Uuid,
    (by, items): (&Principal, &[Waiting]),
    now: Timestamp,
) -> Result<Option<i64>, EditorialError> {
    let plans = join_all(items.iter().map(|item| plan(store.reader(), &item.input, by, now))).await;
    let txn = store.begin().await?;
    if !imports::lease(&txn, import.id, worker, now, lease_end(now)).await? {
        return Ok(None);
    }
    let mut outcomes = Vec::with_capacity(items.len());
    let mut changes = Vec::new();
    for (item, plan) in items.iter().zip(plans) {
        let (outcome, more) = in_savepoint(&txn, import, by, (item, plan), now).await?;
        changes.extend(more);
        outcomes.extend(outcome);
    }
    imports::record(&txn, import.id, &outcomes, now).await?;
    let finished = i64::try_from(outcomes.len()).unwrap_or(i64::MAX);
    log(&txn, by, &changes, now).await?;
    store::changes::commit_all(store, txn, &changes, now).await?;
    Ok(Some(finished))
}

/// One item in a savepoint: kept when it is done, undone when it fails or is only rehearsed. No outcome when it is to be tried again.
async fn in_savepoint(
    txn: &Transaction,
    import: &Import,
    by: &Principal,
    (item, plan): (&Waiting, Plan),
    now: Timestamp,
) -> Result<(Option<Outcome>, Vec<NewChange>), EditorialError> {
    let point = store::savepoint(txn).await?;
    let tried = match plan {
        Plan::Failed(problem) => return Ok((Some(failed(item, &problem)), Vec::new())),
        Plan::Term(kind, draft) => apply::term(&point, by, kind, draft, now).await,
        Plan::Create(creation) => apply::create(&point, by, *creation, now).await,
        Plan::Change(alteration) => apply::alter(&point, by, *alteration, now).await,
    };
    match tried {
        Ok(Tried::Done(Done { state, insight, notes, changes })) => {
            let outcome = done(item, state, insight, notes);
            if import.validate_only {
                store::undo(point).await?;
                return Ok((Some(outcome), Vec::new()));
            }
            store::keep(point).await?;
            Ok((Some(outcome), changes))
        }
        Ok(Tried::Again) => {
            store::undo(point).await?;
            Ok((None, Vec::new()))
        }
        Err(EditorialError::Store(error @ store::error::StoreError::Unavailable(_))) => Err(error.into()),
        Err(error) => {
            store::undo(point).await?;
            Ok((Some(failed(item, &outcome::problem(error))), Vec::new()))
        }
    }
}

async fn log(txn: &Transaction, by: &Principal, changes: &[NewChange], now: Timestamp) -> Result<(), EditorialError> {
    for NewChange { kind, resource, resource_id, slug, .. } in changes {
        let deed = Deed { action: kind.as_str(), resource: resource.as_str(), resource_id: *resource_id, label: slug.clone() };
        audit::append(txn, &deed, by, now).await?;
    }
    Ok(())
}

/// Every item in one transaction. When one fails the others are undone, and each says why.
async fn all_or_nothing(store: &Store, import: &Import, worker: Uuid, by: &Principal, now: Timestamp) -> Result<Work, EditorialError> {
    let txn = store.begin().await?;
    // The row is held until the end: nobody else takes the import over meanwhile.
    if !imports::lease(&txn, import.id, worker, now, lease_end(now)).await? {
        return Ok(Work::Lost);
    }
    let mut changes = Vec::new();
    let mut faults = Vec::new();
    let mut last = 0;
    loop {
        let items = within(imports::waiting(&txn, import.id, last, BATCH).await?);
        let Some(newest) = items.last() else { break };
        last = newest.number;
        for item in &items {
            let planned = plan(&txn, &item.input, by, now).await;
            let (outcome, more) = in_savepoint(&txn, import, by, (item, planned), now).await?;
            let outcome = outcome.unwrap_or_else(|| failed(item, &outcome::problem(EditorialError::Busy)));
            if outcome.state == "failed" {
                faults.push(outcome);
            } else if faults.is_empty() {
                imports::record(&txn, import.id, std::slice::from_ref(&outcome), now).await?;
                changes.extend(more);
            }
        }
    }
    if faults.is_empty() {
        imports::finish(&txn, import.id, "done", None, now).await?;
        log(&txn, by, &changes, now).await?;
        store::changes::commit_all(store, txn, &changes, now).await?;
        return Ok(Work::Finished);
    }
    drop(txn);
    let txn = store.begin().await?;
    imports::record(&txn, import.id, &faults, now).await?;
    imports::finish(&txn, import.id, "failed", Some("nothing was changed: items failed, and the import was to be all or nothing"), now)
        .await?;
    store.commit_quietly(txn).await?;
    Ok(Work::Finished)
}
