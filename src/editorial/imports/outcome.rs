//! The outcome of an item, as it is stored: its state, notes, and the problem of a failed one.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::field_errors::{FieldError, FieldErrors};
use crate::domain::import_state::{ImportItemState, ImportNote};
use crate::editorial::error::EditorialError;
use crate::store::imports::{ItemOutcome, WaitingItem};
use crate::store::json_column::Json;

/// A note about something that was lost, or done differently from what the item says.
pub(super) fn note(code: &str, detail: impl Into<String>) -> ImportNote {
    ImportNote::new(code, detail)
}

pub(super) fn succeeded(
    item: &WaitingItem,
    state: ImportItemState,
    insight: Option<(Uuid, String)>,
    notes: Vec<ImportNote>,
) -> ItemOutcome {
    let (insight_id, slug) = insight.unzip();
    let notes = Json(item.notes.0.iter().cloned().chain(notes).collect());
    ItemOutcome { number: item.number, state, insight_id, slug, problem: None, notes }
}

pub(super) fn failed(item: &WaitingItem, problem: &Value) -> ItemOutcome {
    ItemOutcome {
        number: item.number,
        state: ImportItemState::Failed,
        problem: Some(problem.clone()),
        notes: item.notes.clone(),
        ..ItemOutcome::default()
    }
}

/// Why an item failed: the code of the problem that a request would have received, and what to change.
pub(super) fn to_problem(error: EditorialError) -> Value {
    match error {
        EditorialError::Invalid(errors) => validation_problem(errors),
        EditorialError::SlugTaken { slug, suggestions } => json!({
            "code": "slug-taken", "suggestions": suggestions,
            "detail": format!("the slug \"{slug}\" belongs to another insight: give this one another slug, or the id of the other one"),
        }),
        EditorialError::Forbidden(reason) => json!({ "code": "insufficient-scope", "detail": reason }),
        EditorialError::NotFound => json!({ "code": "not-found", "detail": "it belongs to another author" }),
        EditorialError::Busy => {
            json!({ "code": "unavailable", "detail": "others kept changing the same insight: import it again" })
        }
        other => {
            tracing::error!(error = %other, "import item failed");
            json!({ "code": "internal", "detail": "the service failed on this item: the operator finds the cause in the log" })
        }
    }
}

/// For an item that has stopped the service repeatedly.
pub(super) fn poison_problem(attempts: i64) -> Value {
    let detail = format!("the service stopped {attempts} times while it processed this item: check it, and import it again");
    json!({ "code": "internal", "detail": detail })
}

pub(super) fn validation_problem(errors: FieldErrors) -> Value {
    let errors: Vec<Value> = errors
        .into_iter()
        .map(|FieldError { pointer, code, detail }| json!({ "pointer": pointer, "code": code, "detail": detail }))
        .collect();
    json!({ "code": "validation-failed", "detail": "the item breaks the rules listed in errors", "errors": errors })
}
