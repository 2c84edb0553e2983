//! What a handler declares about its operation beside its `#[utoipa::path]`, in extensions that the document builder reads and removes:
//!
//! - `x-problems`: codes of problems that no rule of [`crate::http::openapi::operation`] derives, such as `["slug-taken"]`;
//! - `x-traits`: names of [`OperationTrait`]s;
//! - `x-headers`: names and descriptions of headers that only this operation sends.
//!
//! Invariant: a declaration with an unknown name stays in the document, where a test finds it. None is dropped silently.

use serde_json::Value;

use crate::http::response::problem_codes::ProblemCode;

/// What is true of an operation although no rule says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OperationTrait {
    /// No cache may store its response, although operations of its tag are cacheable.
    NotCacheable,
    /// It supports conditional requests, although operations of its tag do not.
    Conditional,
    /// What it returns has a version number, which is part of the `ETag`.
    Versioned,
    /// It sends no `Cache-Control`.
    NoCacheControl,
}

impl OperationTrait {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "not-cacheable" => Some(Self::NotCacheable),
            "conditional" => Some(Self::Conditional),
            "versioned" => Some(Self::Versioned),
            "no-cache-control" => Some(Self::NoCacheControl),
            _ => None,
        }
    }
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declarations {
    pub(crate) problems: Vec<ProblemCode>,
    pub(crate) traits: Vec<OperationTrait>,
    /// Names and descriptions.
    pub(crate) headers: Vec<(String, String)>,
}

impl Declarations {
    /// Removes the declarations from an operation.
    pub(crate) fn take(operation: &mut Value) -> Self {
        Self {
            problems: take_extension(operation, "x-problems", |value| parse_names(value, ProblemCode::parse)),
            traits: take_extension(operation, "x-traits", |value| parse_names(value, OperationTrait::parse)),
            headers: take_extension(operation, "x-headers", parse_headers),
        }
    }
}

fn take_extension<T>(operation: &mut Value, name: &str, parse: impl FnOnce(&Value) -> Option<Vec<T>>) -> Vec<T> {
    let Some(parsed) = operation.get(name).and_then(parse) else { return Vec::new() };
    if let Some(members) = operation.as_object_mut() {
        members.shift_remove(name);
    }
    parsed
}

fn parse_names<T>(value: &Value, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    value.as_array()?.iter().map(|name| parse(name.as_str()?)).collect()
}

fn parse_headers(value: &Value) -> Option<Vec<(String, String)>> {
    let text = |value: &Value| Some(value.as_str()?.to_owned());
    value.as_object()?.iter().map(|(name, description)| Some((name.clone(), text(description)?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn declarations_are_removed_and_unknown_ones_stay() {
        let mut operation = json!({
            "operationId": "x", "x-problems": ["in-use"], "x-traits": ["versioned"], "x-headers": { "Link": "A link." },
        });
        let declarations = Declarations::take(&mut operation);
        assert_eq!(declarations.problems, [ProblemCode::InUse]);
        assert_eq!(declarations.traits, [OperationTrait::Versioned]);
        assert_eq!(declarations.headers, [("Link".to_owned(), "A link.".to_owned())]);
        assert_eq!(operation, json!({ "operationId": "x" }));
        let mut misspelt = json!({ "x-problems": ["in-use", "in-usse"] });
        assert!(Declarations::take(&mut misspelt).problems.is_empty());
        assert_eq!(misspelt, json!({ "x-problems": ["in-use", "in-usse"] }));
    }
}
