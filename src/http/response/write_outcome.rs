//! How writes are answered: for real, or as a rehearsal (`validate_only=true`), and kept for retries (`Idempotency-Key`). A handler makes its
//! write and says how to show it; nothing is committed but here.

use std::sync::atomic::Ordering;

use actix_web::http::StatusCode;
use actix_web::{HttpMessage as _, HttpRequest};
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::clock::Timestamp;
use crate::editorial::pending::PendingWrite;
use crate::http::request::params::DryRunParam;
use crate::http::request::query_params::{Query, QueryParams as _};
use crate::http::response::builder::{CONTENT_SEQUENCE, ResponseBuilder};
use crate::http::response::idempotency::KeyClaim;
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;
use crate::store::Transaction;

/// The media type of what a rehearsal answers: the resource as it would be, and warnings.
pub(crate) const REPORT: &str = "application/vnd.insights.report+json";

/// Something that is allowed, and probably not meant.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WarningView {
    pub pointer: String,
    pub code: String,
    pub detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// How a write was asked for.
pub(crate) struct WriteMode {
    validate_only: bool,
    claim: Option<KeyClaim>,
}

impl WriteMode {
    /// For writes that take no parameter of their own.
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, Problem> {
        Self::read(request, Query::from_request(request))
    }

    /// The last thing that is read of a query string.
    pub(crate) fn read(request: &HttpRequest, mut query: Query) -> Result<Self, Problem> {
        let DryRunParam { validate_only } = DryRunParam::read(&mut query);
        query.finish()?;
        Ok(Self { validate_only, claim: request.extensions().get::<KeyClaim>().cloned() })
    }

    /// For writes that rehearse themselves in their own way.
    pub(crate) fn to_do(request: &HttpRequest, is_rehearsal: bool) -> Self {
        Self { validate_only: false, claim: request.extensions().get::<KeyClaim>().cloned().filter(|_| !is_rehearsal) }
    }

    /// Whether nothing is to be changed.
    pub(crate) fn is_rehearsal(&self) -> bool {
        self.validate_only
    }

    /// Commits a write and answers it; or answers what it would have done, and lets it go.
    pub(crate) async fn conclude<T>(
        self,
        app: &AppState,
        pending: PendingWrite<T>,
        now: Timestamp,
        show: impl AsyncFnOnce(&Transaction, &T) -> Result<ResponseBuilder, Problem>,
    ) -> Result<ResponseBuilder, Problem> {
        let reply = show(pending.txn(), &pending.made).await?;
        if self.validate_only {
            return Ok(report(&reply, &[]));
        }
        if let Some(claim) = self.claim {
            claim.keep(pending.txn(), &reply, now).await?;
        }
        pending.commit(&app.store, now).await?;
        let public = app.store.committed().public;
        let sequence = app.sequence.fetch_max(public, Ordering::Relaxed).max(public);
        Ok(reply.header(CONTENT_SEQUENCE, sequence.to_string()))
    }
}

/// What would have been answered, without what only a real write has: an id, a secret, a validator.
pub(crate) fn report(reply: &ResponseBuilder, warnings: &[WarningView]) -> ResponseBuilder {
    let mut shown: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
    if !shown.is_object() {
        shown = json!({});
    }
    if let Some(fields) = shown.as_object_mut().filter(|_| reply.is_status(StatusCode::CREATED)) {
        for name in ["id", "token", "prefix", "url"] {
            fields.shift_remove(name);
        }
    }
    shown["warnings"] = json!(warnings);
    ResponseBuilder::json(&shown).content_type(REPORT)
}
