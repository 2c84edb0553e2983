//! Small schemas that several parts of the document share.

use serde_json::{Value, json};

#[expect(clippy::needless_pass_by_value, reason = "every caller makes the schema for this")]
pub(crate) fn header(description: &str, schema: Value) -> Value {
    json!({ "description": description, "schema": schema })
}

pub(crate) fn string() -> Value {
    json!({ "type": "string" })
}

/// What an answer says when it was given before.
pub(crate) fn replayed() -> Value {
    header(
        "`true` when this is the answer to an earlier request with the same Idempotency-Key.",
        json!({ "type": "string", "enum": ["true"] }),
    )
}
