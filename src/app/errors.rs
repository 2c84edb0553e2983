//! Errors as one line of text, for the command line and the log.

use crate::domain::field_errors::FieldErrors;
use crate::editorial::error::EditorialError;

/// The faults of an input in one line: `email must be an address; name is required`.
pub(crate) fn format_field_errors(errors: FieldErrors) -> String {
    errors.into_iter().map(|error| format!("{} {}", error.pointer.trim_start_matches('/'), error.detail)).collect::<Vec<_>>().join("; ")
}

/// An editorial error with its field errors spelled out.
pub(crate) fn to_anyhow(error: EditorialError) -> anyhow::Error {
    match error {
        EditorialError::Invalid(errors) => anyhow::anyhow!("{}", format_field_errors(errors)),
        other => other.into(),
    }
}
