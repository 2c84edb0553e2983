//! The headers of responses, as the document describes them.

use serde_json::{Map, Value, json};

use crate::http::openapi::declarations::OperationTrait;
use crate::http::openapi::operation::OperationTraits;
use crate::http::openapi::schema::{header, replayed, string};
use crate::http::response::problem_codes::ProblemCode;

/// The headers of a response that its 304 has too (RFC 9110, section 15.4.5).
const HEADERS_OF_304: [&str; 6] = ["X-Request-Id", "Content-Sequence", "ETag", "Last-Modified", "Cache-Control", "Cache-Status"];

/// Adds the headers of every successful response, and a 304 where there are validators.
pub(crate) fn add_headers(operation: &mut Value, traits: &OperationTraits) {
    let mut not_modified = None;
    for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
        let headers = response_headers(status, response, traits);
        if status == "200" && (traits.is_cacheable() || traits.is_conditional()) {
            let mut retained = headers.clone();
            retained.retain(|name, _| HEADERS_OF_304.contains(&name.as_str()));
            not_modified = Some(retained);
        }
        response["headers"] = Value::Object(headers);
    }
    if let Some(headers) = not_modified {
        operation["responses"]["304"] =
            json!({ "description": "Your copy is still valid (If-None-Match, If-Modified-Since).", "headers": headers });
    }
}

fn response_headers(status: &str, response: &Value, traits: &OperationTraits) -> Map<String, Value> {
    let mut headers = common();
    let mut add = |name: &str, applies: bool, header: Value| {
        if applies {
            headers.insert(name.to_owned(), header);
        }
    };
    let (cacheable, has_content) = (traits.is_cacheable(), !response["content"].is_null());
    let has_etag = cacheable || traits.tag == "Editorial" || traits.is_versioned();
    let etag = "A strong validator (RFC 9110, section 8.8.3); send it as If-None-Match or If-Match.";
    add("ETag", has_content && has_etag, header(etag, string()));
    let cache_control = "Who may cache the response, and for how long.";
    add("Cache-Control", !traits.has(OperationTrait::NoCacheControl), header(cache_control, string()));
    let shows_insight = response["content"].to_string().contains("schemas/Insight\"");
    add("Content-Language", shows_insight, header("The language of its texts (BCP 47).", string()));
    let is_dated = cacheable && traits.has_last_modified();
    let last_modified = (shows_insight && !cacheable) || (has_content && is_dated);
    add("Last-Modified", last_modified, header("When what is shown last changed.", string()));
    let cache_tag = "The tags by which caches can purge the response; also in Surrogate-Key.";
    add("Cache-Tag", is_dated && (has_content || status == "308"), header(cache_tag, string()));
    let cache_status = "Only while the database is away: the response comes from the response cache and may be stale (RFC 9211).";
    add("Cache-Status", cacheable && has_content && traits.tag != "Documentation", header(cache_status, string()));
    add("Link", traits.is_paged(), header("The addresses of the next and the previous page (RFC 8288).", string()));
    let location = header("The address of the resource.", json!({ "type": "string", "format": "uri-reference" }));
    add("Location", matches!(status, "201" | "202" | "308"), location);
    add("Idempotency-Replayed", traits.takes_idempotency_key() && has_content, replayed());
    for (name, description) in traits.declared.headers.iter().filter(|_| status == "200") {
        add(name, true, header(description, string()));
    }
    headers
}

fn common() -> Map<String, Value> {
    let mut headers = Map::new();
    headers.insert("X-Request-Id".to_owned(), header("The id of this request, yours if you sent one; it is in the log.", string()));
    let sequence = json!({ "type": "integer", "minimum": 0 });
    headers
        .insert("Content-Sequence".to_owned(), header("The sequence of the newest change that the response takes into account.", sequence));
    headers
}

/// The headers of a problem.
pub(crate) fn problem_headers(code: ProblemCode) -> Value {
    let mut headers = common();
    headers.insert("Cache-Control".to_owned(), header("No cache stores a problem.", string()));
    match code {
        ProblemCode::Unauthenticated | ProblemCode::InsufficientScope => {
            headers.insert("WWW-Authenticate".to_owned(), header("The challenge (RFC 6750).", string()));
        }
        ProblemCode::QuotaExceeded | ProblemCode::Unavailable => {
            headers.insert("Retry-After".to_owned(), header("The number of seconds to wait.", json!({ "type": "integer", "minimum": 0 })));
        }
        _ => {}
    }
    Value::Object(headers)
}
