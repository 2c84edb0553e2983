//! What the document says of every write: that it can be rehearsed, and that it can be repeated.

use serde_json::{Value, json};

use crate::http::openapi::operation::OperationTraits;
use crate::http::response::idempotency::KEY_PATTERN;
use crate::http::response::write_outcome::REPORT;

/// Members that only a real write can give.
const MADE: [&str; 4] = ["id", "token", "prefix", "url"];

/// Adds `validate_only` and `Idempotency-Key` to a write.
pub(crate) fn describe(operation: &mut Value, schemas: &mut Value, facts: &OperationTraits) {
    if facts.repeatable() {
        push_parameter(
            operation,
            json!({
                "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "Makes the write safe to repeat: for a day, the same request with the same key gets the first one's answer. A quoted string (RFC 9651), or the same without quotes.",
                "schema": { "type": "string", "pattern": KEY_PATTERN },
                "example": "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
            }),
        );
    }
    if !facts.rehearsable() {
        return;
    }
    push_parameter(
        operation,
        json!({
            "name": "validate_only", "in": "query", "required": false,
            "description": "`true`: run every check, change nothing, and answer what would be.",
            "schema": { "type": "boolean", "default": false },
        }),
    );
    let responses = &mut operation["responses"];
    let created = responses.get("201").is_some();
    let shown = ["200", "201"].iter().find_map(|status| responses[*status]["content"]["application/json"]["schema"]["$ref"].as_str());
    let name = shown.and_then(|reference| reference.rsplit('/').next()).map(str::to_owned);
    let report = report(schemas, name.as_deref(), created);
    if responses.get("200").is_none() {
        responses["200"] = json!({ "description": "With `validate_only=true`: what would be, and warnings." });
    }
    responses["200"]["content"][REPORT] = json!({ "schema": { "$ref": format!("#/components/schemas/{report}") } });
}

/// The schema of what a rehearsal answers: the resource, and warnings.
fn report(schemas: &mut Value, of: Option<&str>, created: bool) -> String {
    let name = format!("{}Report", of.unwrap_or_default());
    let mut schema = of.map_or_else(|| json!({ "type": "object", "properties": {}, "required": [] }), |of| schemas[of].clone());
    schema["description"] =
        json!("What a write would do, as `validate_only=true` answers it; what only a real write has (an id, a secret) is left out.");
    schema["properties"]["warnings"] = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Warning" } });
    if let Some(required) = schema["required"].as_array_mut() {
        // A resource that some writes make and others change has one report for both.
        required.retain(|member| !MADE.iter().any(|made| member == made));
        required.push(json!("warnings"));
    }
    if created && let Some(properties) = schema["properties"].as_object_mut() {
        properties.retain(|member, _| !matches!(member.as_str(), "token" | "prefix"));
    }
    schemas[&name] = schema;
    name
}

fn push_parameter(operation: &mut Value, parameter: Value) {
    match operation["parameters"].as_array_mut() {
        Some(parameters) => parameters.push(parameter),
        None => operation["parameters"] = json!([parameter]),
    }
}
