//! A write between being made and being committed. Whoever asked for it looks at it there: to keep its answer with it, or to rehearse it and
//! let it go. Nothing is changed until [`PendingWrite::commit`].

use crate::domain::authority::Principal;
use crate::domain::change::NewChange;
use crate::domain::clock::Timestamp;
use crate::store::audit::{self, AuditEvent};
use crate::store::{self, Store, Transaction};

use super::error::EditorialError;

/// A write made in its transaction. Dropping it undoes it.
#[must_use]
pub struct PendingWrite<T> {
    /// What the write is about.
    pub made: T,
    txn: Transaction,
    by: Principal,
    change: Option<NewChange>,
    deed: Option<AuditEvent>,
}

impl<T> PendingWrite<T> {
    /// A write of content: what the change log says of it, the audit log says too.
    pub(super) fn content(txn: Transaction, by: &Principal, change: NewChange, made: T) -> Self {
        let deed = AuditEvent::from_change(&change);
        Self { made, txn, by: by.clone(), change: Some(change), deed: Some(deed) }
    }

    /// A write of something that is not content.
    pub(super) fn other(txn: Transaction, by: &Principal, deed: AuditEvent, made: T) -> Self {
        Self { made, txn, by: by.clone(), change: None, deed: Some(deed) }
    }

    /// A write after which everything is as it was.
    pub(super) fn nothing(txn: Transaction, by: &Principal, made: T) -> Self {
        Self { made, txn, by: by.clone(), change: None, deed: None }
    }

    /// Who asked for it.
    #[must_use]
    pub fn by(&self) -> &Principal {
        &self.by
    }

    /// The database as it will be.
    #[must_use]
    pub fn txn(&self) -> &Transaction {
        &self.txn
    }

    pub async fn commit(self, store: &Store, now: Timestamp) -> Result<T, EditorialError> {
        let Self { made, txn, by, change, deed } = self;
        if let Some(deed) = deed {
            audit::append(&txn, &deed, &by, now).await?;
        }
        match change {
            Some(change) => store::changes::commit(store, txn, &change, now).await?,
            None => store.commit_quietly(txn).await?,
        }
        Ok(made)
    }
}
