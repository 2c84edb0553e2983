//! `/v1/users`: who may sign in. Administrators only.

use crate::http::request::params::IdPath;
use crate::http::request::params::parse_id;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, delete, get, patch, post, put, web};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::authority::{Admin, Role};
use crate::domain::clock::Timestamp;
use crate::domain::etag::{Expected, version_state};
use crate::domain::user::UserDraft;
use crate::editorial::accounts;
use crate::http::request::body::Body;
use crate::http::request::params::OptionalIfMatchHeader;
use crate::http::request::params::PageParams;
use crate::http::request::preconditions::Preconditions;
use crate::http::request::query_params::Query;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::pagination;
use crate::http::response::pagination::{ListMeta, PageInfo};
use crate::http::response::problem::Problem;
use crate::http::response::write_outcome::WriteMode;
use crate::http::state::app_state::AppState;
use crate::store;
use crate::store::Transaction;
use crate::store::rows::user;

/// What a user may do.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum UserRole {
    /// Writes own drafts.
    Author,
    /// Writes and publishes everything.
    Editor,
    /// Does everything.
    Admin,
}

/// A person who may sign in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserView {
    id: Uuid,
    email: String,
    name: String,
    role: UserRole,
    disabled: bool,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A page of users.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserList)]
pub(crate) struct UserListView {
    data: Vec<UserView>,
    page: PageInfo,
    meta: ListMeta,
}

/// A user to be made. Unknown fields are refused.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes input to the document")]
pub(crate) struct NewUserInput {
    /// Names the account, whatever its case.
    #[schema(max_length = 254, pattern = "^[!-?A-~]+@[!-?A-~]+$", example = "ada@example.org")]
    email: String,
    #[schema(max_length = 100, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$", example = "Ada")]
    name: String,
    role: UserRole,
    #[schema(
        min_length = 12,
        max_length = 200,
        pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$",
        example = "correct horse battery staple"
    )]
    password: String,
    /// True refuses to let the user in.
    disabled: Option<bool>,
}

/// A user as an administrator writes one. Unknown fields are refused.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes input to the document")]
pub(crate) struct UserInput {
    /// Names the account, whatever its case.
    #[schema(max_length = 254, pattern = "^[!-?A-~]+@[!-?A-~]+$", example = "ada@example.org")]
    email: String,
    #[schema(max_length = 100, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$", example = "Ada")]
    name: String,
    role: UserRole,
    /// Left out, the password stays. A new one ends the user's sessions and tokens.
    #[schema(
        min_length = 12,
        max_length = 200,
        pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$",
        example = "correct horse battery staple"
    )]
    password: Option<String>,
    /// True ends the user's sessions and tokens, and refuses new ones.
    disabled: Option<bool>,
}

/// A merge patch (RFC 7396) of a user.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes input to the document")]
pub(crate) struct UserPatch {
    #[schema(nullable = false, max_length = 254, pattern = "^[!-?A-~]+@[!-?A-~]+$", example = "ada@example.org")]
    email: Option<String>,
    #[schema(nullable = false, max_length = 100, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$", example = "Ada")]
    name: Option<String>,
    #[schema(nullable = false)]
    role: Option<UserRole>,
    #[schema(
        min_length = 12,
        max_length = 200,
        pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$",
        example = "correct horse battery staple"
    )]
    password: Option<String>,
    disabled: Option<bool>,
}

/// List users
///
/// Everybody who may sign in, in the order in which they were made.
#[utoipa::path(
    tag = "Accounts",
    params(PageParams),
    responses((status = 200, description = "A page of users.", body = UserListView)),
    security(("bearer" = ["admin"])),
)]
#[get("/v1/users")]
pub(crate) async fn list_users(app: web::Data<AppState>, request: HttpRequest, _admin: Admin) -> Result<ResponseBuilder, Problem> {
    let mut query = Query::from_request(&request);
    let limit = query.limit();
    let cursor = pagination::read_cursor(&mut query, "users", false);
    query.finish()?;
    let page = store::users::list(app.store.reader(), cursor?.as_ref(), limit.unsigned_abs()).await?;
    let sequence = app.freshness(app.now()).await?.sequence;
    let info = pagination::page_info(&page, limit);
    let view = UserListView { data: page.rows.into_iter().map(view).collect(), page: info, meta: ListMeta { sequence, total: None } };
    Ok(pagination::add_links(ResponseBuilder::json(&view), &app, &request, &view.page))
}

/// Get a user
///
/// One user by id.
#[utoipa::path(
    tag = "Accounts",
    params(IdPath),
    responses((status = 200, description = "The user.", body = UserView)),
    security(("bearer" = ["admin"])),
    extensions(("x-traits" = json!(["conditional", "versioned"]))),
)]
#[get("/v1/users/{id}")]
pub(crate) async fn get_user(
    app: web::Data<AppState>,
    request: HttpRequest,
    _admin: Admin,
    path: web::Path<String>,
) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    let user = store::users::find(app.store.reader(), parse_id(&path)?).await?.ok_or_else(Problem::not_found)?;
    Ok(represent(user))
}

/// Create a user
///
/// Makes an account with a password and a role.
#[utoipa::path(
    tag = "Accounts",
    request_body(content = NewUserInput, content_type = "application/json"),
    responses((status = 201, description = "The user.", body = UserView)),
    security(("bearer" = ["admin"])),
    extensions(("x-traits" = json!(["versioned"])), ("x-problems" = json!(["in-use"]))),
)]
#[post("/v1/users")]
pub(crate) async fn create_user(
    app: web::Data<AppState>,
    request: HttpRequest,
    admin: Admin,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let intent = WriteMode::from_request(&request)?;
    let now = app.now();
    let pending = accounts::create_user(&app.store, &admin, body.parse(UserDraft::parse)?, now).await?;
    let show = async |_: &Transaction, user: &user::Model| {
        Ok(represent(user.clone()).status(StatusCode::CREATED).header(header::LOCATION, app.location(&format!("/v1/users/{}", user.id))))
    };
    intent.commit_or_dry_run(&app, pending, now, show).await
}

/// Replace a user
///
/// Gives the user exactly this state, the password excepted when it is left out. The last administrator cannot be demoted or disabled: 409.
#[utoipa::path(
    tag = "Accounts",
    params(IdPath, OptionalIfMatchHeader),
    request_body(content = UserInput, content_type = "application/json"),
    responses((status = 200, description = "The user.", body = UserView)),
    security(("bearer" = ["admin"])),
    extensions(("x-traits" = json!(["versioned"])), ("x-problems" = json!(["in-use"]))),
)]
#[put("/v1/users/{id}")]
pub(crate) async fn replace_user(
    app: web::Data<AppState>,
    request: HttpRequest,
    admin: Admin,
    path: web::Path<String>,
    preconditions: Preconditions,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let intent = WriteMode::from_request(&request)?;
    let now = app.now();
    let id = parse_id(&path)?;
    store::users::find(app.store.reader(), id).await?.ok_or_else(Problem::not_found)?;
    let draft = body.parse(UserDraft::parse)?;
    let pending = accounts::replace_user(&app.store, &admin, id, &preconditions.optional()?, draft, now).await?;
    intent.commit_or_dry_run(&app, pending, now, async |_, user| Ok(represent(user.clone()))).await
}

/// Patch a user
///
/// Applies a merge patch (RFC 7396). A new password, or `disabled`, ends the user's sessions and tokens.
#[utoipa::path(
    tag = "Accounts",
    params(IdPath, OptionalIfMatchHeader),
    request_body(content = UserPatch, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The user.", body = UserView)),
    security(("bearer" = ["admin"])),
    extensions(("x-traits" = json!(["versioned"])), ("x-problems" = json!(["in-use"]))),
)]
#[patch("/v1/users/{id}")]
pub(crate) async fn patch_user(
    app: web::Data<AppState>,
    request: HttpRequest,
    admin: Admin,
    path: web::Path<String>,
    preconditions: Preconditions,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let intent = WriteMode::from_request(&request)?;
    let now = app.now();
    let id = parse_id(&path)?;
    let user = store::users::find(app.store.reader(), id).await?.ok_or_else(Problem::not_found)?;
    let state = version_state(user.version);
    let merge = body.merge_patch()?;
    let draft = UserDraft::parse(merge(draft_of(user).to_input())).map_err(Problem::invalid)?;
    let expected = match preconditions.optional()? {
        given @ Expected::OneOf(_) => given,
        // The patch was applied to this state; another writer in between makes it stale.
        given => Expected::OneOf(Vec::from_iter(Some(state).filter(|state| given.allows(state)))),
    };
    let pending = accounts::replace_user(&app.store, &admin, id, &expected, draft, now).await?;
    intent.commit_or_dry_run(&app, pending, now, async |_, user| Ok(represent(user.clone()))).await
}

/// Delete a user
///
/// Removes the account with its sessions and tokens; what the user wrote stays. The last administrator cannot be removed: 409.
#[utoipa::path(
    tag = "Accounts",
    params(IdPath, OptionalIfMatchHeader),
    responses((status = 204, description = "The user is gone.")),
    security(("bearer" = ["admin"])),
    extensions(("x-traits" = json!(["versioned"])), ("x-problems" = json!(["in-use"]))),
)]
#[delete("/v1/users/{id}")]
pub(crate) async fn delete_user(
    app: web::Data<AppState>,
    request: HttpRequest,
    admin: Admin,
    path: web::Path<String>,
    preconditions: Preconditions,
) -> Result<ResponseBuilder, Problem> {
    let intent = WriteMode::from_request(&request)?;
    let now = app.now();
    let pending = accounts::delete_user(&app.store, &admin, parse_id(&path)?, &preconditions.optional()?, now).await?;
    intent.commit_or_dry_run(&app, pending, now, async |_, _| Ok(ResponseBuilder::empty(StatusCode::NO_CONTENT))).await
}

fn draft_of(user: user::Model) -> UserDraft {
    let role = Role::parse(&user.role).unwrap_or_default();
    UserDraft { email: user.email, name: user.name, role, password: None, disabled: user.disabled_at.is_some() }
}

fn represent(user: user::Model) -> ResponseBuilder {
    let state = version_state(user.version);
    ResponseBuilder::json(&view(user)).etag_prefix(state)
}

fn view(user: user::Model) -> UserView {
    let user::Model { id, email, name, role, password_hash: _, disabled_at, version: _, created_at, updated_at } = user;
    UserView {
        id,
        email,
        name,
        role: match Role::parse(&role).unwrap_or_default() {
            Role::Author => UserRole::Author,
            Role::Editor => UserRole::Editor,
            Role::Admin => UserRole::Admin,
        },
        disabled: disabled_at.is_some(),
        created_at: Timestamp(created_at).rfc3339(),
        updated_at: Timestamp(updated_at).rfc3339(),
    }
}
