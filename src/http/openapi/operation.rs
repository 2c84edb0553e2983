//! The rules by which the errors and headers of an operation follow from its method, path, tag, security, parameters and declarations.
//!
//! No rule is keyed by an operation id: what is true of one operation alone is declared beside its handler, see
//! [`crate::http::openapi::declarations`].

use serde_json::Value;

use crate::http::openapi::declarations::{Declarations, OperationTrait};
use crate::http::response::problem_codes::ProblemCode;

/// What the errors and headers of an operation follow from.
#[expect(clippy::struct_excessive_bools, reason = "each is an independent fact")]
pub(crate) struct OperationTraits {
    is_get: bool,
    method: String,
    pub(crate) tag: String,
    pub(crate) has_bearer: bool,
    is_token_optional: bool,
    has_scopes: bool,
    has_path_parameter: bool,
    has_body: bool,
    has_if_match: bool,
    query_parameters: Vec<String>,
    pub(crate) declared: Declarations,
}

impl OperationTraits {
    pub(crate) fn new(path: &str, method: &str, operation: &Value, declared: Declarations) -> Self {
        let no_entries = Vec::new();
        let security = operation["security"].as_array().unwrap_or(&no_entries);
        let bearer_scopes = |entry: &Value| entry.get("bearer").map(|scopes| scopes.as_array().is_some_and(|scopes| !scopes.is_empty()));
        let parameters = |location: &str| {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            parameters.filter(|p| p["in"] == location).filter_map(|p| p["name"].as_str()).map(str::to_owned).collect::<Vec<_>>()
        };
        Self {
            is_get: method == "get",
            method: method.to_owned(),
            tag: operation["tags"][0].as_str().unwrap_or_default().to_owned(),
            has_bearer: security.iter().any(|entry| bearer_scopes(entry).is_some()),
            is_token_optional: security.len() > 1,
            has_scopes: security.iter().any(|entry| bearer_scopes(entry) == Some(true)),
            has_path_parameter: path.contains('{'),
            has_body: operation.get("requestBody").is_some(),
            has_if_match: parameters("header").iter().any(|name| name == "If-Match"),
            query_parameters: parameters("query"),
            declared,
        }
    }

    pub(crate) fn has(&self, operation_trait: OperationTrait) -> bool {
        self.declared.traits.contains(&operation_trait)
    }

    fn is_term(&self) -> bool {
        matches!(self.tag.as_str(), "Categories" | "Tags" | "Authors")
    }

    /// Whether public caches may store the response, and conditional requests are supported.
    pub(crate) fn is_cacheable(&self) -> bool {
        self.is_get
            && !matches!(self.tag.as_str(), "Accounts" | "Operations" | "Editorial" | "Imports")
            && !self.has(OperationTrait::NotCacheable)
    }

    /// Whether a write supports `validate_only`.
    pub(crate) fn has_dry_run(&self) -> bool {
        // An import dry-runs its items: it has a parameter of its own.
        !self.is_get && self.tag != "Auth" && !(self.tag == "Imports" && self.method == "post")
    }

    /// Whether a write supports `Idempotency-Key`.
    pub(crate) fn takes_idempotency_key(&self) -> bool {
        self.tag != "Auth" && matches!(self.method.as_str(), "post" | "patch")
    }

    /// Whether conditional requests are supported although no public cache may store the response.
    pub(crate) fn is_conditional(&self) -> bool {
        self.is_get && (self.tag == "Editorial" || self.has(OperationTrait::Conditional))
    }

    /// Whether the response is a page of a list.
    pub(crate) fn is_paged(&self) -> bool {
        self.query_parameters.iter().any(|name| name == "cursor")
    }

    /// Whether what is returned has a version number.
    pub(crate) fn is_versioned(&self) -> bool {
        self.is_term() || self.tag == "Site" || self.has(OperationTrait::Versioned)
    }

    /// Whether the response is content, as opposed to a part of the binary.
    pub(crate) fn has_last_modified(&self) -> bool {
        !matches!(self.tag.as_str(), "Documentation" | "Auth")
    }

    /// Every problem that the operation can return: by rule, or declared.
    pub(crate) fn problem_codes(&self) -> Vec<ProblemCode> {
        // With an Idempotency-Key, the body is read even where none is expected.
        let reads_body = self.has_body || self.takes_idempotency_key();
        let rules = [
            (ProblemCode::UnknownParameter, true),
            (ProblemCode::InvalidParameter, !self.query_parameters.is_empty()),
            (ProblemCode::InvalidCursor, self.is_paged()),
            (ProblemCode::MalformedBody, reads_body),
            (ProblemCode::Unauthenticated, self.has_bearer),
            (ProblemCode::InsufficientScope, self.has_scopes && !self.is_token_optional),
            (ProblemCode::NotFound, self.has_path_parameter),
            (ProblemCode::NotAcceptable, false),
            (ProblemCode::RequestTimeout, reads_body),
            (ProblemCode::SlugTaken, self.has_body && self.is_term()),
            (ProblemCode::IdempotencyInProgress, self.takes_idempotency_key()),
            (ProblemCode::InUse, self.is_term() && self.method == "delete"),
            (ProblemCode::ImportEnded, false),
            (ProblemCode::StaleRevision, self.has_if_match || self.is_cacheable() || self.is_conditional()),
            (ProblemCode::PayloadTooLarge, reads_body),
            (ProblemCode::UnsupportedMediaType, self.has_body),
            (ProblemCode::IdempotencyMismatch, self.takes_idempotency_key()),
            (ProblemCode::ValidationFailed, self.has_body),
            (ProblemCode::PreconditionRequired, self.has_if_match && self.tag == "Editorial"),
            (ProblemCode::QuotaExceeded, false),
            (ProblemCode::Internal, true),
            (ProblemCode::Unavailable, true),
        ];
        let applies = |(code, by_rule): &(ProblemCode, bool)| *by_rule || self.declared.problems.contains(code);
        rules.into_iter().filter(applies).map(|(code, _)| code).collect()
    }
}
