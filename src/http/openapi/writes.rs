//! What the document says of every write: the parameter of dry runs, and the key of safe retries.

use serde_json::{Value, json};

use crate::http::openapi::operation::OperationTraits;
use crate::http::response::idempotency::KEY_PATTERN;
use crate::http::response::write_outcome::REPORT;

/// Members that only a real write returns.
const REAL_WRITE_MEMBERS: [&str; 4] = ["id", "token", "prefix", "url"];

/// Adds `validate_only` and `Idempotency-Key` to a write.
pub(crate) fn describe(operation: &mut Value, schemas: &mut Value, traits: &OperationTraits) {
    if traits.takes_idempotency_key() {
        push_parameter(
            operation,
            json!({
                "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "Makes the write safe to repeat: for a day, the same request with the same key gets the response to the \
                 first one. A quoted string (RFC 9651), or the same without quotes.",
                "schema": { "type": "string", "pattern": KEY_PATTERN },
                "example": "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"",
            }),
        );
    }
    if !traits.has_dry_run() {
        return;
    }
    push_parameter(
        operation,
        json!({
            "name": "validate_only", "in": "query", "required": false,
            "description": "`true`: a dry run. Every check runs, nothing is changed, and the response says what the write would do.",
            "schema": { "type": "boolean", "default": false },
        }),
    );
    let responses = &mut operation["responses"];
    let created = responses.get("201").is_some();
    let schema = ["200", "201"].iter().find_map(|status| responses[*status]["content"]["application/json"]["schema"]["$ref"].as_str());
    let name = schema.and_then(|reference| reference.rsplit('/').next()).map(str::to_owned);
    let report = add_report_schema(schemas, name.as_deref(), created);
    if responses.get("200").is_none() {
        responses["200"] = json!({ "description": "With `validate_only=true`: what the write would do, and warnings." });
    }
    responses["200"]["content"][REPORT] = json!({ "schema": { "$ref": format!("#/components/schemas/{report}") } });
}

/// Adds the schema of a dry run's response: the resource, and warnings. Returns its name.
fn add_report_schema(schemas: &mut Value, resource: Option<&str>, created: bool) -> String {
    let name = format!("{}Report", resource.unwrap_or_default());
    let empty = || json!({ "type": "object", "properties": {}, "required": [] });
    let mut schema = resource.map_or_else(empty, |resource| schemas[resource].clone());
    schema["description"] =
        json!("What a write would do, from a dry run (`validate_only=true`), without what only a real write has: an id, a secret.");
    schema["properties"]["warnings"] = json!({ "type": "array", "items": { "$ref": "#/components/schemas/Warning" } });
    if let Some(required) = schema["required"].as_array_mut() {
        // A resource that some writes create and others change has one report schema for both.
        required.retain(|member| !REAL_WRITE_MEMBERS.iter().any(|name| member == name));
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
