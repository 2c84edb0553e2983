//! Every reason for which a change is refused. What each becomes on the wire is `http::problem`'s business.

use uuid::Uuid;

use crate::domain::fields::FieldError;
use crate::domain::merge::Merge;
use crate::domain::text::Refused;
use crate::store::audit::AuditEntry;
use crate::store::error::StoreError;
use crate::store::rows::revision;

#[derive(Debug, thiserror::Error)]
pub enum EditorialError {
    #[error("there is no such thing, or the caller may not know of it")]
    NotFound,
    #[error("the input breaks a rule")]
    Invalid(Vec<FieldError>),
    #[error("the caller does not hold the present state")]
    Stale(Box<Stale>),
    #[error("the slug is taken")]
    SlugTaken { slug: String, suggestions: Vec<String> },
    #[error("it is in use")]
    InUse { uses: i64 },
    #[error("another has it already: {0}")]
    Taken(&'static str),
    #[error("the caller's authority does not reach: {0}")]
    Forbidden(&'static str),
    #[error("the credentials are wrong")]
    BadCredentials,
    #[error("too many attempts")]
    TooManyAttempts { retry_after_seconds: i64 },
    #[error("too many wait for the same")]
    Busy,
    #[error("the service cannot do its part: {0}")]
    Internal(&'static str),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a caller who is late is told.
#[derive(Debug)]
pub struct Stale {
    pub state: String,
    pub changed_fields: Vec<String>,
    /// Who wrote or published since, oldest first.
    pub changed_by: Vec<ChangedBy>,
    /// What the caller wrote and what is there, in one text.
    pub merge: Option<Merge>,
}

/// What somebody did that the caller did not know of.
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
    pub(super) fn revised(revision: revision::Model) -> Self {
        let revision::Model { number, made_by, user_id, token_id, origin, created_at, .. } = revision;
        Self { action: "revised".to_owned(), revision: Some(number), made_by, user_id, token_id, origin, at: created_at }
    }

    pub(super) fn moved(entry: AuditEntry) -> Self {
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

impl EditorialError {
    /// The caller does not hold the present state of something that has no history.
    #[must_use]
    pub fn stale(state: String) -> Self {
        Self::Stale(Box::new(Stale::new(state)))
    }

    /// One fault of one field.
    #[must_use]
    pub fn field(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        let Refused { code, detail } = Refused::new(code, detail);
        Self::Invalid(vec![FieldError { pointer: pointer.into(), code, detail }])
    }
}
