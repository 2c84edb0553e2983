//! How writes are answered: for real, or as a rehearsal (`validate_only=true`), and kept for retries (`Idempotency-Key`). A handler makes its
//! write and says how to show it; nothing is committed but here.

use std::sync::atomic::Ordering;

use actix_web::http::StatusCode;
use actix_web::{HttpMessage as _, HttpRequest};
use serde::Serialize;
use serde_json::{Value, json};

use super::api::Api;
use super::idempotency::Claim;
use super::problem::Problem;
use super::query::Query;
use super::reply::{CONTENT_SEQUENCE, Reply};
use crate::domain::clock::Timestamp;
use crate::editorial::pending::Pending;
use crate::store::Transaction;

/// The media type of what a rehearsal answers: the resource as it would be, and warnings.
pub(super) const REPORT: &str = "application/vnd.insights.report+json";

/// Something that is allowed, and probably not meant.
#[derive(Clone, Debug, Serialize)]
pub(super) struct WarningView {
    pub pointer: String,
    pub code: String,
    pub detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// How a write was asked for.
pub(super) struct Intent {
    validate_only: bool,
    claim: Option<Claim>,
}

impl Intent {
    /// For writes that take no parameter of their own.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, Problem> {
        Self::read(request, Query::of(request))
    }

    /// The last thing that is read of a query string.
    pub(super) fn read(request: &HttpRequest, mut query: Query) -> Result<Self, Problem> {
        let validate_only = query.flag("validate_only");
        query.finish()?;
        Ok(Self { validate_only, claim: request.extensions().get::<Claim>().cloned() })
    }

    /// For writes that rehearse themselves in their own way.
    pub(super) fn to_do(request: &HttpRequest, is_rehearsal: bool) -> Self {
        Self { validate_only: false, claim: request.extensions().get::<Claim>().cloned().filter(|_| !is_rehearsal) }
    }

    /// Whether nothing is to be changed.
    pub(super) fn is_rehearsal(&self) -> bool {
        self.validate_only
    }

    /// Commits a write and answers it; or answers what it would have done, and lets it go.
    pub(super) async fn conclude<T>(
        self,
        api: &Api,
        pending: Pending<T>,
        now: Timestamp,
        show: impl AsyncFnOnce(&Transaction, &T) -> Result<Reply, Problem>,
    ) -> Result<Reply, Problem> {
        let reply = show(pending.txn(), &pending.made).await?;
        if self.validate_only {
            return Ok(report(&reply, &[]));
        }
        if let Some(claim) = self.claim {
            claim.keep(pending.txn(), &reply, now).await?;
        }
        pending.commit(&api.store, now).await?;
        let public = api.store.committed().public;
        let sequence = api.sequence.fetch_max(public, Ordering::Relaxed).max(public);
        Ok(reply.header(CONTENT_SEQUENCE, sequence.to_string()))
    }
}

/// What would have been answered, without what only a real write has: an id, a secret, a validator.
pub(super) fn report(reply: &Reply, warnings: &[WarningView]) -> Reply {
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
    Reply::json(&shown).content_type(REPORT)
}
