//! Pieces of the document that no type of ours stands behind: headers, the problem schema, the security schemes.

use crate::http::openapi::schema::header;
use crate::http::openapi::schema::string;
use serde_json::{Map, Value, json};

use crate::domain::authority::Scope;
use crate::http::openapi::operation::OperationTraits;
use crate::http::response::problem_codes::ProblemCode;

/// The headers of every successful answer, and 304 where there are validators.
pub(crate) fn add_headers(operation: &mut Value, facts: &OperationTraits) {
    let mut not_modified = None;
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        let mut headers = common();
        let content = !response["content"].is_null();
        if content && (facts.cacheable() || facts.tag == "Editorial" || facts.id_is_versioned()) {
            headers.insert(
                "ETag".to_owned(),
                header("A strong validator (RFC 9110, section 8.8.3); send it as If-None-Match or If-Match.", string()),
            );
        }
        if facts.id != "get_metrics" {
            headers.insert("Cache-Control".to_owned(), header("Who may keep the answer, and for how long.", string()));
        }
        let shows_insight = response["content"].to_string().contains("schemas/Insight\"");
        if shows_insight {
            headers.insert("Content-Language".to_owned(), header("The language of its texts (BCP 47).", string()));
        }
        if shows_insight && !facts.cacheable() {
            headers.insert("Last-Modified".to_owned(), header("When what is shown last changed.", string()));
        }
        if facts.cacheable() && content && facts.has_last_modified() {
            headers.insert("Last-Modified".to_owned(), header("When what is shown last changed.", string()));
        }
        if facts.cacheable() && (content || status == "308") && facts.has_last_modified() {
            headers
                .insert("Cache-Tag".to_owned(), header("Names under which caches can drop the answer; also in Surrogate-Key.", string()));
        }
        if facts.cacheable() && content && facts.tag != "Documentation" {
            headers.insert(
                "Cache-Status".to_owned(),
                header("Only while the database is away: the answer is one that was kept, and may be stale (RFC 9211).", string()),
            );
        }
        if facts.lists() {
            headers.insert("Link".to_owned(), header("The addresses of the next and the previous page (RFC 8288).", string()));
        }
        if matches!(status.as_str(), "201" | "202" | "308") && (facts.creates() || status == "308") {
            headers.insert("Location".to_owned(), header("Where it is.", json!({ "type": "string", "format": "uri-reference" })));
        }
        if facts.repeatable() && content {
            headers.insert("Idempotency-Replayed".to_owned(), crate::http::openapi::schema::replayed());
        }
        for (name, description) in own(&facts.id).iter().filter(|_| status == "200") {
            headers.insert((*name).to_owned(), header(description, string()));
        }
        if status == "200" && (facts.cacheable() || facts.compared()) {
            let mut kept = headers.clone();
            kept.retain(|name, _| KEPT_BY_304.contains(&name.as_str()));
            not_modified = Some(kept);
        }
        response["headers"] = Value::Object(headers);
    }
    if let Some(headers) = not_modified {
        operation["responses"]["304"] =
            json!({ "description": "What you have (If-None-Match, If-Modified-Since) is still what is there.", "headers": headers });
    }
}

/// What one operation alone says.
fn own(id: &str) -> &'static [(&'static str, &'static str)] {
    match id {
        "get_insight" => &[
            ("Link", "The same insight in its other locales (`rel=alternate`, `hreflang`; RFC 8288)."),
            ("X-Robots-Tag", "Only with `preview`: no search engine is to keep it."),
            ("Referrer-Policy", "Only with `preview`: nobody is told the address, which holds the token."),
        ],
        "get_docs" => &[
            ("Content-Security-Policy", "The page runs what it brings along, and nothing else."),
            ("Referrer-Policy", "Nobody is told who reads."),
        ],
        "get_home" => &[
            ("Content-Security-Policy", "The page loads its icon, and runs nothing."),
            ("Referrer-Policy", "Links do not send the address of the page."),
        ],
        _ => &[],
    }
}

/// Of the headers of an answer, those of the 304 to whoever has it (RFC 9110, section 15.4.5).
const KEPT_BY_304: [&str; 6] = ["X-Request-Id", "Content-Sequence", "ETag", "Last-Modified", "Cache-Control", "Cache-Status"];

fn common() -> Map<String, Value> {
    let mut headers = Map::new();
    headers.insert("X-Request-Id".to_owned(), header("The id of this request, yours if you sent one; the log knows it.", string()));
    let sequence = json!({ "type": "integer", "minimum": 0 });
    headers.insert("Content-Sequence".to_owned(), header("The number of the newest change that the answer takes into account.", sequence));
    headers
}

/// The headers of a problem.
pub(crate) fn problem_headers(code: ProblemCode) -> Value {
    let mut headers = common();
    headers.insert("Cache-Control".to_owned(), header("Nobody keeps a problem.", string()));
    match code {
        ProblemCode::Unauthenticated | ProblemCode::InsufficientScope => {
            headers.insert("WWW-Authenticate".to_owned(), header("The challenge (RFC 6750).", string()));
        }
        ProblemCode::QuotaExceeded | ProblemCode::Unavailable => {
            headers.insert("Retry-After".to_owned(), header("Seconds to wait.", json!({ "type": "integer", "minimum": 0 })));
        }
        _ => {}
    }
    Value::Object(headers)
}

/// RFC 9457, with the members of this service.
pub(crate) fn problem() -> Value {
    let codes: Vec<&str> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
    let list = |of: &str| json!({ "type": "array", "items": { "type": of } });
    json!({
        "type": "object",
        "description": "Why a request was refused or failed (RFC 9457). `code` is stable; more members say what to do next.",
        "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
        "properties": {
            "type": { "type": "string", "format": "uri", "description": "A page that explains the code." },
            "title": { "type": "string" },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string", "description": "What was wrong with this request." },
            "instance": { "type": "string", "description": "The path that was asked for." },
            "code": { "type": "string", "examples": codes },
            "request_id": { "type": "string" },
            "errors": { "type": "array", "items": { "$ref": "#/components/schemas/FieldProblem" }, "description": "Every fault of the input." },
            "parameter": { "type": "string", "description": "The query parameter that is wrong." },
            "allowed": list("string"),
            "accepted": list("string"),
            "suggestions": { "type": "array", "items": { "type": "string" }, "description": "Free slugs." },
            "current_etag": { "type": "string", "description": "The state that is there now, good for If-Match." },
            "changed_fields": list("string"),
            "changed_by": { "type": "array", "items": { "$ref": "#/components/schemas/ChangedBy" }, "description": "Who wrote or published since, oldest first." },
            "merge": { "$ref": "#/components/schemas/MergeCandidate" },
            "required_scope": { "type": "string" },
            "uses": { "type": "integer", "minimum": 1 },
            "limit": { "type": "integer", "minimum": 1 },
        },
    })
}

/// What a 412 says of a revision that its reader did not know of.
pub(crate) fn changed_by() -> Value {
    json!({
        "type": "object",
        "required": ["action", "revision", "made_by", "origin", "at"],
        "properties": {
            "action": { "type": "string", "enum": ["revised", "published", "unpublished"] },
            "revision": { "type": ["integer", "null"], "minimum": 1, "description": "The revision that was written, if one was." },
            "made_by": { "$ref": "#/components/schemas/MadeBy" },
            "origin": { "type": "string" },
            "at": { "type": "string", "format": "date-time" },
        },
    })
}

/// What a rehearsal warns of.
pub(crate) fn warning() -> Value {
    json!({
        "type": "object",
        "description": "Something that is allowed, and probably not meant.",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": { "type": "string", "description": "The field of the input that it is about (RFC 6901).", "examples": ["/body_markdown"] },
            "code": {
                "type": "string",
                "examples": ["dead-link", "unpublished-link", "dead-anchor", "missing-alt", "heading-jump", "stripped-html", "duplicate-title"],
            },
            "detail": { "type": "string" },
            "line": { "type": "integer", "minimum": 1, "description": "The line of the text, where it is about one." },
        },
    })
}

/// What a 412 offers: what you wrote and what others wrote, in one.
pub(crate) fn merge_candidate() -> Value {
    json!({
        "type": "object",
        "description": "What you wrote and what others wrote since, merged from the revision that you had. Look at it, then send it with `current_etag`.",
        "required": ["clean", "candidate", "conflicts"],
        "properties": {
            "clean": { "type": "boolean", "description": "Whether nothing was changed by both sides." },
            "candidate": {
                "type": "object",
                "description": "The merged input. Where both sides changed the same lines of a text, it holds both between conflict marks (`<<<<<<< yours`, `=======`, `>>>>>>> theirs`); of other fields, yours.",
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
        "description": "One fault of an input.",
        "required": ["pointer", "code", "detail"],
        "properties": {
            "pointer": { "type": "string", "description": "Where (RFC 6901); empty for the whole body." },
            "code": { "type": "string", "description": "Which rule." },
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
                Scope::InsightsPublish => "Decide what is public; write categories, tags and authors.",
                Scope::WebhooksManage => "Manage webhooks.",
                Scope::Admin => "Everything, users and tokens included.",
            };
            (scope.as_str().to_owned(), json!(what))
        })
        .collect();
    json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token from `POST /v1/auth/token`, or a machine token from `POST /v1/tokens` or `insights tokens create`.",
        },
        "password": {
            "type": "oauth2",
            "description": "How a person gets an access token: email and password at the token address.",
            "flows": { "password": { "tokenUrl": "/v1/auth/token", "refreshUrl": "/v1/auth/token", "scopes": scopes } },
        },
    })
}
