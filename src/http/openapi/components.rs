//! Components of the document that are not derived from a Rust type: the problem schemas and the security schemes.

use serde_json::{Map, Value, json};

use crate::domain::authority::Scope;
use crate::http::response::problem_codes::ProblemCode;

/// The schema of a problem: RFC 9457, with the members of this service.
pub(crate) fn problem() -> Value {
    let codes: Vec<&str> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
    let list = |of: &str| json!({ "type": "array", "items": { "type": of } });
    json!({
        "type": "object",
        "description": "Why a request was refused or failed (RFC 9457). `code` is stable; more members say what to do next.",
        "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
        "properties": {
            "type": { "type": "string", "format": "uri", "description": "The page that explains the code." },
            "title": { "type": "string" },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string", "description": "What is wrong with this request." },
            "instance": { "type": "string", "description": "The path of the request." },
            "code": { "type": "string", "examples": codes },
            "request_id": { "type": "string" },
            "errors": described_list("FieldProblem", "Every error of the input."),
            "parameter": { "type": "string", "description": "The invalid query parameter." },
            "allowed": list("string"),
            "accepted": list("string"),
            "suggestions": { "type": "array", "items": { "type": "string" }, "description": "Free slugs." },
            "current_etag": { "type": "string", "description": "The current state, for If-Match." },
            "changed_fields": list("string"),
            "changed_by": described_list("ChangedBy", "Who has written or published since, oldest first."),
            "merge": { "$ref": "#/components/schemas/MergeCandidate" },
            "required_scope": { "type": "string" },
            "uses": { "type": "integer", "minimum": 1 },
            "limit": { "type": "integer", "minimum": 1 },
        },
    })
}

fn described_list(schema: &str, description: &str) -> Value {
    json!({ "type": "array", "items": { "$ref": format!("#/components/schemas/{schema}") }, "description": description })
}

/// A change in a 412 that the client had not read.
pub(crate) fn changed_by() -> Value {
    json!({
        "type": "object",
        "required": ["action", "revision", "made_by", "origin", "at"],
        "properties": {
            "action": { "type": "string", "enum": ["revised", "published", "unpublished"] },
            "revision": { "type": ["integer", "null"], "minimum": 1, "description": "The revision that was written, if any." },
            "made_by": { "$ref": "#/components/schemas/MadeBy" },
            "origin": { "type": "string" },
            "at": { "type": "string", "format": "date-time" },
        },
    })
}

/// A warning of a dry run.
pub(crate) fn warning() -> Value {
    json!({
        "type": "object",
        "description": "Something that is allowed, and probably a mistake.",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": { "type": "string", "description": "The field of the input (RFC 6901).", "examples": ["/body_markdown"] },
            "code": {
                "type": "string",
                "examples": [
                    "dead-link", "unpublished-link", "dead-anchor", "missing-alt", "heading-jump", "stripped-html", "duplicate-title",
                ],
            },
            "detail": { "type": "string" },
            "line": { "type": "integer", "minimum": 1, "description": "The line of the text, if there is one." },
        },
    })
}

/// The merge candidate of a 412.
pub(crate) fn merge_candidate() -> Value {
    json!({
        "type": "object",
        "description": "Your change and the changes of others since the revision that you read, merged. Review it, then send it with \
         `current_etag`.",
        "required": ["clean", "candidate", "conflicts"],
        "properties": {
            "clean": { "type": "boolean", "description": "Whether no field was changed by both sides." },
            "candidate": {
                "type": "object",
                "description": "The merged input. Where both sides changed the same lines of a text, it contains both between conflict \
                 markers (`<<<<<<< yours`, `=======`, `>>>>>>> theirs`); for other fields, it contains yours.",
                "additionalProperties": true,
            },
            "conflicts": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["pointer", "base", "yours", "theirs"],
                    "properties": {
                        "pointer": { "type": "string", "description": "The field (RFC 6901)." },
                        "base": { "description": "Null for long texts, which are in the candidate." },
                        "yours": {},
                        "theirs": {},
                    },
                },
            },
        },
    })
}

pub(crate) fn field_problem() -> Value {
    json!({
        "type": "object",
        "description": "One error of an input.",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": { "type": "string", "description": "The field (RFC 6901); empty for the whole body." },
            "code": { "type": "string", "description": "The rule that is broken." },
            "detail": { "type": "string", "description": "What to change." },
        },
    })
}

pub(crate) fn security_schemes() -> Value {
    let scopes: Map<String, Value> = Scope::ALL
        .into_iter()
        .map(|scope| {
            let what = match scope {
                Scope::InsightsWrite => "Write drafts.",
                Scope::InsightsPublish => "Publish and unpublish; write categories, tags and authors.",
                Scope::WebhooksManage => "Manage webhooks.",
                Scope::Admin => "Everything, including users and tokens.",
            };
            (scope.as_str().to_owned(), json!(what))
        })
        .collect();
    json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token from `POST /v1/auth/token`, or a machine token from `POST /v1/tokens` or `insights tokens \
             create`.",
        },
        "password": {
            "type": "oauth2",
            "description": "How a person gets an access token: email and password at the token address.",
            "flows": { "password": { "tokenUrl": "/v1/auth/token", "refreshUrl": "/v1/auth/token", "scopes": scopes } },
        },
    })
}
