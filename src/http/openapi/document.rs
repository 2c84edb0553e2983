//! The OpenAPI document of `routes.rs`. What is true of every operation of a kind (its errors, its headers, how it is authorised) is
//! added here by rule, so that no handler can forget it.

use serde_json::{Map, Value, json};
use utoipa::OpenApi;
use utoipa_actix_web::AppExt as _;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::http::openapi::components;
use crate::http::openapi::declarations::Declarations;
use crate::http::openapi::headers;
use crate::http::openapi::operation::OperationTraits;
use crate::http::openapi::writes;
use crate::http::response::problem_codes::ProblemCode;

const PROBLEMS: &str = include_str!("../../../openapi/problems.json");

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Insights API",
        description = "Publishes *insights*: field notes from production. Reads are public and cacheable; writes need a token. Errors are \
                       problems (RFC 9457), each with a stable `code`. Unknown parameters and fields are refused.",
        contact(name = "ZERONE"),
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "Insights", description = "What readers read."),
        (name = "Search", description = "Ranked, tolerant of typos, with facets; current the moment a write returns."),
        (name = "Changes", description = "What happened to visible content, for clients that keep a copy."),
        (name = "Categories", description = "Exactly one for each insight."),
        (name = "Tags", description = "Any number for each insight."),
        (name = "Authors", description = "Who wrote it."),
        (name = "Site", description = "Settings and figures of the whole site."),
        (name = "Editorial", description = "Writing and publishing, history, previews. Drafts are seen by editors only."),
        (name = "Imports", description = "Content in and out, in bulk. Each item has an outcome of its own."),
        (name = "Auth", description = "Tokens: issue, revoke and check them."),
        (name = "Accounts", description = "Users, machine tokens and the audit log, for administrators."),
        (name = "Operations", description = "For operators of the service."),
        (name = "Documentation", description = "This document, its page, and the explanations of problems."),
    )
)]
struct BaseDocument;

/// The document of these routes. It needs no configuration and no database.
#[must_use]
pub(crate) fn document(routes: fn(&mut ServiceConfig<'_>)) -> Value {
    let (_, openapi) = actix_web::App::new().into_utoipa_app().openapi(BaseDocument::openapi()).configure(routes).split_for_parts();
    let mut document = serde_json::to_value(openapi).unwrap_or_else(|error| {
        tracing::error!(%error, "the OpenAPI document cannot be serialised");
        Value::Null
    });
    complete(&mut document);
    document
}

fn complete(document: &mut Value) {
    close_inputs(document);
    derive_list_items(&mut document["components"]["schemas"]);
    let problems: Map<String, Value> = serde_json::from_str(PROBLEMS).unwrap_or_else(|error| {
        tracing::error!(%error, "the committed examples of problems are corrupt");
        Map::new()
    });
    let mut used: Vec<ProblemCode> = Vec::new();
    let mut schemas = document["components"]["schemas"].take();
    for (path, operations) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in operations.as_object_mut().into_iter().flatten() {
            deduplicate_parameters(operation);
            let declared = Declarations::take(operation);
            let before_writes = OperationTraits::new(path, method, operation, declared.clone());
            writes::describe(operation, &mut schemas, &before_writes);
            // The parameters of writes are parameters like any other.
            let traits = OperationTraits::new(path, method, operation, declared);
            if traits.has_bearer {
                add_password_flow(operation);
            }
            headers::add_headers(operation, &traits);
            for code in traits.problem_codes() {
                add_problem(operation, code, &problems);
                if !used.contains(&code) {
                    used.push(code);
                }
            }
        }
    }
    let examples: Map<String, Value> = used
        .iter()
        .filter_map(|code| {
            let value = problems.get(code.as_str())?;
            Some((code.as_str().to_owned(), json!({ "summary": code.title(), "value": value })))
        })
        .collect();
    document["components"]["schemas"] = schemas;
    document["components"]["examples"] = Value::Object(examples);
    document["components"]["schemas"]["FieldProblem"] = components::field_problem();
    document["components"]["schemas"]["ChangedBy"] = components::changed_by();
    document["components"]["schemas"]["MergeCandidate"] = components::merge_candidate();
    document["components"]["schemas"]["Warning"] = components::warning();
    document["components"]["schemas"]["Problem"] = components::problem();
    document["components"]["securitySchemes"] = components::security_schemes();
}

fn add_problem(operation: &mut Value, code: ProblemCode, problems: &Map<String, Value>) {
    let status = code.status().to_string();
    let response = &mut operation["responses"][&status];
    if response.is_null() {
        *response = json!({
            "description": code.title(),
            "headers": headers::problem_headers(code),
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" }, "examples": {} } },
        });
    } else if let Some(text) = response["description"].as_str() {
        response["description"] = json!(format!("{text}, or: {}", code.title()));
    }
    if problems.contains_key(code.as_str()) {
        let reference = json!({ "$ref": format!("#/components/examples/{}", code.as_str()) });
        response["content"]["application/problem+json"]["examples"][code.as_str()] = reference;
    }
}

/// Scopes belong to the flow that grants them; a bearer scheme has none.
fn add_password_flow(operation: &mut Value) {
    let Some(security) = operation.get_mut("security").and_then(Value::as_array_mut) else { return };
    let scopes = security.iter_mut().find_map(|entry| entry.get_mut("bearer").map(Value::take));
    if let Some(scopes) = scopes {
        security.retain(|entry| entry.get("bearer").is_none());
        security.push(json!({ "bearer": [] }));
        security.push(json!({ "password": scopes }));
    }
}

/// Removes duplicates: utoipa finds a path parameter where it is described, and again in the handler's arguments.
fn deduplicate_parameters(operation: &mut Value) {
    let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) else { return };
    let mut names: Vec<(Value, Value)> = Vec::new();
    parameters.retain(|parameter| {
        let key = (parameter["name"].clone(), parameter["in"].clone());
        let is_new = !names.contains(&key);
        names.push(key);
        is_new
    });
}

/// Derives the schemas of an insight in a list from that of a single one.
fn derive_list_items(schemas: &mut Value) {
    let mut summary = schemas["Insight"].clone();
    summary["description"] = json!("One insight in a list; the body only with `include=body`.");
    if let Some(required) = summary["required"].as_array_mut() {
        required.retain(|name| name != "body");
    }
    let mut partial = summary.clone();
    partial["description"] = json!("One insight in a list with `fields`: only the requested properties.");
    if let Some(partial) = partial.as_object_mut() {
        partial.remove("required");
    }
    schemas["InsightSummary"] = summary;
    schemas["PartialInsight"] = partial;
}

/// Inputs refuse unknown members; lists of slugs refuse duplicates.
fn close_inputs(document: &mut Value) {
    for (name, schema) in document["components"]["schemas"].as_object_mut().into_iter().flatten() {
        let input = ["Input", "Patch", "Request"].iter().any(|end| name.ends_with(end));
        if !input || schema["properties"].is_null() {
            continue;
        }
        schema["additionalProperties"] = json!(false);
        for (property, inner) in schema["properties"].as_object_mut().into_iter().flatten() {
            if inner.get("items").is_some() {
                inner["uniqueItems"] = json!(true);
            }
            match property.as_str() {
                "translations" => inner["propertyNames"] = json!({ "pattern": crate::domain::locale::LOCALE_PATTERN }),
                "extra" => inner["additionalProperties"] = json!(true),
                _ => {}
            }
        }
    }
}
