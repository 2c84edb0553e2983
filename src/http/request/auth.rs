//! Who is asking. A handler that needs authority takes [`Editor`], [`Publisher`] or [`Admin`] as an argument: no token, no handler.
//!
//! The token was already looked up by [`crate::http::middleware::request_context`] when extractors run, so that they answer at once and before any body is read:
//! a bad body without a token is a 401, not a 400.

use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};

use crate::domain::authority::{Admin, Editor, MissingScope, Origin, Principal, Publisher, Role, Scope};
use crate::domain::clock::Timestamp;
use crate::domain::secret;
use crate::domain::secret::MACHINE;
use crate::http::response::cache_control::CachePolicy;
use crate::http::response::problem::{Problem, unauthenticated, unidentified};
use crate::http::response::problem_codes::ProblemCode;
use crate::http::state::app_state::AppState;
use crate::store;
use crate::store::changes::Freshness;

const TOUCH_SECONDS: i64 = 60;
const TOUCH_PATIENCE: Duration = Duration::from_millis(250);

/// What the `Authorization` header came to.
#[derive(Clone, Debug)]
pub(crate) enum Authentication {
    Anonymous,
    Known(Principal),
    Refused(&'static str),
}

/// Looks the token of a request up; no header, no look.
pub(crate) async fn authenticate(
    app: &AppState,
    header: Option<&header::HeaderValue>,
    request_id: &str,
) -> Result<Authentication, Problem> {
    let Some(header) = header else { return Ok(Authentication::Anonymous) };
    let token = header.to_str().ok().and_then(|text| text.split_once(' '));
    let Some(token) = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim()) else {
        return Ok(Authentication::Refused("the Authorization header must read: Bearer <token>"));
    };
    let principal = if token.starts_with(MACHINE) { machine(app, token).await? } else { session(app, token).await? };
    let Some(principal) = principal else { return Ok(Authentication::Refused("the token is unknown, expired or revoked")) };
    Ok(Authentication::Known(Principal { request_id: request_id.to_owned(), ..principal }))
}

async fn machine(app: &AppState, token: &str) -> Result<Option<Principal>, Problem> {
    if !secret::is_well_formed(MACHINE, token) {
        return Ok(None);
    }
    let now = app.now();
    let found = store::tokens::find_by_digest(app.store.reader(), &secret::digest(token)).await?;
    let Some(row) = found.filter(|row| row.revoked_at.is_none() && row.expires_at.is_none_or(|at| at > now.0)) else {
        return Ok(None);
    };
    let mut scopes = Scope::parse_list(&row.scopes);
    let mut role = None;
    if let Some(owner) = row.user_id {
        // A token reaches no further than the user who owns it does today.
        let user = store::users::find(app.store.reader(), owner).await?.filter(|user| user.disabled_at.is_none());
        let Some(owner_role) = user.and_then(|user| Role::parse(&user.role)) else { return Ok(None) };
        scopes.retain(|scope| owner_role.scopes().contains(scope));
        role = Some(owner_role);
    }
    if row.last_used_at.is_none_or(|at| at + TOUCH_SECONDS * 1000 < now.0) {
        // When it was used is good to know, and no reason to keep anybody waiting.
        let (store, id) = (app.store.clone(), row.id);
        let noting = actix_web::rt::spawn(async move { store::tokens::record_use(store.writer(), id, now).await.is_ok() });
        let touched = tokio::time::timeout(TOUCH_PATIENCE, noting).await;
        tracing::debug!(noted = matches!(touched, Ok(Ok(true))), "a machine token was used");
    }
    let name = format!("token {}", row.name);
    Ok(Some(Principal { user_id: row.user_id, token_id: Some(row.id), name, role, scopes, origin: Origin::Api, request_id: String::new() }))
}

async fn session(app: &AppState, token: &str) -> Result<Option<Principal>, Problem> {
    let now = app.now();
    let Some(claims) = app.keys.verify(&app.store, token, now).await? else { return Ok(None) };
    let session = store::sessions::find(app.store.reader(), claims.sid).await?;
    let open = session.is_some_and(|session| session.revoked_at.is_none() && session.user_id == claims.sub);
    let user = store::users::find(app.store.reader(), claims.sub).await?.filter(|user| open && user.disabled_at.is_none());
    let Some(user) = user else { return Ok(None) };
    let Some(role) = Role::parse(&user.role) else { return Ok(None) };
    let mut scopes = Scope::parse_list(&claims.scope);
    scopes.retain(|scope| role.scopes().contains(scope));
    let (user_id, name) = (Some(user.id), user.email);
    Ok(Some(Principal { user_id, token_id: None, name, role: Some(role), scopes, origin: Origin::Api, request_id: String::new() }))
}

fn principal(request: &HttpRequest) -> Result<Option<Principal>, Problem> {
    match request.extensions().get::<Authentication>() {
        None | Some(Authentication::Anonymous) => Ok(None),
        Some(Authentication::Known(principal)) => Ok(Some(principal.clone())),
        Some(Authentication::Refused(why)) => Err(unauthenticated(why)),
    }
}

fn required(request: &HttpRequest) -> Result<Principal, Problem> {
    principal(request)?.ok_or_else(|| unidentified("this needs a token: send Authorization: Bearer <token>"))
}

pub(crate) fn missing_scope(MissingScope(scope): MissingScope) -> Problem {
    Problem::new(ProblemCode::InsufficientScope, format!("the token lacks the scope {}", scope.as_str()))
        .with("required_scope", scope.as_str())
        .header(header::WWW_AUTHENTICATE, format!("Bearer realm=\"insights\", error=\"insufficient_scope\", scope=\"{}\"", scope.as_str()))
}

macro_rules! extractor {
    ($proof:ident) => {
        impl FromRequest for $proof {
            type Error = Problem;
            type Future = Ready<Result<Self, Problem>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                ready(required(request).and_then(|principal| $proof::try_from_principal(principal).map_err(missing_scope)))
            }
        }
    };
}

extractor!(Editor);
extractor!(Publisher);
extractor!(Admin);

/// Any valid token, whatever it may do.
pub(crate) struct Authenticated(pub(crate) Principal);

impl FromRequest for Authenticated {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(required(request).map(Self))
    }
}

/// A reader of something public: anonymous, or with a valid token. An invalid token is refused even where none is needed.
pub(crate) struct Reader(pub(crate) Option<Principal>);

impl Reader {
    /// The reader as an editor, who sees what is not visible.
    pub(crate) fn editor(&self) -> Option<&Principal> {
        self.0.as_ref().filter(|principal| principal.has(Scope::InsightsWrite))
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.0.is_none()
    }

    /// What was read with a token is kept by nobody, even when everybody would have got the same.
    pub(crate) fn policy(&self, now: Timestamp, freshness: &Freshness) -> CachePolicy {
        if self.is_anonymous() { CachePolicy::public(now, freshness) } else { CachePolicy::Never }
    }
}

impl FromRequest for Reader {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(principal(request).map(Self))
    }
}
