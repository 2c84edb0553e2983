//! Sign-in, refresh, sign-out, and the public keys of access tokens.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::field_errors::FieldErrors;
use crate::domain::fields::FieldReader;
use crate::domain::text;
use crate::domain::text::{MAX_PASSWORD, Refused};
use crate::editorial::sessions;
use crate::editorial::sessions::{SignInRequest, TokenGrant};
use crate::http::accounts::tokens::{TokenScope, scope_view};
use crate::http::accounts::users::UserRole;
use crate::http::middleware::request_context::RequestId;
use crate::http::request::auth::Authenticated;
use crate::http::request::body::Body;
use crate::http::request::query_params::Query;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::cache_control::CachePolicy;
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;

/// The grant of RFC 6749, section 4.3.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the input; `Grant` parses it")]
pub(crate) enum PasswordGrantType {
    Password,
}

/// The grant of RFC 6749, section 6.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the input; `Grant` parses it")]
pub(crate) enum RefreshGrantType {
    RefreshToken,
}

/// Signs a user in.
#[derive(Serialize, ToSchema)]
pub(crate) struct PasswordGrantRequest {
    #[schema(inline)]
    grant_type: PasswordGrantType,
    #[schema(max_length = 254, pattern = "^[!-?A-~]+@[!-?A-~]+$", example = "ada@example.org")]
    email: String,
    #[schema(max_length = 200, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$", example = "correct horse battery staple")]
    password: String,
}

/// Continues a session.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefreshGrantRequest {
    #[schema(inline)]
    grant_type: RefreshGrantType,
    #[schema(max_length = 200, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$")]
    refresh_token: String,
}

/// A password grant or a refresh grant.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the input; `Grant` parses it")]
pub(crate) enum TokenRequest {
    Password(PasswordGrantRequest),
    Refresh(RefreshGrantRequest),
}

/// An access token, and the refresh token for the next one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TokenResponse)]
pub(crate) struct TokenResponseView {
    /// Send it as `Authorization: Bearer`.
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: String,
    /// Seconds.
    #[schema(minimum = 1, example = 900)]
    expires_in: i64,
    /// Valid once. A second use ends the whole session.
    refresh_token: String,
    /// Separated by spaces.
    scope: String,
}

/// A token to be revoked.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the input")]
pub(crate) struct RevocationRequest {
    #[schema(max_length = 2000, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$")]
    token: String,
}

/// The holder of the token, and its scopes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Me)]
pub(crate) struct MeView {
    /// The user; null for a token that was created on the command line.
    #[schema(required = true)]
    user_id: Option<Uuid>,
    name: String,
    #[schema(required = true)]
    role: Option<UserRole>,
    scopes: Vec<TokenScope>,
}

/// A public key (RFC 8037).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Jwk {
    kty: &'static str,
    crv: &'static str,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    kid: String,
    x: String,
}

/// The public keys of this service (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JwkSet {
    keys: Vec<Jwk>,
}

/// Get an access token
///
/// The password grant signs a user in; the refresh grant continues a session. Access tokens are JSON Web Tokens, signed with Ed25519 and
/// valid for 15 minutes; each refresh token is valid once. After ten wrong passwords, sign-in to the account is refused for a while.
#[utoipa::path(
    tag = "Auth",
    request_body(content(
        (TokenRequest = "application/json"),
        (TokenRequest = "application/x-www-form-urlencoded"),
    )),
    responses((status = 200, description = "The tokens.", body = TokenResponseView)),
    security(()),
    extensions(("x-problems" = json!(["unauthenticated", "quota-exceeded"]))),
)]
#[post("/v1/auth/token")]
pub(crate) async fn issue_token(app: web::Data<AppState>, request: HttpRequest, body: Body) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    let now = app.now();
    let granted = match body.parse_json_or_form(Grant::parse)? {
        Grant::Password { email, password } => {
            let address = client_address(&app, &request);
            let id = RequestId::from_request(&request);
            let sign_in = SignInRequest { email: &email, password: &password, address: &address, request_id: &id };
            sessions::sign_in(&app.store, &app.keys, &app.throttle, sign_in, now).await?
        }
        Grant::Refresh { token } => sessions::refresh(&app.store, &app.keys, &token, &RequestId::from_request(&request), now).await?,
    };
    let TokenGrant { access_token, expires_in, refresh_token, scope } = granted;
    Ok(ResponseBuilder::json(&TokenResponseView { access_token, token_type: "Bearer".to_owned(), expires_in, refresh_token, scope }))
}

/// Revoke a token
///
/// Revokes the session of an access or refresh token, or a machine token (RFC 7009). An unknown token is no error.
#[utoipa::path(
    tag = "Auth",
    request_body(content(
        (RevocationRequest = "application/json"),
        (RevocationRequest = "application/x-www-form-urlencoded"),
    )),
    responses((status = 200, description = "The token, if there was one, is no longer valid.")),
    security(()),
)]
#[post("/v1/auth/revoke")]
pub(crate) async fn revoke_presented_token(app: web::Data<AppState>, request: HttpRequest, body: Body) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    let token = body.parse_json_or_form(|input| {
        let mut fields = FieldReader::new(input, "")?;
        let token = fields.required_text("token", |token| text::present(token, 2_000));
        fields.finish(token)
    })?;
    sessions::revoke(&app.store, &app.keys, &token, &RequestId::from_request(&request), app.now()).await?;
    Ok(ResponseBuilder::empty(StatusCode::OK))
}

/// Get the caller
///
/// The user and the scopes of the token that was sent.
#[utoipa::path(
    tag = "Auth",
    responses((status = 200, description = "The holder of the token.", body = MeView)),
    security(("bearer" = [])),
    extensions(("x-traits" = json!(["not-cacheable"]))),
)]
#[get("/v1/auth/me")]
pub(crate) async fn get_me(request: HttpRequest, caller: Authenticated) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    let Authenticated(principal) = caller;
    let role = principal.role.map(UserRole::from);
    let scopes = principal.scopes.into_iter().map(scope_view).collect();
    Ok(ResponseBuilder::json(&MeView { user_id: principal.user_id, name: principal.name, role, scopes }))
}

/// Get the public keys
///
/// The keys that verify access tokens (RFC 7517): the one that signs now, and the next one.
#[utoipa::path(
    tag = "Auth",
    responses((status = 200, description = "The key set.", body = JwkSet)),
    security(()),
)]
#[get("/.well-known/jwks.json")]
pub(crate) async fn get_jwks(app: web::Data<AppState>, request: HttpRequest) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    let key =
        |key: crate::editorial::keys::PublicKey| Jwk { kty: "OKP", crv: "Ed25519", alg: "EdDSA", usage: "sig", kid: key.kid, x: key.x };
    let keys = app.keys.public_keys(app.now()).into_iter().map(key).collect();
    Ok(ResponseBuilder::json(&JwkSet { keys }).etag_prefix("k".to_owned()).policy(CachePolicy::Embedded))
}

/// The grant of a token request.
enum Grant {
    Password { email: String, password: String },
    Refresh { token: String },
}

impl Grant {
    fn parse(input: serde_json::Value) -> Result<Self, FieldErrors> {
        let mut fields = FieldReader::new(input, "")?;
        let grant_type = fields.required_text("grant_type", |grant| match grant {
            "password" | "refresh_token" => Ok(grant.to_owned()),
            _ => Err(Refused::new("invalid-value", "must be password or refresh_token")),
        });
        if grant_type == "refresh_token" {
            let token = fields.required_text("refresh_token", |token| text::present(token, 200));
            return fields.finish(Self::Refresh { token });
        }
        let email = fields.required_text("email", text::email);
        let password = fields.required_text("password", |password| text::present(password, MAX_PASSWORD));
        fields.finish(Self::Password { email, password })
    }
}

/// The client's address: failed sign-ins are counted for each.
fn client_address(app: &AppState, request: &HttpRequest) -> String {
    let forwarded = request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok()).filter(|_| app.limits.trust_forwarded);
    let client = forwarded.and_then(|chain| chain.rsplit(',').next()).map(|address| address.trim().to_owned());
    client.or_else(|| request.peer_addr().map(|peer| peer.ip().to_string())).unwrap_or_default()
}
