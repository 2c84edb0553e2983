//! A write in its open transaction, before the commit. The caller reads the result in the transaction, stores its
//! response there, or drops the write as a dry run. Nothing changes until [`PendingWrite::commit`].
//!
//! In `http`, only `WriteMode` commits.

use crate::domain::authority::Principal;
use crate::domain::change::NewChange;
use crate::domain::clock::Timestamp;
use crate::store::audit::{self, AuditEvent};
use crate::store::{self, Store, Transaction};

use super::error::EditorialError;

/// A write in its transaction. Dropping it rolls it back.
#[must_use]
pub struct PendingWrite<T> {
    /// The result of the write, such as the id of what was created.
    pub value: T,
    txn: Transaction,
    principal: Principal,
    change: Option<NewChange>,
    event: Option<AuditEvent>,
}

impl<T> PendingWrite<T> {
    /// A write of content: it goes to the change log and to the audit log.
    pub(super) fn logged(txn: Transaction, principal: &Principal, change: NewChange, value: T) -> Self {
        let event = AuditEvent::from_change(&change);
        Self { value, txn, principal: principal.clone(), change: Some(change), event: Some(event) }
    }

    /// A write that is not content: it goes to the audit log only.
    pub(super) fn audited(txn: Transaction, principal: &Principal, event: AuditEvent, value: T) -> Self {
        Self { value, txn, principal: principal.clone(), change: None, event: Some(event) }
    }

    /// A write that changes nothing.
    pub(super) fn unchanged(txn: Transaction, principal: &Principal, value: T) -> Self {
        Self { value, txn, principal: principal.clone(), change: None, event: None }
    }

    /// Who has asked for the write.
    #[must_use]
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The transaction: the database as it will be.
    #[must_use]
    pub fn txn(&self) -> &Transaction {
        &self.txn
    }

    /// Appends the change and the audit event, commits, and notifies the followers of the log.
    pub async fn commit(self, store: &Store, now: Timestamp) -> Result<T, EditorialError> {
        let Self { value, txn, principal, change, event } = self;
        if let Some(event) = event {
            audit::append(&txn, &event, &principal, now).await?;
        }
        match change {
            Some(change) => store::changes::commit(store, txn, &change, now).await?,
            None => store.commit_quietly(txn).await?,
        }
        Ok(value)
    }
}
