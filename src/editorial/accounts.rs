//! Manages users and machine tokens. Changing a password or disabling a user revokes all sessions and tokens of that user.

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

/// Creates a user.
///
/// # Errors
/// When the address is taken or the password is missing.
pub async fn create_user(
    store: &Store,
    admin: &Admin,
    draft: UserDraft,
    now: Timestamp,
) -> Result<PendingWrite<user::Model>, EditorialError> {
    let UserDraft { email, name, role, password, disabled } = draft;
    let password = password.ok_or_else(|| EditorialError::field("/password", "required", "is required"))?;
    let password_hash = passwords::hash(store, password).await?;
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
    Ok(pending_user(txn, admin, "created", user))
}

/// Replaces a user. Without a password, the current one stays.
///
/// # Errors
/// When the user is unknown or stale, the address is taken, or no administrator would be left.
pub async fn replace_user(
    store: &Store,
    admin: &Admin,
    id: Uuid,
    expected: &Expected,
    draft: UserDraft,
    now: Timestamp,
) -> Result<PendingWrite<user::Model>, EditorialError> {
    let UserDraft { email, name, role, password, disabled } = draft;
    let revokes_tokens = password.is_some() || disabled;
    let password_hash = match password {
        Some(password) => Some(passwords::hash(store, password).await?),
        None => None,
    };
    let txn = store.begin().await?;
    let mut user = lock_expected(&txn, id, expected).await?;
    if role != Role::Admin || disabled {
        require_other_admin(&txn, &user).await?;
    }
    user.email = email;
    user.name = name;
    role.as_str().clone_into(&mut user.role);
    user.password_hash = password_hash.unwrap_or(user.password_hash);
    user.disabled_at = if disabled { user.disabled_at.or(Some(now.0)) } else { None };
    user.version += 1;
    user.updated_at = now.0;
    store::users::save(&txn, user.clone()).await.map_err(email_taken)?;
    if revokes_tokens {
        store::sessions::revoke_of_user(&txn, id, now).await?;
        store::tokens::revoke_of_user(&txn, id, now).await?;
        store::previews::revoke_of_user(&txn, id, now).await?;
    }
    Ok(pending_user(txn, admin, "updated", user))
}

/// Deletes a user with all sessions and tokens. What the user wrote stays.
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
    let user = lock_expected(&txn, id, expected).await?;
    require_other_admin(&txn, &user).await?;
    store::previews::revoke_of_user(&txn, id, now).await?;
    store::users::delete(&txn, id).await?;
    Ok(pending_user(txn, admin, "deleted", user))
}

/// Creates a machine token. Its secret is returned once and never stored.
///
/// # Errors
/// When the token would have expired already.
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
        // The lock orders this against a concurrent revocation of the owner's tokens: it revokes this one too, or this
        // one is not created.
        store::users::lock(&txn, owner).await?.filter(|user| user.disabled_at.is_none()).ok_or(EditorialError::NotFound)?;
    }
    store::tokens::insert(&txn, token.clone()).await?;
    let event = AuditEvent { action: "created", resource: "token", resource_id: Some(token.id), label: Some(token.name.clone()) };
    Ok(PendingWrite::audited(txn, admin.principal(), event, (token, secret)))
}

/// Revokes a machine token and the preview tokens that it has created.
///
/// # Errors
/// When there is no such token.
pub async fn revoke_token(store: &Store, admin: &Admin, id: Uuid, now: Timestamp) -> Result<PendingWrite<()>, EditorialError> {
    let txn = store.begin().await?;
    if !store::tokens::revoke(&txn, id, now).await? {
        return Err(EditorialError::NotFound);
    }
    store::previews::revoke_of_token(&txn, id, now).await?;
    let event = AuditEvent { action: "revoked", resource: "token", resource_id: Some(id), label: None };
    Ok(PendingWrite::audited(txn, admin.principal(), event, ()))
}

fn pending_user(txn: Transaction, admin: &Admin, action: &'static str, user: user::Model) -> PendingWrite<user::Model> {
    let event = AuditEvent { action, resource: "user", resource_id: Some(user.id), label: Some(user.email.clone()) };
    PendingWrite::audited(txn, admin.principal(), event, user)
}

async fn lock_expected(txn: &Transaction, id: Uuid, expected: &Expected) -> Result<user::Model, EditorialError> {
    let user = store::users::lock(txn, id).await?.ok_or(EditorialError::NotFound)?;
    let state = version_state(user.version);
    if expected.allows(&state) { Ok(user) } else { Err(EditorialError::stale(state)) }
}

/// Fails for the last administrator.
async fn require_other_admin(txn: &Transaction, user: &user::Model) -> Result<(), EditorialError> {
    let is_active_admin = user.role == Role::Admin.as_str() && user.disabled_at.is_none();
    if is_active_admin && store::users::count_other_admins(txn, user.id).await? == 0 {
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
