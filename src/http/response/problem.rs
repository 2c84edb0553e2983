//! Errors as clients get them: RFC 9457 problems. The only module that maps errors to status codes; no match has a catch-all arm.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value, json};

use crate::domain::clock::Timestamp;
use crate::domain::field_errors::{FieldError, FieldErrors};
use crate::domain::merge::{Conflict, Merge};
use crate::editorial::error::{ChangedBy, EditorialError, Stale};
use crate::http::response::problem_codes::ProblemCode;
use crate::projections::search::SearchError;
use crate::store::error::StoreError;

/// An error response without its request: [`crate::http::middleware::request_context`] adds the path and the request id, and writes the
/// body.
#[derive(Clone, Debug)]
pub struct Problem(Box<ProblemParts>);

#[derive(Clone, Debug)]
struct ProblemParts {
    code: ProblemCode,
    detail: String,
    extensions: Map<String, Value>,
    headers: Vec<(HeaderName, String)>,
}

impl Problem {
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self(Box::new(ProblemParts { code, detail: detail.into(), extensions: Map::new(), headers: Vec::new() }))
    }

    /// Adds a member of its own to the body.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.extensions.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }

    /// What does not exist and what is invisible get the same bytes.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(ProblemCode::NotFound, "there is nothing at this address, or nothing that you may see")
    }

    #[must_use]
    pub fn internal() -> Self {
        Self::new(ProblemCode::Internal, INTERNAL)
    }

    #[must_use]
    pub fn unavailable(detail: &str) -> Self {
        Self::new(ProblemCode::Unavailable, detail).header(actix_web::http::header::RETRY_AFTER, "2")
    }

    #[must_use]
    pub fn invalid(errors: FieldErrors) -> Self {
        let errors: Vec<Value> = errors
            .into_iter()
            .map(|FieldError { pointer, code, detail }| json!({ "pointer": pointer, "code": code, "detail": detail }))
            .collect();
        Self::new(ProblemCode::ValidationFailed, "the input breaks the rules listed in errors").with("errors", errors)
    }

    fn stale(stale: Stale) -> Self {
        let Stale { state, changed_fields, changed_by, merge } = stale;
        let detail = "it was changed since you read it: read it again, apply your change to that, and send the new ETag";
        let changed_by: Vec<Value> = changed_by.iter().map(describe_change).collect();
        let problem = Self::new(ProblemCode::StaleRevision, detail)
            .with("current_etag", format!("\"{state}\""))
            .with("changed_fields", changed_fields)
            .with("changed_by", changed_by);
        let Some(Merge { clean, candidate, conflicts }) = merge else { return problem };
        let conflicts: Vec<Value> = conflicts
            .into_iter()
            .map(|Conflict { pointer, base, yours, theirs }| json!({ "pointer": pointer, "base": base, "yours": yours, "theirs": theirs }))
            .collect();
        problem.with("merge", json!({ "clean": clean, "candidate": candidate, "conflicts": conflicts }))
    }

    /// The body, for one request.
    #[must_use]
    pub fn body(&self, base_url: &str, instance: &str, request_id: &str) -> Value {
        let mut body = Map::new();
        body.insert("type".to_owned(), json!(format!("{base_url}/problems/{}", self.0.code.as_str())));
        body.insert("title".to_owned(), json!(self.0.code.title()));
        body.insert("status".to_owned(), json!(self.0.code.status()));
        body.insert("detail".to_owned(), json!(self.0.detail));
        body.insert("instance".to_owned(), json!(instance));
        body.insert("code".to_owned(), json!(self.0.code.as_str()));
        body.insert("request_id".to_owned(), json!(request_id));
        body.extend(self.0.extensions.clone());
        Value::Object(body)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.0.code.as_str(), self.0.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        for (name, value) in &self.0.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name.clone(), value);
            }
        }
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::NotReady => Self::unavailable("the search index is being opened or rebuilt: try again in a moment"),
            SearchError::Failed => Self::internal(),
        }
    }
}

impl From<EditorialError> for Problem {
    fn from(error: EditorialError) -> Self {
        match error {
            EditorialError::NotFound => Self::not_found(),
            EditorialError::Invalid(errors) => Self::invalid(errors),
            EditorialError::Stale(stale) => Self::stale(*stale),
            EditorialError::SlugTaken { slug, suggestions } => Self::new(
                ProblemCode::SlugTaken,
                format!("the slug \"{slug}\" is taken: choose another, or leave it out to get one derived"),
            )
            .with("suggestions", suggestions),
            EditorialError::InUse { uses } => {
                Self::new(ProblemCode::InUse, format!("it is in use {uses} time(s): change what uses it first")).with("uses", uses)
            }
            EditorialError::Taken(pointer) => Self::new(ProblemCode::InUse, "another one has this value already")
                .with("errors", json!([{ "pointer": pointer, "code": "taken", "detail": "must be unique" }])),
            EditorialError::Forbidden(why) => Self::new(ProblemCode::InsufficientScope, why)
                .header(actix_web::http::header::WWW_AUTHENTICATE, "Bearer realm=\"insights\", error=\"insufficient_scope\""),
            EditorialError::AuthorityEnded => unauthenticated("the token was revoked or has expired while the request was processed"),
            EditorialError::ImportEnded => Self::new(ProblemCode::ImportEnded, "the import has ended: what it applied stays"),
            EditorialError::BadCredentials => unauthenticated("the credentials are wrong or no longer valid"),
            EditorialError::TooManyAttempts { retry_after_seconds } => {
                Self::new(ProblemCode::QuotaExceeded, format!("too many wrong attempts: try again in {retry_after_seconds} seconds"))
                    .header(actix_web::http::header::RETRY_AFTER, retry_after_seconds.to_string())
            }
            EditorialError::Busy => Self::unavailable("too many requests are queued for this operation: try again in a moment"),
            EditorialError::Internal(what) => {
                tracing::error!(error = what, "operation failed");
                Self::internal()
            }
            EditorialError::Store(error) => error.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = %error_chain(&error), "store error");
        match error {
            StoreError::Unavailable(_) => Self::unavailable("the database cannot be reached: try again in a moment"),
            StoreError::Unique(_)
            | StoreError::ForeignKey(_)
            | StoreError::Failed(_)
            | StoreError::Corrupt(_)
            | StoreError::Inconsistent(_)
            | StoreError::NewerSchema { .. } => Self::internal(),
        }
    }
}

/// A change that the caller had not read.
fn describe_change(change: &ChangedBy) -> Value {
    let ChangedBy { action, revision, made_by, user_id, token_id, origin, at } = change;
    json!({
        "action": action, "revision": revision, "made_by": { "name": made_by, "user_id": user_id, "token_id": token_id }, "origin": origin,
        "at": Timestamp(*at).rfc3339(),
    })
}

const INTERNAL: &str = "the service failed to process this request: the operator finds the cause in the log under the request id";

/// A 401 for a token that is not valid (RFC 6750, section 3).
#[must_use]
pub(crate) fn unauthenticated(detail: &str) -> Problem {
    Problem::new(ProblemCode::Unauthenticated, detail)
        .header(actix_web::http::header::WWW_AUTHENTICATE, "Bearer realm=\"insights\", error=\"invalid_token\"")
}

/// A 401 for a request without a token: the challenge names no error (RFC 6750, section 3.1).
#[must_use]
pub(crate) fn token_required(detail: &str) -> Problem {
    Problem::new(ProblemCode::Unauthenticated, detail).header(actix_web::http::header::WWW_AUTHENTICATE, "Bearer realm=\"insights\"")
}

/// An error and its sources, for the log.
#[must_use]
pub(crate) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}
