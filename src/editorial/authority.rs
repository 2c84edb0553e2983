//! What a caller may do now. Tokens are revoked, users disabled and roles changed while requests and imports go on: what commits later
//! looks at the rows again, in its own transaction.
//!
//! Invariant: a revocation that was committed before that transaction reads is seen by it.

use super::error::EditorialError;
use crate::domain::authority::{Principal, Role, Scope};
use crate::domain::clock::Timestamp;
use crate::store::error::StoreError;
use crate::store::rows::{session, token, user};
use crate::store::{self, Connection};

/// The principal with the role and the scopes that are left of its own; `None` when its token, session or user has ended.
pub async fn current(db: &impl Connection, principal: &Principal, now: Timestamp) -> Result<Option<Principal>, StoreError> {
    let mut current = principal.clone();
    if let Some(id) = principal.token_id {
        let Some(token) = store::tokens::find(db, id).await?.filter(|token| is_valid_token(token, now)) else { return Ok(None) };
        let granted = Scope::parse_list(&token.scopes);
        current.scopes.retain(|scope| granted.contains(scope));
    }
    if let Some(id) = principal.session_id
        && !store::sessions::find(db, id).await?.is_some_and(|session| is_open_session(&session, now))
    {
        return Ok(None);
    }
    if let Some(id) = principal.user_id {
        let Some(role) = store::users::find(db, id).await?.as_ref().and_then(active_role) else { return Ok(None) };
        current.role = Some(role);
        current.scopes.retain(|scope| role.scopes().contains(scope));
    }
    Ok(Some(current))
}

/// The principal as it is now, if it still has the scope.
///
/// # Errors
/// [`EditorialError::AuthorityEnded`] when its token, session or user has ended; `Forbidden` when only the scope was removed.
pub async fn require(db: &impl Connection, principal: &Principal, scope: Scope, now: Timestamp) -> Result<Principal, EditorialError> {
    let current = current(db, principal, now).await?.ok_or(EditorialError::AuthorityEnded)?;
    if current.has(scope) { Ok(current) } else { Err(EditorialError::Forbidden("the token has lost the scope that this needs")) }
}

/// Whether a machine token is neither revoked nor expired. Its owner may be disabled nevertheless.
#[must_use]
pub fn is_valid_token(token: &token::Model, now: Timestamp) -> bool {
    token.revoked_at.is_none() && token.expires_at.is_none_or(|at| at > now.0)
}

fn is_open_session(session: &session::Model, now: Timestamp) -> bool {
    session.revoked_at.is_none() && session.expires_at > now.0
}

/// The role of a user; `None` for a disabled one.
#[must_use]
pub fn active_role(user: &user::Model) -> Option<Role> {
    if user.disabled_at.is_some() { None } else { Role::parse(&user.role) }
}
