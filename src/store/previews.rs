//! Preview tokens: read access to one revision of one insight until an expiry. Only digests are stored.

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use uuid::Uuid;

use super::error::StoreError;
use super::sql::Sql;
use crate::domain::authority::Principal;
use crate::domain::clock::Timestamp;
use crate::domain::page::{Cursor, KeyValue, Page};

const COLUMNS: &str =
    "SELECT id, insight_id, revision, made_by, user_id, token_id, created_at, expires_at FROM preview_tokens WHERE revoked_at IS NULL";

#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Preview {
    pub id: Uuid,
    pub insight_id: Uuid,
    pub revision: i64,
    pub made_by: String,
    pub user_id: Option<Uuid>,
    pub token_id: Option<Uuid>,
    pub created_at: i64,
    pub expires_at: i64,
}

impl Preview {
    #[must_use]
    pub fn new(id: Uuid, (insight_id, revision): (Uuid, i64), by: &Principal, now: Timestamp, expires_at: Timestamp) -> Self {
        let (made_by, user_id, token_id) = (by.name.clone(), by.user_id, by.token_id);
        Self { id, insight_id, revision, made_by, user_id, token_id, created_at: now.0, expires_at: expires_at.0 }
    }
}

pub async fn insert(txn: &DatabaseTransaction, preview: &Preview, digest: Vec<u8>) -> Result<(), StoreError> {
    let Preview { id, insight_id, revision, made_by, user_id, token_id, created_at, expires_at } = preview;
    let text = "INSERT INTO preview_tokens (id, insight_id, revision, digest, made_by, user_id, token_id, created_at, expires_at) VALUES (";
    let mut sql = Sql::new(txn.get_database_backend(), text);
    sql.bind(*id).push(", ").bind(*insight_id).push(", ").bind(*revision).push(", ").bind(digest);
    sql.push(", ").bind(made_by.as_str()).push(", ").bind(*user_id).push(", ").bind(*token_id);
    sql.push(", ").bind(*created_at).push(", ").bind(*expires_at).push(")").run(txn).await?;
    Ok(())
}

/// A valid preview by the digest of its token.
pub async fn find_by_digest(db: &impl ConnectionTrait, digest: &[u8], now: Timestamp) -> Result<Option<Preview>, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), COLUMNS);
    sql.push(" AND digest = ").bind(digest.to_vec()).push(" AND expires_at > ").bind(now.0).one(db).await
}

/// The valid ones of an insight, in the order of creation.
pub async fn list(
    db: &impl ConnectionTrait,
    insight: Uuid,
    cursor: Option<&Cursor>,
    limit: i64,
    now: Timestamp,
) -> Result<Page<Preview>, StoreError> {
    let backward = cursor.is_some_and(|cursor| cursor.backward);
    let mut sql = Sql::new(db.get_database_backend(), COLUMNS);
    sql.push(" AND insight_id = ").bind(insight).push(" AND expires_at > ").bind(now.0);
    if let Some(cursor) = cursor {
        sql.push(if backward { " AND id < " } else { " AND id > " }).bind(cursor.id);
    }
    sql.push(if backward { " ORDER BY id DESC" } else { " ORDER BY id" }).limit(limit + 1);
    let rows = sql.all::<Preview>(db).await?;
    let identity = identity(insight);
    Ok(Page::from_rows(rows, usize::try_from(limit).unwrap_or(0), cursor, (&identity, false), |row| (KeyValue::Number(0), row.id)))
}

/// The identity of the list: a cursor belongs to one.
#[must_use]
pub fn identity(insight: Uuid) -> String {
    format!("previews of {insight}")
}

/// False if this insight has no such token, or it is revoked already.
pub async fn revoke(txn: &DatabaseTransaction, insight: Uuid, id: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let mut sql = Sql::new(txn.get_database_backend(), "UPDATE preview_tokens SET revoked_at = ");
    sql.bind(now.0).push(" WHERE revoked_at IS NULL AND id = ").bind(id).push(" AND insight_id = ").bind(insight);
    Ok(sql.run(txn).await? == 1)
}

/// Revokes those of a user.
pub async fn revoke_of_user(txn: &DatabaseTransaction, user: Uuid, now: Timestamp) -> Result<(), StoreError> {
    revoke_where(txn, "user_id", user, now).await
}

/// Revokes those that were created with a machine token.
pub async fn revoke_of_token(txn: &DatabaseTransaction, token: Uuid, now: Timestamp) -> Result<(), StoreError> {
    revoke_where(txn, "token_id", token, now).await
}

async fn revoke_where(txn: &DatabaseTransaction, column: &'static str, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    let mut sql = Sql::new(txn.get_database_backend(), "UPDATE preview_tokens SET revoked_at = ");
    sql.bind(now.0).push(" WHERE revoked_at IS NULL AND ").push_ident(column).push(" = ").bind(id).run(txn).await?;
    Ok(())
}

/// Deletes revoked and expired ones.
pub async fn delete_expired(db: &impl ConnectionTrait, now: Timestamp) -> Result<u64, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "DELETE FROM preview_tokens WHERE revoked_at IS NOT NULL OR expires_at <= ");
    sql.bind(now.0).run(db).await
}
