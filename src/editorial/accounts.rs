//! Users and machine tokens. Changing a password or disabling a user ends every session and token of theirs.

use uuid::Uuid;

use super::error::EditorialError;
use super::passwords;
use super::pending::PendingWrite;
use crate::domain::authority::{Admin, Role, Scope};
use crate::domain::clock::{Timestamp, new_id};
use crate::domain::etag::{Expected, version_state};
use crate::domain::secret::{self, MACHINE};
use crate::domain::user::{TokenDraft, UserDraft};
use crate::store::audit::AuditEvent;
use crate::store::error::StoreError;
use crate::store::rows::{token, user};
use crate::store::{self, Store, Transaction};

/// # Errors
/// When the address is taken or no password was given.
pub async fn create_user(
    store: &Store,
    admin: &Admin,
    draft: UserDraft,
    now: Timestamp,
) -> Result<PendingWrite<user::Model>, EditorialError> {
    let UserDraft { email, name, role, password, disabled } = draft;
    let password = password.ok_or_else(|| EditorialError::field("/password", "required", "is required"))?;
    let password_hash = passwords::hash(password).await?;
    let user = user::Model {
        id: new_id(now),
        email,
        name,
        role: role.as_str().to_owned(),
        password_hash,
        disabled_at: disabled.then_some(now.0),
        version: 1,
        created_at: now.0,
        updated_at: now.0,
    };
    let txn = store.begin().await?;
    store::users::insert(&txn, user.clone()).await.map_err(email_taken)?;
    Ok(pending(txn, admin, "created", user))
}

/// Gives a user a new state; an absent password stays as it is.
///
/// # Errors
/// When the user is unknown or stale, the address is taken, or nobody would be left to administer.
pub async fn replace_user(
    store: &Store,
    admin: &Admin,
    id: Uuid,
    expected: &Expected,
    draft: UserDraft,
    now: Timestamp,
) -> Result<PendingWrite<user::Model>, EditorialError> {
    let UserDraft { email, name, role, password, disabled } = draft;
    let ends_tokens = password.is_some() || disabled;
    let password_hash = match password {
        Some(password) => Some(passwords::hash(password).await?),
        None => None,
    };
    let txn = store.begin().await?;
    let mut user = locked(&txn, id, expected).await?;
    if role != Role::Admin || disabled {
        keep_an_admin(&txn, &user).await?;
    }
    user.email = email;
    user.name = name;
    role.as_str().clone_into(&mut user.role);
    user.password_hash = password_hash.unwrap_or(user.password_hash);
    user.disabled_at = if disabled { user.disabled_at.or(Some(now.0)) } else { None };
    user.version += 1;
    user.updated_at = now.0;
    store::users::save(&txn, user.clone()).await.map_err(email_taken)?;
    if ends_tokens {
        store::sessions::revoke_of_user(&txn, id, now).await?;
        store::tokens::revoke_of_user(&txn, id, now).await?;
        store::previews::revoke_of_user(&txn, id, now).await?;
    }
    Ok(pending(txn, admin, "updated", user))
}

/// Removes a user with their sessions and tokens. What they wrote stays.
///
/// # Errors
/// When the user is unknown or stale, or is the last administrator.
pub async fn delete_user(
    store: &Store,
    admin: &Admin,
    id: Uuid,
    expected: &Expected,
    now: Timestamp,
) -> Result<PendingWrite<user::Model>, EditorialError> {
    let txn = store.begin().await?;
    let user = locked(&txn, id, expected).await?;
    keep_an_admin(&txn, &user).await?;
    store::previews::revoke_of_user(&txn, id, now).await?;
    store::users::delete(&txn, id).await?;
    Ok(pending(txn, admin, "deleted", user))
}

/// Makes a machine token that reaches as far as whoever makes it; the secret is returned once and never stored.
///
/// # Errors
/// When it would have ended already.
pub async fn create_token(
    store: &Store,
    admin: &Admin,
    draft: TokenDraft,
    now: Timestamp,
) -> Result<PendingWrite<(token::Model, String)>, EditorialError> {
    let user_id = admin.principal().user_id;
    let TokenDraft { name, scopes, expires_at } = draft;
    if expires_at.is_some_and(|at| at <= now) {
        return Err(EditorialError::field("/expires_at", "in-the-past", "must be in the future"));
    }
    let secret = secret::new_secret(MACHINE).ok_or(EditorialError::Internal("no randomness"))?;
    let token = token::Model {
        id: new_id(now),
        name,
        prefix: secret[..MACHINE.len() + 6].to_owned(),
        digest: secret::digest(&secret),
        scopes: Scope::join(&scopes),
        user_id,
        created_at: now.0,
        expires_at: expires_at.map(|at| at.0),
        last_used_at: None,
        revoked_at: None,
    };
    let txn = store.begin().await?;
    if let Some(owner) = user_id {
        // Whoever ends the owner's tokens at this moment ends this one too, or it is not made.
        store::users::lock(&txn, owner).await?.filter(|user| user.disabled_at.is_none()).ok_or(EditorialError::NotFound)?;
    }
    store::tokens::insert(&txn, token.clone()).await?;
    let deed = AuditEvent { action: "created", resource: "token", resource_id: Some(token.id), label: Some(token.name.clone()) };
    Ok(PendingWrite::other(txn, admin.principal(), deed, (token, secret)))
}

/// # Errors
/// When there is no such token.
pub async fn revoke_token(store: &Store, admin: &Admin, id: Uuid, now: Timestamp) -> Result<PendingWrite<()>, EditorialError> {
    let txn = store.begin().await?;
    if !store::tokens::revoke(&txn, id, now).await? {
        return Err(EditorialError::NotFound);
    }
    store::previews::revoke_of_token(&txn, id, now).await?;
    let deed = AuditEvent { action: "revoked", resource: "token", resource_id: Some(id), label: None };
    Ok(PendingWrite::other(txn, admin.principal(), deed, ()))
}

fn pending(txn: Transaction, admin: &Admin, action: &'static str, user: user::Model) -> PendingWrite<user::Model> {
    let deed = AuditEvent { action, resource: "user", resource_id: Some(user.id), label: Some(user.email.clone()) };
    PendingWrite::other(txn, admin.principal(), deed, user)
}

async fn locked(txn: &Transaction, id: Uuid, expected: &Expected) -> Result<user::Model, EditorialError> {
    let user = store::users::lock(txn, id).await?.ok_or(EditorialError::NotFound)?;
    let state = version_state(user.version);
    if expected.allows(&state) { Ok(user) } else { Err(EditorialError::stale(state)) }
}

async fn keep_an_admin(txn: &Transaction, user: &user::Model) -> Result<(), EditorialError> {
    let administers = user.role == Role::Admin.as_str() && user.disabled_at.is_none();
    if administers && store::users::count_other_admins(txn, user.id).await? == 0 {
        return Err(EditorialError::InUse { uses: 1 });
    }
    Ok(())
}

fn email_taken(error: StoreError) -> EditorialError {
    match error {
        StoreError::Unique(_) => EditorialError::Taken("/email"),
        other => other.into(),
    }
}
