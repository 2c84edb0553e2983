//! What an operation's errors and headers follow from.

use crate::http::response::problem_codes::ProblemCode;
use serde_json::Value;

/// What an operation's errors and headers follow from.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct OperationTraits {
    pub(crate) method: String,
    pub(crate) tag: String,
    pub(crate) secured: bool,
    optional_auth: bool,
    scoped: bool,
    named: bool,
    pub(crate) id: String,
    has_body: bool,
    if_match: bool,
    parameters: Vec<String>,
}

impl OperationTraits {
    pub(crate) fn of(path: &str, method: &str, operation: &Value) -> Self {
        let security = operation["security"].as_array().cloned().unwrap_or_default();
        let optional_auth = security.len() > 1;
        let secured = security.iter().any(|entry| entry.get("bearer").is_some());
        let names = |place: &str| {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            parameters.filter(|p| p["in"] == place).filter_map(|p| p["name"].as_str()).map(str::to_owned).collect::<Vec<_>>()
        };
        Self {
            method: method.to_owned(),
            tag: operation["tags"][0].as_str().unwrap_or_default().to_owned(),
            secured,
            optional_auth,
            scoped: security.iter().any(|entry| entry["bearer"].as_array().is_some_and(|scopes| !scopes.is_empty())),
            named: path.contains('{'),
            id: operation["operationId"].as_str().unwrap_or_default().to_owned(),
            has_body: operation.get("requestBody").is_some(),
            if_match: names("header").iter().any(|name| name == "If-Match"),
            parameters: names("query"),
        }
    }

    /// Whether an answer may be kept by caches and compared by validators.
    pub(crate) fn cacheable(&self) -> bool {
        self.method == "get"
            && !matches!(self.tag.as_str(), "Accounts" | "Operations" | "Editorial" | "Imports")
            && !matches!(self.id.as_str(), "get_me" | "stream_changes")
    }

    /// Whether a write can be asked for without being done.
    pub(crate) fn rehearsable(&self) -> bool {
        self.method != "get" && !matches!(self.tag.as_str(), "Auth" | "Imports")
    }

    /// Whether a write can be asked for twice and be done once.
    pub(crate) fn repeatable(&self) -> bool {
        self.tag != "Auth" && matches!(self.method.as_str(), "post" | "patch")
    }

    /// Whether a copy that a reader has is compared, though nobody else may keep one.
    pub(crate) fn compared(&self) -> bool {
        self.method == "get" && (self.tag == "Editorial" || self.id == "get_user")
    }

    pub(crate) fn lists(&self) -> bool {
        self.parameters.iter().any(|name| name == "cursor")
    }

    /// Whether what is answered counts its versions.
    pub(crate) fn id_is_versioned(&self) -> bool {
        self.is_term() || self.tag == "Site" || self.tag == "Accounts" && self.id.ends_with("_user")
    }

    /// Whether it is content, as opposed to a part of the binary.
    pub(crate) fn has_last_modified(&self) -> bool {
        !matches!(self.tag.as_str(), "Documentation" | "Auth")
    }

    pub(crate) fn creates(&self) -> bool {
        self.method == "post" && self.id.starts_with("create_") || self.id == "replace_insight"
    }

    /// Every problem that the operation can give.
    pub(crate) fn codes(&self) -> Vec<ProblemCode> {
        let mut codes = vec![ProblemCode::UnknownParameter];
        let mut add = |when: bool, list: &[ProblemCode]| codes.extend(list.iter().filter(|_| when));
        let takes_slug = matches!(self.id.as_str(), "create_insight" | "replace_insight" | "patch_insight" | "restore_revision")
            || self.has_body && self.is_term();
        add(!self.parameters.is_empty(), &[ProblemCode::InvalidParameter]);
        add(self.lists(), &[ProblemCode::InvalidCursor]);
        // With an Idempotency-Key, the body is read even where none is wanted.
        let reads_body = self.has_body || self.repeatable();
        add(reads_body, &[ProblemCode::MalformedBody]);
        add(self.secured || self.id == "issue_token", &[ProblemCode::Unauthenticated]);
        add(
            self.scoped && (!self.optional_auth || matches!(self.id.as_str(), "list_insights" | "search_insights")),
            &[ProblemCode::InsufficientScope],
        );
        add(self.named || self.id == "get_metrics", &[ProblemCode::NotFound]);
        add(self.id == "get_insight", &[ProblemCode::NotAcceptable]);
        add(reads_body, &[ProblemCode::RequestTimeout]);
        add(takes_slug || matches!(self.id.as_str(), "publish_insight" | "unpublish_insight"), &[ProblemCode::SlugTaken]);
        add(self.repeatable(), &[ProblemCode::IdempotencyInProgress]);
        add(self.is_term() && self.method == "delete", &[ProblemCode::InUse]);
        add(matches!(self.id.as_str(), "create_user" | "replace_user" | "patch_user" | "delete_user"), &[ProblemCode::InUse]);
        add(self.if_match || self.cacheable() || self.compared(), &[ProblemCode::StaleRevision]);
        add(reads_body, &[ProblemCode::PayloadTooLarge]);
        add(self.has_body, &[ProblemCode::UnsupportedMediaType]);
        add(self.repeatable(), &[ProblemCode::IdempotencyMismatch]);
        add(self.has_body || matches!(self.id.as_str(), "unpublish_insight" | "restore_revision"), &[ProblemCode::ValidationFailed]);
        add(self.if_match && self.tag == "Editorial", &[ProblemCode::PreconditionRequired]);
        add(self.id == "issue_token", &[ProblemCode::QuotaExceeded]);
        add(true, &[ProblemCode::Internal, ProblemCode::Unavailable]);
        codes
    }

    fn is_term(&self) -> bool {
        matches!(self.tag.as_str(), "Categories" | "Tags" | "Authors")
    }
}
