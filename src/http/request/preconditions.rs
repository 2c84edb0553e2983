//! Preconditions of a write: `If-Match` and `If-None-Match` (RFC 9110, section 13).

use crate::domain::etag::Expected;
use crate::http::request::negotiation::lines;
use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;
use actix_web::dev::Payload;
use actix_web::http::header::{self};
use actix_web::{FromRequest, HttpRequest};
use std::borrow::Cow;
use std::future::{Ready, ready};

/// `If-Match` and `If-None-Match` of a write.
pub(crate) struct Preconditions {
    if_match: Option<Expected>,
    if_none_match: Option<String>,
    /// It is to be refused after a date.
    dated: bool,
}

impl Preconditions {
    /// What a write on something that exists must say.
    pub(crate) fn required(self) -> Result<Expected, Problem> {
        let Some(expected) = self.if_match else {
            return Err(Problem::new(
                ProblemCode::PreconditionRequired,
                "send If-Match with the ETag you last saw, or If-Match: * to overwrite whatever is there",
            ));
        };
        Ok(self.if_none_match.iter().fold(expected, |expected, tags| expected.except(tags)))
    }

    /// What a write may say where it need not.
    pub(crate) fn optional(self) -> Result<Expected, Problem> {
        if self.dated && self.if_match.is_none() {
            // It would have to be refused when the date is not that of the last change, which two changes of one second share.
            return Err(Problem::new(
                ProblemCode::PreconditionRequired,
                "a date cannot say which change is meant: send If-Match with the ETag",
            ));
        }
        let given = Self { if_match: Some(self.if_match.unwrap_or(Expected::Any)), ..self };
        given.required()
    }

    /// `If-None-Match: *`: write only if there is nothing yet.
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
            if_match: lines(headers, &header::IF_MATCH).map(|value| Expected::parse(&value)),
            if_none_match: lines(headers, &header::IF_NONE_MATCH).map(Cow::into_owned),
            dated: headers.contains_key(header::IF_UNMODIFIED_SINCE),
        }))
    }
}
