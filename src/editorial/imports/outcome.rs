//! What came of an item, as it is written down.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::fields::FieldError;
use crate::domain::import_state::{ImportItemState, ImportNote};
use crate::editorial::error::EditorialError;
use crate::store::imports::{ItemOutcome, WaitingItem};
use crate::store::json_column::Json;

/// Something of an item that was lost or done otherwise than it says.
pub(super) fn note(code: &str, detail: impl Into<String>) -> ImportNote {
    ImportNote::new(code, detail)
}

pub(super) fn done(item: &WaitingItem, state: ImportItemState, insight: Option<(Uuid, String)>, more: Vec<ImportNote>) -> ItemOutcome {
    let (insight_id, slug) = insight.unzip();
    let notes = Json(item.notes.0.iter().cloned().chain(more).collect());
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

/// Why an item failed: the code of the problem that a request would have got, and what to change.
pub(super) fn problem(error: EditorialError) -> Value {
    match error {
        EditorialError::Invalid(errors) => invalid(errors),
        EditorialError::SlugTaken { slug, suggestions } => json!({
            "code": "slug-taken", "suggestions": suggestions,
            "detail": format!("the slug \"{slug}\" is another insight's: give this one another slug, or the other one's id"),
        }),
        EditorialError::Forbidden(why) => json!({ "code": "insufficient-scope", "detail": why }),
        EditorialError::NotFound => json!({ "code": "not-found", "detail": "it is another author's" }),
        EditorialError::Busy => json!({ "code": "unavailable", "detail": "others wrote the same insight all the time: import it again" }),
        other => {
            tracing::error!(error = %other, "an item could not be imported");
            json!({ "code": "internal", "detail": "the service failed at this item: the operator finds the cause in the log" })
        }
    }
}

/// Of an item that nobody survives.
pub(super) fn deadly(times: i64) -> Value {
    let detail = format!("the service stopped {times} times while it worked on this item: look at it, and import it again");
    json!({ "code": "internal", "detail": detail })
}

pub(super) fn invalid(errors: Vec<FieldError>) -> Value {
    let errors: Vec<Value> = errors
        .into_iter()
        .map(|FieldError { pointer, code, detail }| json!({ "pointer": pointer, "code": code, "detail": detail }))
        .collect();
    json!({ "code": "validation-failed", "detail": "the item breaks the rules listed in errors", "errors": errors })
}
