//! Signs users in, refreshes sessions, revokes tokens. A refresh token is valid once: a second use revokes the whole
//! session, because one of the two users has stolen it.

use uuid::Uuid;

use super::error::EditorialError;
use super::keys::{ACCESS_SECONDS, KeyRing};
use super::passwords;
use super::throttle::Throttle;
use crate::domain::authority::{Origin, Principal, Role, Scope};
use crate::domain::clock::{Timestamp, new_id};
use crate::domain::secret::{self, REFRESH};
use crate::store::audit::AuditEvent;
use crate::store::rows::{refresh_token, session, user};
use crate::store::{self, Store};

const SESSION_SECONDS: i64 = 30 * 24 * 60 * 60;

/// The tokens of a sign-in or a refresh.
#[derive(Clone, Debug)]
pub struct TokenGrant {
    pub access_token: String,
    pub expires_in: i64,
    pub refresh_token: String,
    pub scope: String,
}

/// A sign-in with a password.
#[derive(Clone, Copy)]
pub struct SignInRequest<'r> {
    pub email: &'r str,
    pub password: &'r str,
    /// The client's address, for throttling.
    pub address: &'r str,
    pub request_id: &'r str,
}

/// The password grant.
///
/// # Errors
/// When the credentials are wrong, the user is disabled, or too many attempts went before.
pub async fn sign_in(
    store: &Store,
    keys: &KeyRing,
    throttle: &Throttle,
    request: SignInRequest<'_>,
    now: Timestamp,
) -> Result<TokenGrant, EditorialError> {
    let SignInRequest { email, password, address, request_id } = request;
    throttle.count_attempt(email, address, now).map_err(|retry_after_seconds| EditorialError::TooManyAttempts { retry_after_seconds })?;
    let user = store::users::find_by_email(store.reader(), email).await?.filter(|user| user.disabled_at.is_none());
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let matches = passwords::verify(store, password.to_owned(), hash).await?;
    let user = user.filter(|_| matches).ok_or(EditorialError::BadCredentials)?;
    throttle.reset(email, address);
    let txn = store.begin().await?;
    // The password was verified outside the transaction, and may have changed since.
    let current = store::users::lock(&txn, user.id).await?;
    if !current.is_some_and(|current| current.password_hash == user.password_hash && current.disabled_at.is_none()) {
        return Err(EditorialError::BadCredentials);
    }
    let id = new_id(now);
    let expires_at = now.plus_seconds(SESSION_SECONDS).0;
    store::sessions::insert(&txn, session::Model { id, user_id: user.id, created_at: now.0, expires_at, revoked_at: None }).await?;
    let grant = issue_tokens(&txn, keys, &user, id, now).await?;
    let principal = audit_principal(Some(user.id), user.email.clone(), request_id);
    let event = AuditEvent { label: Some(user.email), ..audit_event("signed-in", "session", id) };
    store::audit::append(&txn, &event, &principal, now).await?;
    store.commit_quietly(txn).await?;
    Ok(grant)
}

/// The refresh grant.
///
/// # Errors
/// When the token is unknown, used or expired.
pub async fn refresh(store: &Store, keys: &KeyRing, token: &str, request_id: &str, now: Timestamp) -> Result<TokenGrant, EditorialError> {
    if !secret::is_well_formed(REFRESH, token) {
        return Err(EditorialError::BadCredentials);
    }
    let digest = secret::digest(token);
    let txn = store.begin().await?;
    let refresh = store::sessions::find_refresh(&txn, &digest).await?.ok_or(EditorialError::BadCredentials)?;
    let session = store::sessions::find(&txn, refresh.session_id).await?.ok_or(EditorialError::BadCredentials)?;
    if session.revoked_at.is_some() || session.expires_at <= now.0 {
        return Err(EditorialError::BadCredentials);
    }
    if !store::sessions::use_refresh(&txn, &digest, now).await? {
        store::sessions::revoke(&txn, session.id, now).await?;
        let principal = audit_principal(Some(session.user_id), String::new(), request_id);
        store::audit::append(&txn, &audit_event("refresh-token-reused", "session", session.id), &principal, now).await?;
        store.commit_quietly(txn).await?;
        return Err(EditorialError::BadCredentials);
    }
    let user = store::users::find(&txn, session.user_id).await?.filter(|user| user.disabled_at.is_none());
    let user = user.ok_or(EditorialError::BadCredentials)?;
    let grant = issue_tokens(&txn, keys, &user, session.id, now).await?;
    store.commit_quietly(txn).await?;
    Ok(grant)
}

/// Revokes a token (RFC 7009): the session of an access or refresh token, or a machine token. An unknown token is no error.
pub async fn revoke(store: &Store, keys: &KeyRing, token: &str, request_id: &str, now: Timestamp) -> Result<(), EditorialError> {
    let session = match store::sessions::find_refresh(store.reader(), &secret::digest(token)).await? {
        Some(refresh) => Some(refresh.session_id),
        None => keys.verify(store, token, now).await?.map(|claims| claims.sid),
    };
    let machine = store::tokens::find_by_digest(store.reader(), &secret::digest(token)).await?;
    if session.is_none() && machine.is_none() {
        return Ok(());
    }
    let txn = store.begin().await?;
    if let Some(id) = session {
        let user = store::sessions::find(&txn, id).await?.map(|session| session.user_id);
        store::sessions::revoke(&txn, id, now).await?;
        let principal = audit_principal(user, String::new(), request_id);
        store::audit::append(&txn, &audit_event("signed-out", "session", id), &principal, now).await?;
    }
    if let Some(machine) = machine {
        store::tokens::revoke(&txn, machine.id, now).await?;
        store::previews::revoke_of_token(&txn, machine.id, now).await?;
        let name = format!("token {}", machine.name);
        let principal = Principal { token_id: Some(machine.id), ..audit_principal(machine.user_id, name, request_id) };
        store::audit::append(&txn, &audit_event("revoked", "token", machine.id), &principal, now).await?;
    }
    Ok(store.commit_quietly(txn).await?)
}

fn audit_event(action: &'static str, resource: &'static str, id: Uuid) -> AuditEvent {
    AuditEvent { action, resource, resource_id: Some(id), label: None }
}

/// The user of a sign-in or sign-out, for the audit log. It has no scopes.
fn audit_principal(user_id: Option<Uuid>, name: String, request_id: &str) -> Principal {
    let request_id = request_id.to_owned();
    Principal { user_id, token_id: None, session_id: None, name, role: None, scopes: Vec::new(), origin: Origin::Api, request_id }
}

async fn issue_tokens(
    txn: &store::Transaction,
    keys: &KeyRing,
    user: &user::Model,
    session: Uuid,
    now: Timestamp,
) -> Result<TokenGrant, EditorialError> {
    let role = Role::parse(&user.role).ok_or(EditorialError::Internal("an unknown role"))?;
    let scope = Scope::join(role.scopes());
    let refresh_token = secret::new_secret(REFRESH).ok_or(EditorialError::Internal("no randomness"))?;
    let digest = secret::digest(&refresh_token);
    store::sessions::insert_refresh(txn, refresh_token::Model { digest, session_id: session, created_at: now.0, used_at: None }).await?;
    let access_token = keys.sign(user.id, session, scope.clone(), now)?;
    Ok(TokenGrant { access_token, expires_in: ACCESS_SECONDS, refresh_token, scope })
}
