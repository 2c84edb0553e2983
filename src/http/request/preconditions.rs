//! Preconditions of a write: `If-Match` and `If-None-Match` (RFC 9110, section 13).

use crate::domain::etag::Expected;
use crate::http::request::negotiation::combined_header;
use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use std::borrow::Cow;
use std::future::{Ready, ready};

/// `If-Match` and `If-None-Match` of a write.
pub(crate) struct Preconditions {
    if_match: Option<Expected>,
    if_none_match: Option<String>,
    /// The request has `If-Unmodified-Since`.
    has_date: bool,
}

impl Preconditions {
    /// The expected state, for a write that requires one.
    pub(crate) fn required(self) -> Result<Expected, Problem> {
        let Some(expected) = self.if_match else {
            return Err(Problem::new(
                ProblemCode::PreconditionRequired,
                "send If-Match with the ETag that you read, or If-Match: * to overwrite any state",
            ));
        };
        Ok(self.if_none_match.iter().fold(expected, |expected, tags| expected.except(tags)))
    }

    /// The expected state, for a write that does not require one.
    pub(crate) fn optional(self) -> Result<Expected, Problem> {
        if self.has_date && self.if_match.is_none() {
            // Two changes of one second share a date, so a date cannot identify a state.
            return Err(Problem::new(ProblemCode::PreconditionRequired, "a date does not identify a state: send If-Match with the ETag"));
        }
        Self { if_match: Some(self.if_match.unwrap_or(Expected::Any)), ..self }.required()
    }

    /// `If-None-Match: *`: write only if the resource does not exist.
    pub(crate) fn create_only(&self) -> bool {
        self.if_none_match.as_ref().is_some_and(|tags| tags.trim() == "*")
    }
}

impl FromRequest for Preconditions {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let headers = request.headers();
        ready(Ok(Self {
            if_match: combined_header(headers, &header::IF_MATCH).map(|value| Expected::parse(&value)),
            if_none_match: combined_header(headers, &header::IF_NONE_MATCH).map(Cow::into_owned),
            has_date: headers.contains_key(header::IF_UNMODIFIED_SINCE),
        }))
    }
}
