//! Every reason for which a change is refused. What each becomes on the wire is `http::problem`'s business.

use crate::domain::fields::FieldError;
use crate::domain::text::Refused;
use crate::store::error::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum EditorialError {
    #[error("there is no such thing, or the caller may not know of it")]
    NotFound,
    #[error("the input breaks a rule")]
    Invalid(Vec<FieldError>),
    #[error("the caller does not hold the present state")]
    Stale { state: String, changed_fields: Vec<String> },
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

impl EditorialError {
    /// One fault of one field.
    #[must_use]
    pub fn field(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        let Refused { code, detail } = Refused::new(code, detail);
        Self::Invalid(vec![FieldError { pointer: pointer.into(), code, detail }])
    }
}
