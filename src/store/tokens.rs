//! Machine tokens. Only digests are stored.

use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::error::StoreError;
use super::rows::token;
use super::sql::Sql;
use crate::domain::clock::Timestamp;
use crate::domain::page::{Cursor, KeyValue, Page};

pub async fn insert(txn: &DatabaseTransaction, token: token::Model) -> Result<(), StoreError> {
    token::Entity::insert(token.into_active_model().reset_all()).exec_without_returning(txn).await?;
    Ok(())
}

pub async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<token::Model>, StoreError> {
    Ok(token::Entity::find_by_id(id).one(db).await?)
}

pub async fn find_by_digest(db: &impl ConnectionTrait, digest: &[u8]) -> Result<Option<token::Model>, StoreError> {
    Ok(token::Entity::find().filter(token::Column::Digest.eq(digest.to_vec())).one(db).await?)
}

/// Those that are not revoked, in the order of creation.
pub async fn list(db: &impl ConnectionTrait, cursor: Option<&Cursor>, limit: u64) -> Result<Page<token::Model>, StoreError> {
    let mut select = token::Entity::find().filter(token::Column::RevokedAt.is_null());
    let backward = cursor.is_some_and(|cursor| cursor.backward);
    if let Some(cursor) = cursor {
        select = select.filter(if backward { token::Column::Id.lt(cursor.id) } else { token::Column::Id.gt(cursor.id) });
    }
    select = if backward { select.order_by_desc(token::Column::Id) } else { select.order_by_asc(token::Column::Id) };
    let rows = select.limit(limit + 1).all(db).await?;
    Ok(Page::from_rows(rows, usize::try_from(limit).unwrap_or(0), cursor, ("tokens", false), |row| (KeyValue::Number(0), row.id)))
}

/// False if there is no such token, or it is revoked already.
pub async fn revoke(txn: &DatabaseTransaction, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    Ok(revoke_where(txn, "id", id, now).await? == 1)
}

pub async fn revoke_of_user(txn: &DatabaseTransaction, user: Uuid, now: Timestamp) -> Result<(), StoreError> {
    revoke_where(txn, "user_id", user, now).await?;
    Ok(())
}

/// Records that a token was used.
pub async fn record_use(db: &impl ConnectionTrait, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "UPDATE tokens SET last_used_at = ");
    sql.bind(now.0).push(" WHERE id = ").bind(id).run(db).await?;
    Ok(())
}

async fn revoke_where(txn: &DatabaseTransaction, column: &'static str, id: Uuid, now: Timestamp) -> Result<u64, StoreError> {
    let mut sql = Sql::new(txn.get_database_backend(), "UPDATE tokens SET revoked_at = ");
    sql.bind(now.0).push(" WHERE revoked_at IS NULL AND ").push_ident(column).push(" = ").bind(id).run(txn).await
}
