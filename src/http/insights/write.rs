//! Writing drafts: create, replace, patch, delete. Each says in its signature who may.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, delete, patch, post, put, web};
use serde_json::Value;
use uuid::Uuid;

use super::input::{InsightInput, InsightPatch};
use super::naming;
use super::params;
use super::read::represent;
use super::view::InsightView;
use crate::domain::authority::{Admin, Editor, Principal};
use crate::domain::clock::Timestamp;
use crate::domain::draft::Draft;
use crate::domain::locale::Locale;
use crate::editorial::error::EditorialError;
use crate::editorial::{insights, lifecycle};
use crate::http::api::Api;
use crate::http::auth::missing_scope;
use crate::http::extract::{Body, Preconditions};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::reply::{CONTENT_SEQUENCE, Reply};
use crate::store;
use crate::store::insights::Name;

/// Create an insight
///
/// Makes a draft: nobody but editors sees it until it is published. A slug that is given is taken exactly or refused with suggestions; one
/// that is derived from the title takes the next free number.
#[utoipa::path(
    tag = "Editorial",
    request_body(content = InsightInput, content_type = "application/json"),
    responses((status = 201, description = "The draft.", body = InsightView)),
    security(("bearer" = ["insights:write"])),
)]
#[post("/v1/insights")]
pub(in crate::http) async fn create_insight(
    api: web::Data<Api>,
    request: HttpRequest,
    editor: Editor,
    body: Body,
) -> Result<Reply, Problem> {
    Query::none(&request)?;
    let now = api.now();
    let draft = body.parse(Draft::parse)?;
    let id = insights::create(&api.store, &editor, draft, now).await?;
    created(&api, id, now).await
}

/// Replace an insight
///
/// Appends a revision made of exactly this input; what the public sees stays as it is until the revision is published. Needs `If-Match`. With
/// `If-None-Match: *` instead, creates the insight under the slug in the path.
#[utoipa::path(
    tag = "Editorial",
    params(params::InsightPath, params::OptionalIfMatchHeader, params::IfNoneMatchHeader),
    request_body(content = InsightInput, content_type = "application/json"),
    responses(
        (status = 200, description = "The insight with its new revision.", body = InsightView),
        (status = 201, description = "The draft that was created.", body = InsightView),
    ),
    security(("bearer" = ["insights:write"])),
)]
#[put("/v1/insights/{id_or_slug}")]
pub(in crate::http) async fn replace_insight(
    api: web::Data<Api>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<String>,
    preconditions: Preconditions,
    body: Body,
) -> Result<Reply, Problem> {
    Query::none(&request)?;
    let now = api.now();
    let name = naming::parse(&path).ok_or_else(Problem::not_found)?;
    if preconditions.create_only() {
        return create_at(&api, &editor, name, body, now).await;
    }
    let id = known(&api, &name, editor.principal()).await?;
    let expected = preconditions.required()?;
    let draft = body.parse(Draft::parse)?;
    insights::revise(&api.store, &editor, id, &expected, |_| Ok(draft.clone()), now).await?;
    shown(&api, id, now).await
}

/// Patch an insight
///
/// Applies a merge patch (RFC 7396) to the newest revision and appends the result as another one; nothing is appended when nothing changes.
/// Needs `If-Match`.
#[utoipa::path(
    tag = "Editorial",
    params(params::InsightPath, params::IfMatchHeader),
    request_body(content = InsightPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The insight with its new revision.", body = InsightView)),
    security(("bearer" = ["insights:write"])),
)]
#[patch("/v1/insights/{id_or_slug}")]
pub(in crate::http) async fn patch_insight(
    api: web::Data<Api>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<String>,
    preconditions: Preconditions,
    body: Body,
) -> Result<Reply, Problem> {
    Query::none(&request)?;
    let now = api.now();
    let name = naming::parse(&path).ok_or_else(Problem::not_found)?;
    let id = known(&api, &name, editor.principal()).await?;
    let expected = preconditions.required()?;
    let merge = body.merge_patch()?;
    let make = |old: &Draft| Draft::parse(merge(old.to_input())).map_err(EditorialError::Invalid);
    insights::revise(&api.store, &editor, id, &expected, make, now).await?;
    shown(&api, id, now).await
}

/// Delete an insight
///
/// Puts it into the trash: it is gone from every read until it is restored. With `permanent=true` an administrator removes it for good, with
/// its history and its slugs. Needs `If-Match`.
#[utoipa::path(
    tag = "Editorial",
    params(
        params::InsightPath,
        params::IfMatchHeader,
        ("permanent" = inline(Option<bool>), Query, nullable = false, description = "Remove it for good; needs the scope `admin`."),
    ),
    responses((status = 204, description = "It is gone.")),
    security(("bearer" = ["insights:write"])),
)]
#[delete("/v1/insights/{id_or_slug}")]
pub(in crate::http) async fn delete_insight(
    api: web::Data<Api>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<String>,
    preconditions: Preconditions,
) -> Result<Reply, Problem> {
    let mut query = Query::of(&request);
    let permanent = query.flag("permanent");
    query.finish()?;
    let now = api.now();
    let name = naming::parse(&path).ok_or_else(Problem::not_found)?;
    if permanent {
        let admin = Admin::try_from_principal(editor.principal().clone()).map_err(missing_scope)?;
        let id = store::insights::find(api.store.reader(), &name).await?.ok_or_else(Problem::not_found)?.id;
        lifecycle::purge(&api.store, &admin, id, &preconditions.required()?, now).await?;
    } else {
        let id = known(&api, &name, editor.principal()).await?;
        lifecycle::delete(&api.store, &editor, id, &preconditions.required()?, now).await?;
    }
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

async fn create_at(api: &Api, editor: &Editor, name: Name, body: Body, now: Timestamp) -> Result<Reply, Problem> {
    if let Ok(id) = known(api, &name, editor.principal()).await {
        return Err(lifecycle::exists_already(&api.store, id).await?.into());
    }
    let Name::Slug(slug) = name else { return Err(Problem::not_found()) };
    let draft = body.parse(|mut input| {
        if input.get("slug").is_none_or(Value::is_null) && input.is_object() {
            input["slug"] = Value::from(slug.as_str());
        }
        let draft = Draft::parse(input)?;
        if draft.slug.as_ref().is_some_and(|given| given.as_str() != slug) {
            let detail = "must be the slug in the path, or be left out".to_owned();
            return Err(vec![crate::domain::fields::FieldError { pointer: "/slug".to_owned(), code: "path-mismatch", detail }]);
        }
        Ok(draft)
    })?;
    let id = insights::create(&api.store, editor, draft, now).await?;
    created(api, id, now).await
}

/// The id of an insight that this caller may know of. What is in the trash is not there.
pub(super) async fn known(api: &Api, name: &Name, caller: &Principal) -> Result<Uuid, Problem> {
    let insight = store::insights::find(api.store.reader(), name).await?.filter(|insight| insight.deleted_at.is_none());
    let insight = insight.ok_or_else(Problem::not_found)?;
    insights::check_own(&insight, caller, api.now())?;
    Ok(insight.id)
}

async fn created(api: &Api, id: Uuid, now: Timestamp) -> Result<Reply, Problem> {
    Ok(shown(api, id, now).await?.status(StatusCode::CREATED).header(header::LOCATION, format!("/v1/insights/{id}")))
}

/// The newest revision, as the answer to a write.
pub(super) async fn shown(api: &Api, id: Uuid, now: Timestamp) -> Result<Reply, Problem> {
    let freshness = api.freshness(now).await?;
    let chain = Locale::fallback_chain(None, &freshness.default_locale);
    // The writer has seen what it wrote; a reader's snapshot is never older than the last commit on this node.
    let found = store::insights::find_for_editor(api.store.reader(), &Name::Id(id), &chain, None).await?;
    let (row, body) = found.ok_or_else(Problem::not_found)?;
    Ok(represent(&row, body, &chain, ("application/json", None), now).header(CONTENT_SEQUENCE, freshness.sequence.to_string()))
}
