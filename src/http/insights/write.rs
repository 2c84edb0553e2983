//! Writing drafts: create, replace, patch, delete. Each says in its signature who may.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, delete, patch, post, put, web};
use serde_json::Value;
use uuid::Uuid;

use super::input::{InsightInput, InsightPatch};
use super::naming;
use super::params;
use super::view::InsightView;
use super::warnings;
use crate::domain::authority::{Admin, Editor, Principal};
use crate::domain::clock::Timestamp;
use crate::domain::draft::Draft;
use crate::domain::fields::{self, FieldError};
use crate::domain::locale::Locale;
use crate::domain::text::Refused;
use crate::editorial::error::EditorialError;
use crate::editorial::pending::PendingWrite;
use crate::editorial::{insights, lifecycle};
use crate::http::insights::represent::represent;
use crate::http::request::auth::missing_scope;
use crate::http::request::body::Body;
use crate::http::request::preconditions::Preconditions;
use crate::http::request::query_params::Query;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::problem::Problem;
use crate::http::response::write_outcome::{WriteMode, dry_run_report};
use crate::http::state::app_state::AppState;
use crate::store::insights::InsightName;
use crate::store::{self, Transaction};

/// Create an insight
///
/// Makes a draft: nobody but editors sees it until it is published. A slug that is given is taken exactly or refused with suggestions; one
/// that is derived from the title takes the next free number.
#[utoipa::path(
    tag = "Editorial",
    request_body(content = InsightInput, content_type = "application/json"),
    responses((status = 201, description = "The draft.", body = InsightView)),
    security(("bearer" = ["insights:write"])),
    extensions(("x-problems" = json!(["slug-taken"]))),
)]
#[post("/v1/insights")]
pub(in crate::http) async fn create_insight(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let intent = WriteMode::from_request(&request)?;
    let now = app.now();
    let draft = body.parse(Draft::parse)?;
    let pending = insights::create(&app.store, &editor, draft, now).await?;
    conclude(&app, intent, pending, now, StatusCode::CREATED).await
}

/// Replace an insight
///
/// Appends a revision made of exactly this input; what the public sees stays as it is until the revision is published. Needs `If-Match`. With
/// `If-None-Match: *` instead, creates the insight under the slug in the path.
#[utoipa::path(
    tag = "Editorial",
    params(params::InsightPath, crate::http::request::params::OptionalIfMatchHeader, crate::http::request::params::IfNoneMatchHeader),
    request_body(content = InsightInput, content_type = "application/json"),
    responses(
        (status = 200, description = "The insight with its new revision.", body = InsightView),
        (status = 201, description = "The draft that was created.", body = InsightView),
    ),
    security(("bearer" = ["insights:write"])),
    extensions(("x-problems" = json!(["slug-taken"]))),
)]
#[put("/v1/insights/{id_or_slug}")]
pub(in crate::http) async fn replace_insight(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<String>,
    preconditions: Preconditions,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let intent = WriteMode::from_request(&request)?;
    let now = app.now();
    let name = naming::parse(&path);
    if preconditions.create_only() {
        let refused = |Refused { code, detail }| FieldError { pointer: "/slug".to_owned(), code, detail };
        let name = name.ok_or_else(|| Problem::invalid(fields::slug(&path).err().map(refused).into_iter().collect()))?;
        return create_at(&app, intent, &editor, name, body).await;
    }
    let name = name.ok_or_else(Problem::not_found)?;
    let id = known(&app, &name, editor.principal()).await?;
    let expected = preconditions.required()?;
    let draft = body.parse(Draft::parse)?;
    let pending = insights::revise(&app.store, &editor, id, &expected, |_| Ok(draft.clone()), now).await?;
    conclude(&app, intent, pending, now, StatusCode::OK).await
}

/// Patch an insight
///
/// Applies a merge patch (RFC 7396) to the newest revision and appends the result as another one; nothing is appended when nothing changes.
/// Needs `If-Match`.
#[utoipa::path(
    tag = "Editorial",
    params(params::InsightPath, crate::http::request::params::IfMatchHeader),
    request_body(content = InsightPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The insight with its new revision.", body = InsightView)),
    security(("bearer" = ["insights:write"])),
    extensions(("x-problems" = json!(["slug-taken"]))),
)]
#[patch("/v1/insights/{id_or_slug}")]
pub(in crate::http) async fn patch_insight(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<String>,
    preconditions: Preconditions,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let intent = WriteMode::from_request(&request)?;
    let now = app.now();
    let name = naming::parse(&path).ok_or_else(Problem::not_found)?;
    let id = known(&app, &name, editor.principal()).await?;
    let expected = preconditions.required()?;
    let merge = body.merge_patch()?;
    let make = |old: &Draft| Draft::parse(merge(old.to_input())).map_err(EditorialError::Invalid);
    let pending = insights::revise(&app.store, &editor, id, &expected, make, now).await?;
    conclude(&app, intent, pending, now, StatusCode::OK).await
}

/// Delete an insight
///
/// Puts it into the trash: it is gone from every read until it is restored. With `permanent=true` an administrator removes it for good, with
/// its history and its slugs. Needs `If-Match`.
#[utoipa::path(
    tag = "Editorial",
    params(
        params::InsightPath,
        crate::http::request::params::IfMatchHeader,
        ("permanent" = inline(Option<bool>), Query, nullable = false, description = "Remove it for good; needs the scope `admin`."),
    ),
    responses((status = 204, description = "It is gone.")),
    security(("bearer" = ["insights:write"])),
)]
#[delete("/v1/insights/{id_or_slug}")]
pub(in crate::http) async fn delete_insight(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<String>,
    preconditions: Preconditions,
) -> Result<ResponseBuilder, Problem> {
    let mut query = Query::from_request(&request);
    let permanent = query.flag("permanent");
    let intent = WriteMode::from_query(&request, query)?;
    let now = app.now();
    let name = naming::parse(&path).ok_or_else(Problem::not_found)?;
    let pending = if permanent {
        let admin = Admin::try_from_principal(editor.principal().clone()).map_err(missing_scope)?;
        let id = store::insights::find(app.store.reader(), &name).await?.ok_or_else(Problem::not_found)?.id;
        lifecycle::purge(&app.store, &admin, id, &preconditions.required()?, now).await?
    } else {
        let id = known(&app, &name, editor.principal()).await?;
        lifecycle::delete(&app.store, &editor, id, &preconditions.required()?, now).await?
    };
    intent.commit_or_dry_run(&app, pending, now, async |_, _| Ok(ResponseBuilder::empty(StatusCode::NO_CONTENT))).await
}

async fn create_at(app: &AppState, intent: WriteMode, editor: &Editor, name: InsightName, body: Body) -> Result<ResponseBuilder, Problem> {
    let now = app.now();
    if let Ok(id) = known(app, &name, editor.principal()).await {
        return Err(lifecycle::already_exists_error(&app.store, id).await?.into());
    }
    let InsightName::Slug(slug) = name else { return Err(Problem::not_found()) };
    let draft = body.parse(|mut input| {
        if input.get("slug").is_none_or(Value::is_null) && input.is_object() {
            input["slug"] = Value::from(slug.as_str());
        }
        let draft = Draft::parse(input)?;
        if draft.slug.as_ref().is_some_and(|given| given.as_str() != slug) {
            let detail = "must be the slug in the path, or be left out".to_owned();
            return Err(vec![FieldError { pointer: "/slug".to_owned(), code: "path-mismatch", detail }]);
        }
        Ok(draft)
    })?;
    let pending = insights::create(&app.store, editor, draft, now).await?;
    conclude(app, intent, pending, now, StatusCode::CREATED).await
}

/// The id of an insight that this caller may know of. What is in the trash is not there.
pub(super) async fn known(app: &AppState, name: &InsightName, caller: &Principal) -> Result<Uuid, Problem> {
    let insight = store::insights::find(app.store.reader(), name).await?.filter(|insight| insight.deleted_at.is_none());
    let insight = insight.ok_or_else(Problem::not_found)?;
    let allowed = insights::check_own(&insight, caller, app.now());
    // Who asks by a slug that it has in a draft only must not learn that.
    if let (InsightName::Slug(slug), Err(_)) = (name, &allowed)
        && *slug != insight.slug
        && store::insights::find_moved(app.store.reader(), slug, app.now()).await?.is_none()
    {
        return Err(Problem::not_found());
    }
    allowed?;
    Ok(insight.id)
}

/// Answers a write of an insight with its newest revision; a rehearsal, also with what its texts had better not have.
pub(super) async fn conclude(
    app: &AppState,
    intent: WriteMode,
    pending: PendingWrite<Uuid>,
    now: Timestamp,
    status: StatusCode,
) -> Result<ResponseBuilder, Problem> {
    let show = async |txn: &Transaction, id: &Uuid| {
        let reply = shown(txn, *id, now).await?.status(status);
        Ok(if status == StatusCode::CREATED { reply.header(header::LOCATION, app.location(&format!("/v1/insights/{id}"))) } else { reply })
    };
    if !intent.is_dry_run() {
        return intent.commit_or_dry_run(app, pending, now, show).await;
    }
    let reply = show(pending.txn(), &pending.value).await?;
    let (written, caller) = (warnings::written(app, pending.txn(), pending.value).await?, pending.principal().clone());
    // Nobody waits for the writer while texts are looked at.
    drop(pending);
    dry_run_report(&reply, &warnings::of(app, written, &caller, now).await?)
}

async fn shown(txn: &Transaction, id: Uuid, now: Timestamp) -> Result<ResponseBuilder, Problem> {
    let site = store::site::find(txn).await?.ok_or_else(Problem::internal)?;
    let chain = Locale::fallback_chain(None, &site.default_locale);
    let found = store::insights::find_for_editor(txn, &InsightName::Id(id), &chain, None).await?;
    let (row, body) = found.ok_or_else(Problem::not_found)?;
    Ok(represent(&row, body, &chain, ("application/json", None), now))
}
