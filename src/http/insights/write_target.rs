//! The beginning and the end of a write to an insight that exists.
//!
//! Every write checks in this order: query parameters ([`WriteMode`]), existence and authority, precondition ([`WriteTarget::find`]), body.
//! The handler then calls `editorial` and answers with [`WriteTarget::commit_or_dry_run`].

use actix_web::http::{StatusCode, header};
use uuid::Uuid;

use super::path::parse_name;
use super::represent::{Representation, represent};
use super::warnings;
use crate::domain::authority::Principal;
use crate::domain::clock::Timestamp;
use crate::domain::etag::Expected;
use crate::domain::locale::Locale;
use crate::editorial::insights;
use crate::editorial::pending::PendingWrite;
use crate::http::request::preconditions::Preconditions;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::problem::Problem;
use crate::http::response::write_outcome::{WriteMode, dry_run_report};
use crate::http::state::app_state::AppState;
use crate::store::insights::InsightName;
use crate::store::rows::insight;
use crate::store::{self, Transaction};

/// An insight that is to be written, in the state that the request expects.
pub(super) struct WriteTarget {
    pub(super) mode: WriteMode,
    pub(super) id: Uuid,
    pub(super) expected: Expected,
    pub(super) now: Timestamp,
}

impl WriteTarget {
    /// An insight outside the trash that the caller may write.
    pub(super) async fn find(
        app: &AppState,
        mode: WriteMode,
        id_or_slug: &str,
        caller: &Principal,
        preconditions: Preconditions,
    ) -> Result<Self, Problem> {
        let now = app.now();
        let id = find_authorized(app, id_or_slug, caller).await?.id;
        Ok(Self { mode, id, expected: preconditions.required()?, now })
    }

    /// An insight of any author, also one in the trash.
    pub(super) async fn find_anywhere(
        app: &AppState,
        mode: WriteMode,
        id_or_slug: &str,
        preconditions: Preconditions,
    ) -> Result<Self, Problem> {
        let now = app.now();
        let insight = store::insights::find(app.store.reader(), &parse_name(id_or_slug)?).await?.ok_or_else(Problem::not_found)?;
        Ok(Self { mode, id: insight.id, expected: preconditions.required()?, now })
    }

    /// See [`commit_or_dry_run`].
    pub(super) async fn commit_or_dry_run(self, app: &AppState, pending: PendingWrite<Uuid>) -> Result<ResponseBuilder, Problem> {
        commit_or_dry_run(app, self.mode, pending, self.now, StatusCode::OK).await
    }
}

/// An insight that this caller may read and write. One in the trash is not found.
pub(super) async fn find_authorized(app: &AppState, id_or_slug: &str, caller: &Principal) -> Result<insight::Model, Problem> {
    let name = parse_name(id_or_slug)?;
    let insight = store::insights::find(app.store.reader(), &name).await?.filter(|insight| insight.deleted_at.is_none());
    let insight = insight.ok_or_else(Problem::not_found)?;
    let allowed = insights::check_own(&insight, caller, app.now());
    // A slug that only a draft has must not be confirmed by a 403.
    if let (InsightName::Slug(slug), Err(_)) = (&name, &allowed)
        && *slug != insight.slug
        && store::insights::find_moved(app.store.reader(), slug, app.now()).await?.is_none()
    {
        return Err(Problem::not_found());
    }
    allowed?;
    Ok(insight)
}

/// Answers the write of an insight with its newest revision; a dry run, also with warnings about its texts.
pub(super) async fn commit_or_dry_run(
    app: &AppState,
    mode: WriteMode,
    pending: PendingWrite<Uuid>,
    now: Timestamp,
    status: StatusCode,
) -> Result<ResponseBuilder, Problem> {
    let show = async |txn: &Transaction, id: &Uuid| {
        let response = newest_revision(txn, *id, now).await?.status(status);
        let location = || app.location(&format!("/v1/insights/{id}"));
        Ok(if status == StatusCode::CREATED { response.header(header::LOCATION, location()) } else { response })
    };
    if !mode.is_dry_run() {
        return mode.commit_or_dry_run(app, pending, now, show).await;
    }
    let response = show(pending.txn(), &pending.value).await?;
    let (draft, caller) = (warnings::read_draft(app, pending.txn(), pending.value).await?, pending.principal().clone());
    // Other writers do not wait while the texts are checked.
    drop(pending);
    dry_run_report(&response, &warnings::find(app, draft, &caller, now).await?)
}

async fn newest_revision(txn: &Transaction, id: Uuid, now: Timestamp) -> Result<ResponseBuilder, Problem> {
    let site = store::site::find(txn).await?.ok_or_else(Problem::internal)?;
    let chain = Locale::fallback_chain(None, &site.default_locale);
    let newest = store::insights::find_for_editor(txn, &InsightName::Id(id), &chain, None).await?;
    let (row, body) = newest.ok_or_else(Problem::not_found)?;
    Ok(represent(&row, body, &chain, Representation::JSON, now))
}
