//! Commits a write, or dry-runs it (`validate_only=true`). A handler prepares its write and says how to represent the outcome;
//! [`WriteMode::commit_or_dry_run`] does the rest, and stores the response of a request with an `Idempotency-Key`.
//!
//! Invariant: nothing else in `http` commits content.

use std::sync::atomic::Ordering;

use actix_web::http::StatusCode;
use actix_web::{HttpMessage as _, HttpRequest};
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::clock::Timestamp;
use crate::editorial::pending::PendingWrite;
use crate::http::request::params::DryRunParam;
use crate::http::request::query_params::{Query, QueryParams as _};
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::headers::CONTENT_SEQUENCE;
use crate::http::response::idempotency::KeyClaim;
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;
use crate::store::Transaction;

/// The media type of the response to a dry run: the resource as it would be, and warnings.
pub(crate) const REPORT: &str = "application/vnd.insights.report+json";

/// Something that is allowed, and probably a mistake.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WarningView {
    pub pointer: String,
    pub code: String,
    pub detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// Whether a write is a dry run, and under which key its response is stored.
pub(crate) struct WriteMode {
    is_dry_run: bool,
    claim: Option<KeyClaim>,
}

impl WriteMode {
    /// For writes without other parameters.
    pub(crate) fn from_request(request: &HttpRequest) -> Result<Self, Problem> {
        Self::from_query(request, Query::from_request(request))
    }

    /// Finishes a query string whose other parameters have been read.
    pub(crate) fn from_query(request: &HttpRequest, mut query: Query) -> Result<Self, Problem> {
        let DryRunParam { validate_only: is_dry_run } = DryRunParam::read(&mut query);
        query.finish()?;
        Ok(Self { is_dry_run, claim: request.extensions().get::<KeyClaim>().cloned() })
    }

    /// For imports, which dry-run their items themselves: the import is committed either way, and a dry run ignores the key.
    pub(crate) fn for_import(request: &HttpRequest, is_dry_run: bool) -> Self {
        Self { is_dry_run: false, claim: request.extensions().get::<KeyClaim>().cloned().filter(|_| !is_dry_run) }
    }

    /// Whether nothing is changed.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.is_dry_run
    }

    /// Commits a write and returns its response; or rolls it back and returns what it would have done.
    pub(crate) async fn commit_or_dry_run<T>(
        self,
        app: &AppState,
        pending: PendingWrite<T>,
        now: Timestamp,
        represent: impl AsyncFnOnce(&Transaction, &T) -> Result<ResponseBuilder, Problem>,
    ) -> Result<ResponseBuilder, Problem> {
        let response = represent(pending.txn(), &pending.value).await?;
        if self.is_dry_run {
            return dry_run_report(&response, &[]);
        }
        if let Some(claim) = self.claim {
            claim.store_response(pending.txn(), &response, now).await?;
        }
        pending.commit(&app.store, now).await?;
        let public = app.store.committed().public;
        let sequence = app.sequence.fetch_max(public, Ordering::Relaxed).max(public);
        Ok(response.header(CONTENT_SEQUENCE, sequence.to_string()))
    }
}

/// The response of a dry run: that of the write, without what only a real write has (an id, a secret, a validator), and warnings.
pub(crate) fn dry_run_report(response: &ResponseBuilder, warnings: &[WarningView]) -> Result<ResponseBuilder, Problem> {
    let mut report = if response.body().is_empty() { json!({}) } else { parse_own_body(response.body())? };
    if let Some(members) = report.as_object_mut().filter(|_| response.is_status(StatusCode::CREATED)) {
        for name in ["id", "token", "prefix", "url"] {
            members.shift_remove(name);
        }
    }
    report["warnings"] = json!(warnings);
    Ok(ResponseBuilder::json(&report).content_type(REPORT))
}

fn parse_own_body(body: &[u8]) -> Result<Value, Problem> {
    serde_json::from_slice(body).ok().filter(Value::is_object).ok_or_else(|| {
        tracing::error!("the response to a write is not a JSON object");
        Problem::internal()
    })
}
