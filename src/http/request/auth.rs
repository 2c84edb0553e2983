//! Authentication. A handler that needs authority takes [`Editor`], [`Publisher`] or [`Admin`] as an argument; without a token that has the
//! scope, it does not run.
//!
//! [`crate::http::middleware::request_context`] has looked up the token before extractors run, and they refuse before any body is read: a
//! bad body without a token is a 401, not a 400.

use std::future::{Ready, ready};
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest};

use crate::domain::authority::{Admin, Editor, MissingScope, Origin, Principal, Publisher, Scope};
use crate::domain::clock::Timestamp;
use crate::domain::secret;
use crate::domain::secret::MACHINE;
use crate::editorial::authority;
use crate::http::response::cache_control::CachePolicy;
use crate::http::response::problem::{Problem, token_required, unauthenticated};
use crate::http::response::problem_codes::ProblemCode;
use crate::http::state::app_state::AppState;
use crate::store;
use crate::store::changes::Freshness;

/// The last use of a machine token is recorded at most this often.
const TOUCH_INTERVAL_SECONDS: i64 = 60;
const TOUCH_TIMEOUT: Duration = Duration::from_millis(250);

/// The result of checking the `Authorization` header.
#[derive(Clone, Debug)]
pub(crate) enum Authentication {
    Anonymous,
    Authenticated(Principal),
    /// The detail of the 401.
    Refused(&'static str),
}

/// Looks up the token of a request, if it has one.
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
    let is_machine_token = token.starts_with(MACHINE);
    let principal = if is_machine_token { find_machine_token(app, token).await? } else { find_session(app, token).await? };
    let Some(principal) = principal else { return Ok(Authentication::Refused("the token is unknown, expired or revoked")) };
    Ok(Authentication::Authenticated(Principal { request_id: request_id.to_owned(), ..principal }))
}

async fn find_machine_token(app: &AppState, token: &str) -> Result<Option<Principal>, Problem> {
    if !secret::is_well_formed(MACHINE, token) {
        return Ok(None);
    }
    let now = app.now();
    let row = store::tokens::find_by_digest(app.store.reader(), &secret::digest(token)).await?;
    let Some(row) = row.filter(|row| authority::is_valid_token(row, now)) else { return Ok(None) };
    let mut scopes = Scope::parse_list(&row.scopes);
    let mut role = None;
    if let Some(owner) = row.user_id {
        // A token has no scope that its owner does not have today.
        let user = store::users::find(app.store.reader(), owner).await?;
        let Some(owner_role) = user.as_ref().and_then(authority::active_role) else { return Ok(None) };
        scopes.retain(|scope| owner_role.scopes().contains(scope));
        role = Some(owner_role);
    }
    if row.last_used_at.is_none_or(|at| at + TOUCH_INTERVAL_SECONDS * 1000 < now.0) {
        // The time of the last use is informative only: no request waits for it.
        let (store, id) = (app.store.clone(), row.id);
        let touch = actix_web::rt::spawn(async move { store::tokens::record_use(store.writer(), id, now).await.is_ok() });
        let outcome = tokio::time::timeout(TOUCH_TIMEOUT, touch).await;
        tracing::debug!(recorded = matches!(outcome, Ok(Ok(true))), "machine token used");
    }
    let name = format!("token {}", row.name);
    Ok(Some(Principal {
        user_id: row.user_id,
        token_id: Some(row.id),
        session_id: None,
        name,
        role,
        scopes,
        origin: Origin::Api,
        request_id: String::new(),
    }))
}

async fn find_session(app: &AppState, token: &str) -> Result<Option<Principal>, Problem> {
    let now = app.now();
    let Some(claims) = app.keys.verify(&app.store, token, now).await? else { return Ok(None) };
    let session = store::sessions::find(app.store.reader(), claims.sid).await?;
    let open = session.is_some_and(|session| session.revoked_at.is_none() && session.user_id == claims.sub);
    let Some(user) = store::users::find(app.store.reader(), claims.sub).await?.filter(|_| open) else { return Ok(None) };
    let Some(role) = authority::active_role(&user) else { return Ok(None) };
    let mut scopes = Scope::parse_list(&claims.scope);
    scopes.retain(|scope| role.scopes().contains(scope));
    Ok(Some(Principal {
        user_id: Some(user.id),
        token_id: None,
        session_id: Some(claims.sid),
        name: user.email,
        role: Some(role),
        scopes,
        origin: Origin::Api,
        request_id: String::new(),
    }))
}

fn principal(request: &HttpRequest) -> Result<Option<Principal>, Problem> {
    match request.extensions().get::<Authentication>() {
        None | Some(Authentication::Anonymous) => Ok(None),
        Some(Authentication::Authenticated(principal)) => Ok(Some(principal.clone())),
        Some(Authentication::Refused(why)) => Err(unauthenticated(why)),
    }
}

fn required_principal(request: &HttpRequest) -> Result<Principal, Problem> {
    principal(request)?.ok_or_else(|| token_required("this needs a token: send Authorization: Bearer <token>"))
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
                ready(required_principal(request).and_then(|principal| $proof::try_from_principal(principal).map_err(missing_scope)))
            }
        }
    };
}

extractor!(Editor);
extractor!(Publisher);
extractor!(Admin);

/// Any valid token, whatever its scopes.
pub(crate) struct Authenticated(pub(crate) Principal);

impl FromRequest for Authenticated {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(required_principal(request).map(Self))
    }
}

/// A reader of something public: anonymous, or with a valid token. An invalid token is refused even where none is needed.
pub(crate) struct Reader(pub(crate) Option<Principal>);

impl Reader {
    /// The reader as an editor, who sees invisible insights too.
    pub(crate) fn editor(&self) -> Option<&Principal> {
        self.0.as_ref().filter(|principal| principal.has(Scope::InsightsWrite))
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.0.is_none()
    }

    /// No cache stores a response to a token, even when the public one would be the same.
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
