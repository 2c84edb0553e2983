//! `/v1/users`: who may sign in. For administrators.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, delete, get, patch, post, put, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Object, Schema, SchemaType, Type};
use uuid::Uuid;

use crate::domain::authority::{Admin, Role};
use crate::domain::clock::Timestamp;
use crate::domain::etag::{Expected, version_state};
use crate::domain::user::UserDraft;
use crate::editorial::accounts;
use crate::http::request::body::Body;
use crate::http::request::input_schema::{self, derived_schema};
use crate::http::request::params::{IdPath, OptionalIfMatchHeader, PageParams};
use crate::http::request::preconditions::Preconditions;
use crate::http::request::query_params::{Query, QueryParams as _};
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::pagination;
use crate::http::response::pagination::{ListMeta, PageInfo};
use crate::http::response::problem::Problem;
use crate::http::response::write_outcome::WriteMode;
use crate::http::state::app_state::AppState;
use crate::store;
use crate::store::Transaction;
use crate::store::error::{CorruptValue, StoreError};
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

impl From<Role> for UserRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Author => Self::Author,
            Role::Editor => Self::Editor,
            Role::Admin => Self::Admin,
        }
    }
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

/// A user as an administrator writes one. Unknown fields are refused.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the input; the domain parses it")]
pub(crate) struct UserInput {
    /// Identifies the account; upper and lower case are the same.
    #[schema(max_length = 254, pattern = "^[!-?A-~]+@[!-?A-~]+$", example = "ada@example.org")]
    email: String,
    #[schema(max_length = 100, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$", example = "Ada")]
    name: String,
    role: UserRole,
    /// Without it, the password does not change. A new one revokes the user's sessions and tokens.
    #[schema(
        min_length = 12,
        max_length = 200,
        pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$",
        example = "correct horse battery staple"
    )]
    password: Option<String>,
    /// True revokes the user's sessions and tokens, and refuses new ones.
    disabled: Option<bool>,
}

derived_schema! {
    /// A new user. Unknown fields are refused.
    pub(crate) NewUserInput = require_password, UserInput
}

fn require_password(input: &mut Object) {
    input.required.push("password".to_owned());
    if let Some(RefOr::T(Schema::Object(password))) = input.properties.get_mut("password") {
        password.schema_type = SchemaType::Type(Type::String);
        password.description = None;
    }
}

derived_schema! {
    /// A merge patch (RFC 7396) of a user.
    pub(crate) UserPatch = input_schema::patch, UserInput
}

/// List users
///
/// Everybody who may sign in, oldest account first.
#[utoipa::path(
    tag = "Accounts",
    params(PageParams),
    responses((status = 200, description = "A page of users.", body = UserListView)),
    security(("bearer" = ["admin"])),
)]
#[get("/v1/users")]
pub(crate) async fn list_users(app: web::Data<AppState>, request: HttpRequest, _admin: Admin) -> Result<ResponseBuilder, Problem> {
    let PageParams { limit, cursor } = PageParams::parse(&request)?;
    let cursor = pagination::read_cursor(cursor.as_deref(), "users", false)?;
    let page = store::users::list(app.store.reader(), cursor.as_ref(), limit.unsigned_abs()).await?;
    let sequence = app.freshness(app.now()).await?.sequence;
    let info = pagination::page_info(&page, limit);
    let data = page.rows.into_iter().map(view).collect::<Result<_, _>>()?;
    let view = UserListView { data, page: info, meta: ListMeta { sequence, total: None } };
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
    path: web::Path<IdPath>,
) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    let user = store::users::find(app.store.reader(), path.parse()?).await?.ok_or_else(Problem::not_found)?;
    represent(user)
}

/// Create a user
///
/// Creates an account with a password and a role.
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
    let mode = WriteMode::from_request(&request)?;
    let now = app.now();
    let pending = accounts::create_user(&app.store, &admin, body.parse(UserDraft::parse)?, now).await?;
    let show = async |_: &Transaction, user: &user::Model| {
        let location = app.location(&format!("/v1/users/{}", user.id));
        Ok(represent(user.clone())?.status(StatusCode::CREATED).header(header::LOCATION, location))
    };
    mode.commit_or_dry_run(&app, pending, now, show).await
}

/// Replace a user
///
/// Replaces the user; without a password in the input, the password does not change. The last administrator cannot be demoted or disabled:
/// 409.
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
    path: web::Path<IdPath>,
    preconditions: Preconditions,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let mode = WriteMode::from_request(&request)?;
    let now = app.now();
    let id = path.parse()?;
    store::users::find(app.store.reader(), id).await?.ok_or_else(Problem::not_found)?;
    let draft = body.parse(UserDraft::parse)?;
    let pending = accounts::replace_user(&app.store, &admin, id, &preconditions.optional()?, draft, now).await?;
    mode.commit_or_dry_run(&app, pending, now, async |_, user| represent(user.clone())).await
}

/// Patch a user
///
/// Applies a merge patch (RFC 7396). A new password, or `disabled`, revokes the user's sessions and tokens.
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
    path: web::Path<IdPath>,
    preconditions: Preconditions,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let mode = WriteMode::from_request(&request)?;
    let now = app.now();
    let id = path.parse()?;
    let user = store::users::find(app.store.reader(), id).await?.ok_or_else(Problem::not_found)?;
    let state = version_state(user.version);
    let merge = body.merge_patch()?;
    let draft = UserDraft::parse(merge(to_draft(user)?.to_input())).map_err(Problem::invalid)?;
    let expected = match preconditions.optional()? {
        listed @ Expected::OneOf(_) => listed,
        // The patch was applied to this state; a concurrent write makes it stale.
        any => Expected::OneOf(Vec::from_iter(Some(state).filter(|state| any.allows(state)))),
    };
    let pending = accounts::replace_user(&app.store, &admin, id, &expected, draft, now).await?;
    mode.commit_or_dry_run(&app, pending, now, async |_, user| represent(user.clone())).await
}

/// Delete a user
///
/// Deletes the account with its sessions and tokens; what the user wrote stays. The last administrator cannot be deleted: 409.
#[utoipa::path(
    tag = "Accounts",
    params(IdPath, OptionalIfMatchHeader),
    responses((status = 204, description = "The user was deleted.")),
    security(("bearer" = ["admin"])),
    extensions(("x-traits" = json!(["versioned"])), ("x-problems" = json!(["in-use"]))),
)]
#[delete("/v1/users/{id}")]
pub(crate) async fn delete_user(
    app: web::Data<AppState>,
    request: HttpRequest,
    admin: Admin,
    path: web::Path<IdPath>,
    preconditions: Preconditions,
) -> Result<ResponseBuilder, Problem> {
    let mode = WriteMode::from_request(&request)?;
    let now = app.now();
    let pending = accounts::delete_user(&app.store, &admin, path.parse()?, &preconditions.optional()?, now).await?;
    mode.commit_or_dry_run(&app, pending, now, async |_, _| Ok(ResponseBuilder::empty(StatusCode::NO_CONTENT))).await
}

fn to_draft(user: user::Model) -> Result<UserDraft, StoreError> {
    let role = stored_role(user.id, &user.role)?;
    Ok(UserDraft { email: user.email, name: user.name, role, password: None, disabled: user.disabled_at.is_some() })
}

fn stored_role(id: Uuid, role: &str) -> Result<Role, StoreError> {
    Role::parse(role).ok_or_else(|| {
        let reason = format!("unknown role {role:?}");
        StoreError::Corrupt(Box::new(CorruptValue {
            table: Some("users".to_owned()),
            column: "role".to_owned(),
            row: format!("id {id}"),
            reason,
        }))
    })
}

fn represent(user: user::Model) -> Result<ResponseBuilder, Problem> {
    let state = version_state(user.version);
    Ok(ResponseBuilder::json(&view(user)?).etag_prefix(state))
}

fn view(user: user::Model) -> Result<UserView, StoreError> {
    let user::Model { id, email, name, role, password_hash: _, disabled_at, version: _, created_at, updated_at } = user;
    Ok(UserView {
        id,
        email,
        name,
        role: stored_role(id, &role)?.into(),
        disabled: disabled_at.is_some(),
        created_at: Timestamp(created_at).rfc3339(),
        updated_at: Timestamp(updated_at).rfc3339(),
    })
}
