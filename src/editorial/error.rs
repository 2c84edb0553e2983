//! Every reason for which a write is refused. `http/response/problem.rs` maps each to a problem, without a catch-all.

use uuid::Uuid;

use crate::domain::field_errors::{FieldError, FieldErrors};
use crate::domain::merge::Merge;
use crate::domain::text::Refused;
use crate::store::audit::AuditEntry;
use crate::store::error::StoreError;
use crate::store::rows::revision;
use crate::store::work_queues::QueueError;

#[derive(Debug, thiserror::Error)]
pub enum EditorialError {
    #[error("not found, or hidden from the caller")]
    NotFound,
    #[error("the input is invalid")]
    Invalid(FieldErrors),
    #[error("the precondition does not match the current state")]
    Stale(Box<Stale>),
    #[error("the slug is taken")]
    SlugTaken { slug: String, suggestions: Vec<String> },
    #[error("it is in use")]
    InUse { uses: i64 },
    #[error("another has it already: {0}")]
    Taken(&'static str),
    #[error("the caller lacks authority: {0}")]
    Forbidden(&'static str),
    #[error("the caller's token or session has ended since the request began")]
    AuthorityEnded,
    #[error("the import has ended")]
    ImportEnded,
    #[error("the credentials are wrong")]
    BadCredentials,
    #[error("too many attempts")]
    TooManyAttempts { retry_after_seconds: i64 },
    #[error("too many requests wait for the same resource")]
    Busy,
    #[error("internal error: {0}")]
    Internal(&'static str),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What has changed since the state that the caller knows.
#[derive(Debug)]
pub struct Stale {
    /// The current state, for `If-Match`.
    pub state: String,
    pub changed_fields: Vec<String>,
    /// Later revisions and publications, oldest first.
    pub changed_by: Vec<ChangedBy>,
    /// The caller's edit merged with the current text.
    pub merge: Option<Merge>,
}

/// One later revision or publication.
#[derive(Debug)]
pub struct ChangedBy {
    pub action: String,
    /// The revision that was written, if one was.
    pub revision: Option<i64>,
    pub made_by: String,
    pub user_id: Option<Uuid>,
    pub token_id: Option<Uuid>,
    pub origin: String,
    pub at: i64,
}

impl ChangedBy {
    pub(super) fn from_revision(revision: revision::Model) -> Self {
        let revision::Model { number, made_by, user_id, token_id, origin, created_at, .. } = revision;
        Self { action: "revised".to_owned(), revision: Some(number), made_by, user_id, token_id, origin, at: created_at }
    }

    pub(super) fn from_audit_entry(entry: AuditEntry) -> Self {
        let AuditEntry { action, made_by, user_id, token_id, origin, at, .. } = entry;
        Self { action, revision: None, made_by, user_id, token_id, origin, at }
    }
}

impl Stale {
    #[must_use]
    pub fn new(state: String) -> Self {
        Self { state, changed_fields: Vec::new(), changed_by: Vec::new(), merge: None }
    }
}

impl From<QueueError> for EditorialError {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Full => Self::Busy,
            QueueError::Failed(reason) => Self::Internal(reason),
        }
    }
}

impl EditorialError {
    /// The precondition does not match, for a resource without history.
    #[must_use]
    pub fn stale(state: String) -> Self {
        Self::Stale(Box::new(Stale::new(state)))
    }

    /// One fault of one field.
    #[must_use]
    pub fn field(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        let Refused { code, detail } = Refused::new(code, detail);
        Self::Invalid(FieldError { pointer: pointer.into(), code, detail }.into())
    }
}
