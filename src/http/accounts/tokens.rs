//! `/v1/tokens`: machine tokens. For administrators; a token's secret is shown once.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, delete, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::authority::{Admin, Scope};
use crate::domain::clock::Timestamp;
use crate::domain::user::TokenDraft;
use crate::editorial::accounts;
use crate::http::request::body::Body;
use crate::http::request::params::{IdPath, PageParams};
use crate::http::request::query_params::{Query, QueryParams as _};
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::pagination;
use crate::http::response::pagination::{ListMeta, PageInfo};
use crate::http::response::problem::Problem;
use crate::http::response::write_outcome::WriteMode;
use crate::http::state::app_state::AppState;
use crate::store;
use crate::store::Transaction;
use crate::store::rows::token;

/// What a token may do.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) enum TokenScope {
    #[serde(rename = "insights:write")]
    InsightsWrite,
    #[serde(rename = "insights:publish")]
    InsightsPublish,
    #[serde(rename = "webhooks:manage")]
    WebhooksManage,
    #[serde(rename = "admin")]
    Admin,
}

/// A machine token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub(crate) struct TokenView {
    id: Uuid,
    name: String,
    /// The first characters of the secret, to distinguish tokens.
    prefix: String,
    scopes: Vec<TokenScope>,
    /// The user who created it; null if it was created on the command line.
    #[schema(required = true)]
    user_id: Option<Uuid>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required = true, format = DateTime)]
    expires_at: Option<String>,
    /// Accurate to the minute.
    #[schema(required = true, format = DateTime)]
    last_used_at: Option<String>,
}

/// A new machine token with its secret, which is never shown again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewToken)]
pub(crate) struct NewTokenView {
    id: Uuid,
    name: String,
    /// Send it as `Authorization: Bearer`.
    token: String,
    prefix: String,
    scopes: Vec<TokenScope>,
    #[schema(required = true)]
    user_id: Option<Uuid>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(required = true, format = DateTime)]
    expires_at: Option<String>,
}

/// A page of tokens.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenList)]
pub(crate) struct TokenListView {
    data: Vec<TokenView>,
    page: PageInfo,
    meta: ListMeta,
}

/// A new machine token. Unknown fields are refused.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the input; the domain parses it")]
pub(crate) struct TokenInput {
    /// What it is for.
    #[schema(max_length = 100, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$", example = "nightly import")]
    name: String,
    #[schema(min_items = 1, max_items = 4)]
    scopes: Vec<TokenScope>,
    /// In the future; without it, the token is valid until it is revoked.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// List tokens
///
/// The machine tokens that are not revoked, without their secrets.
#[utoipa::path(
    tag = "Accounts",
    params(PageParams),
    responses((status = 200, description = "A page of tokens.", body = TokenListView)),
    security(("bearer" = ["admin"])),
)]
#[get("/v1/tokens")]
pub(crate) async fn list_tokens(app: web::Data<AppState>, request: HttpRequest, _admin: Admin) -> Result<ResponseBuilder, Problem> {
    let PageParams { limit, cursor } = PageParams::parse(&request)?;
    let cursor = pagination::read_cursor(cursor.as_deref(), "tokens", false)?;
    let page = store::tokens::list(app.store.reader(), cursor.as_ref(), limit.unsigned_abs()).await?;
    let sequence = app.freshness(app.now()).await?.sequence;
    let info = pagination::page_info(&page, limit);
    let view = TokenListView { data: page.rows.into_iter().map(view).collect(), page: info, meta: ListMeta { sequence, total: None } };
    Ok(pagination::add_links(ResponseBuilder::json(&view), &app, &request, &view.page))
}

/// Get a token
///
/// One machine token by id, without its secret.
#[utoipa::path(
    tag = "Accounts",
    params(IdPath),
    responses((status = 200, description = "The token.", body = TokenView)),
    security(("bearer" = ["admin"])),
)]
#[get("/v1/tokens/{id}")]
pub(crate) async fn get_token(
    app: web::Data<AppState>,
    request: HttpRequest,
    _admin: Admin,
    path: web::Path<IdPath>,
) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    let token = store::tokens::find(app.store.reader(), path.parse()?).await?.filter(|token| token.revoked_at.is_none());
    Ok(ResponseBuilder::json(&view(token.ok_or_else(Problem::not_found)?)))
}

/// Create a token
///
/// Creates a machine token. Its secret is shown in this response only. It has no more rights than the user who creates it, and is revoked
/// when that user's password changes or the user is disabled.
#[utoipa::path(
    tag = "Accounts",
    request_body(content = TokenInput, content_type = "application/json"),
    responses((status = 201, description = "The token with its secret.", body = NewTokenView)),
    security(("bearer" = ["admin"])),
)]
#[post("/v1/tokens")]
pub(crate) async fn create_token(
    app: web::Data<AppState>,
    request: HttpRequest,
    admin: Admin,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let mode = WriteMode::from_request(&request)?;
    let now = app.now();
    let draft = body.parse(TokenDraft::parse)?;
    let pending = accounts::create_token(&app.store, &admin, draft, now).await?;
    let show = async |_: &Transaction, (row, secret): &(token::Model, String)| {
        let TokenView { id, name, prefix, scopes, user_id, created_at, expires_at, last_used_at: _ } = view(row.clone());
        let new = NewTokenView { id, name, token: secret.clone(), prefix, scopes, user_id, created_at, expires_at };
        Ok(ResponseBuilder::json(&new).status(StatusCode::CREATED).header(header::LOCATION, app.location(&format!("/v1/tokens/{id}"))))
    };
    mode.commit_or_dry_run(&app, pending, now, show).await
}

/// Revoke a token
///
/// Takes effect at once, on every node.
#[utoipa::path(
    tag = "Accounts",
    params(IdPath),
    responses((status = 204, description = "The token is no longer valid.")),
    security(("bearer" = ["admin"])),
)]
#[delete("/v1/tokens/{id}")]
pub(crate) async fn revoke_token(
    app: web::Data<AppState>,
    request: HttpRequest,
    admin: Admin,
    path: web::Path<IdPath>,
) -> Result<ResponseBuilder, Problem> {
    let mode = WriteMode::from_request(&request)?;
    let now = app.now();
    let pending = accounts::revoke_token(&app.store, &admin, path.parse()?, now).await?;
    mode.commit_or_dry_run(&app, pending, now, async |_, ()| Ok(ResponseBuilder::empty(StatusCode::NO_CONTENT))).await
}

pub(crate) fn scope_view(scope: Scope) -> TokenScope {
    match scope {
        Scope::InsightsWrite => TokenScope::InsightsWrite,
        Scope::InsightsPublish => TokenScope::InsightsPublish,
        Scope::WebhooksManage => TokenScope::WebhooksManage,
        Scope::Admin => TokenScope::Admin,
    }
}

fn view(token: token::Model) -> TokenView {
    let token::Model { id, name, prefix, digest: _, scopes, user_id, created_at, expires_at, last_used_at, revoked_at: _ } = token;
    TokenView {
        id,
        name,
        prefix,
        scopes: Scope::parse_list(&scopes).into_iter().map(scope_view).collect(),
        user_id,
        created_at: Timestamp(created_at).rfc3339(),
        expires_at: expires_at.map(|at| Timestamp(at).rfc3339()),
        last_used_at: last_used_at.map(|at| Timestamp(at).rfc3339()),
    }
}
