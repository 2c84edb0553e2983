//! Small schemas that several parts of the document use.

use serde_json::{Value, json};

#[expect(clippy::needless_pass_by_value, reason = "every caller builds the schema for this call")]
pub(crate) fn header(description: &str, schema: Value) -> Value {
    json!({ "description": description, "schema": schema })
}

pub(crate) fn string() -> Value {
    json!({ "type": "string" })
}

/// The header of a replayed response.
pub(crate) fn replayed() -> Value {
    header(
        "`true` when this is the response to an earlier request with the same Idempotency-Key.",
        json!({ "type": "string", "enum": ["true"] }),
    )
}
