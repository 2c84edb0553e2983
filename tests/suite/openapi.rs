//! The OpenAPI document: the committed one is served, its references resolve, and it describes what handlers read.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use insights::http::routes::document;
use serde_json::Value;

use crate::support::TestApp;

pub(crate) fn committed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi").join(name)
}

#[expect(clippy::disallowed_methods, reason = "the command line says whether to rewrite")]
pub(crate) fn rewriting() -> bool {
    std::env::var_os("UPDATE_OPENAPI").is_some()
}

/// Every operation: method, path, and its object in the document.
pub(crate) fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut list = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            list.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    list
}

#[tokio::test]
async fn the_committed_document_is_what_is_served() {
    let text = format!("{:#}\n", document());
    let path = committed("openapi.json");
    if rewriting() {
        fs::write(&path, &text).unwrap();
    }
    let old = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        old == text,
        "openapi/openapi.json is not what the service serves: run the suite with UPDATE_OPENAPI=1 and look at the difference"
    );
    let app = TestApp::start().await;
    let served = app.anonymous().get("/openapi.json").await.expect(200);
    assert_eq!(served.json(), document());
    let yaml: Value = yaml_serde::from_str(&app.anonymous().get("/openapi.yaml").await.expect(200).text()).unwrap();
    assert_eq!(yaml, document());
}

#[test]
fn every_reference_resolves_and_every_name_is_unique() {
    fn walk(value: &Value, document: &Value) {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            assert!(document.pointer(&reference[1..]).is_some(), "{reference} does not resolve");
        }
        match value {
            Value::Object(fields) => fields.values().for_each(|inner| walk(inner, document)),
            Value::Array(items) => items.iter().for_each(|inner| walk(inner, document)),
            _ => {}
        }
    }
    let document = document();
    walk(&document, &document);
    let mut ids = HashSet::new();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{id} is used twice");
        for name in ["summary", "description"] {
            assert!(operation[name].as_str().is_some_and(|text| !text.is_empty()), "{method} {path} has no {name}");
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path} {status} is not described");
        }
    }
}

/// What handlers declare beside their paths is read by the document builder; a name that it does not know stays in the document.
#[test]
fn every_declaration_of_an_operation_has_known_names() {
    for (method, path, operation) in operations(&document()) {
        let unread: Vec<&String> = operation.as_object().unwrap().keys().filter(|name| name.starts_with("x-")).collect();
        assert!(unread.is_empty(), "{method} {path}: {unread:?} has a name that the document builder does not know");
    }
}

/// The type that describes an input and the code that reads it could diverge: compare their names.
#[test]
fn documented_inputs_are_the_fields_that_are_read() {
    let document = document();
    let fields = |schema: &str| -> Vec<String> {
        let properties = document["components"]["schemas"][schema]["properties"].as_object().unwrap();
        properties.keys().cloned().collect()
    };
    assert_eq!(fields("InsightInput"), insights::domain::draft::FIELDS);
    assert_eq!(fields("InsightPatch"), insights::domain::draft::FIELDS);
    assert_eq!(fields("TermInput"), insights::domain::term::FIELDS);
    assert_eq!(fields("TermPatch"), insights::domain::term::FIELDS);
    assert_eq!(fields("InsightSummary"), fields("Insight"));
    assert_eq!(fields("PartialInsight"), fields("Insight"));
}

/// The 400 for an unknown parameter lists the parameters that the handler reads: they are those of the document.
#[tokio::test]
async fn documented_parameters_are_the_parameters_that_are_read() {
    let app = TestApp::start().await;
    let admin = app.admin().await;
    for (method, path, operation) in operations(&document()) {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let mut documented: Vec<&str> = parameters.iter().filter(|p| p["in"] == "query").map(|p| p["name"].as_str().unwrap()).collect();
        let path = path.replace("{id_or_slug}", "x").replace("{slug}", "x").replace("{code}", "internal").replace("{asset}", "init.js");
        let path = path.replace("{number}", "1").replace("{id}", "01a2074d-74b5-753d-bf53-d2dad79ec7e6");
        let problem = admin.send(&method, &format!("{path}?zzz=1"), None, &[]).await.problem(400, "unknown-parameter");
        let mut read: Vec<&str> = problem["allowed"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        documented.sort_unstable();
        read.sort_unstable();
        assert_eq!(read, documented, "{method} {path}");
    }
}
