//! Answers kept for those who ask again with the same `Idempotency-Key`. A row is written in the transaction of the write that it answers:
//! either both are there or neither is, wherever the process dies.

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};

use super::error::StoreError;
use super::sql::Sql;
use crate::domain::clock::Timestamp;

/// What is kept of an answer: under the digest of key and caller, with a digest of the request, sealed with the key itself.
#[derive(Clone, Debug, FromQueryResult)]
pub struct IdempotencyRecord {
    pub digest: Vec<u8>,
    pub fingerprint: Vec<u8>,
    pub answer: Vec<u8>,
}

pub async fn find(db: &impl ConnectionTrait, digest: &[u8], now: Timestamp) -> Result<Option<IdempotencyRecord>, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT digest, fingerprint, answer FROM idempotency_keys WHERE digest = ");
    sql.bind(digest.to_vec()).push(" AND expires_at > ").bind(now.0).one(db).await
}

/// Keeps an answer; false when there is one already. On `PostgreSQL` this waits for a rival that has written its own and not yet committed.
pub async fn keep(txn: &DatabaseTransaction, kept: &IdempotencyRecord, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
    let text = "INSERT INTO idempotency_keys (digest, fingerprint, answer, created_at, expires_at) VALUES (";
    let mut sql = Sql::new(txn.get_database_backend(), text);
    sql.bind(kept.digest.clone()).push(", ").bind(kept.fingerprint.clone()).push(", ").bind(kept.answer.clone());
    sql.push(", ").bind(now.0).push(", ").bind(until.0);
    sql.push(") ON CONFLICT (digest) DO UPDATE SET fingerprint = excluded.fingerprint, answer = excluded.answer, created_at = excluded.created_at, ");
    sql.push("expires_at = excluded.expires_at WHERE idempotency_keys.expires_at <= ").bind(now.0);
    Ok(sql.run(txn).await? == 1)
}

/// Forgets what nobody may ask for any more.
pub async fn forget_expired(db: &impl ConnectionTrait, now: Timestamp) -> Result<u64, StoreError> {
    Sql::new(db.get_database_backend(), "DELETE FROM idempotency_keys WHERE expires_at <= ").bind(now.0).run(db).await
}
