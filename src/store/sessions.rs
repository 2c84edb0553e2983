//! Sessions: chains of refresh tokens. Only digests are stored, and each can be used once.

use sea_orm::{ActiveModelTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _, IntoActiveModel as _};
use uuid::Uuid;

use super::error::StoreError;
use super::rows::{refresh_token, session};
use super::sql::Sql;
use crate::domain::clock::Timestamp;

pub async fn insert(txn: &DatabaseTransaction, session: session::Model) -> Result<(), StoreError> {
    session::Entity::insert(session.into_active_model().reset_all()).exec_without_returning(txn).await?;
    Ok(())
}

pub async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<session::Model>, StoreError> {
    Ok(session::Entity::find_by_id(id).one(db).await?)
}

pub async fn insert_refresh(txn: &DatabaseTransaction, token: refresh_token::Model) -> Result<(), StoreError> {
    refresh_token::Entity::insert(token.into_active_model().reset_all()).exec_without_returning(txn).await?;
    Ok(())
}

pub async fn find_refresh(db: &impl ConnectionTrait, digest: &[u8]) -> Result<Option<refresh_token::Model>, StoreError> {
    Ok(refresh_token::Entity::find_by_id(digest.to_vec()).one(db).await?)
}

/// Consumes a refresh token. False if it was consumed before, even by a concurrent request.
pub async fn use_refresh(txn: &DatabaseTransaction, digest: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    let mut sql = Sql::new(txn.get_database_backend(), "UPDATE refresh_tokens SET used_at = ");
    sql.bind(now.0).push(" WHERE used_at IS NULL AND digest = ").bind(digest.to_vec());
    Ok(sql.run(txn).await? == 1)
}

pub async fn revoke(txn: &DatabaseTransaction, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    revoke_where(txn, "id", id, now).await
}

pub async fn revoke_of_user(txn: &DatabaseTransaction, user: Uuid, now: Timestamp) -> Result<(), StoreError> {
    revoke_where(txn, "user_id", user, now).await
}

/// Deletes expired sessions with their refresh tokens.
pub async fn delete_expired(db: &impl ConnectionTrait, before: Timestamp) -> Result<u64, StoreError> {
    Sql::new(db.get_database_backend(), "DELETE FROM sessions WHERE expires_at < ").bind(before.0).run(db).await
}

async fn revoke_where(txn: &DatabaseTransaction, column: &'static str, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    let mut sql = Sql::new(txn.get_database_backend(), "UPDATE sessions SET revoked_at = ");
    sql.bind(now.0).push(" WHERE revoked_at IS NULL AND ").push_ident(column).push(" = ").bind(id).run(txn).await?;
    Ok(())
}
