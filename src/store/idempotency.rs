//! Stored responses for retries with the same `Idempotency-Key`. The transaction of the write also inserts its
//! response: both are committed, or neither.

use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};

use super::error::StoreError;
use super::sql::Sql;
use crate::domain::clock::Timestamp;

/// A stored response: found by the digest of key and caller, with a fingerprint of the request, encrypted with the key itself.
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

/// Stores a response. False if there is one already. On `PostgreSQL` it waits for a concurrent transaction with the same key.
pub async fn insert(txn: &DatabaseTransaction, record: &IdempotencyRecord, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
    let text = "INSERT INTO idempotency_keys (digest, fingerprint, answer, created_at, expires_at) VALUES (";
    let mut sql = Sql::new(txn.get_database_backend(), text);
    sql.bind(record.digest.clone()).push(", ").bind(record.fingerprint.clone()).push(", ").bind(record.answer.clone());
    sql.push(", ").bind(now.0).push(", ").bind(until.0);
    sql.push(
        ") ON CONFLICT (digest) DO UPDATE SET fingerprint = excluded.fingerprint, answer = excluded.answer, created_at = \
        excluded.created_at, ",
    );
    sql.push("expires_at = excluded.expires_at WHERE idempotency_keys.expires_at <= ").bind(now.0);
    Ok(sql.run(txn).await? == 1)
}

/// Deletes expired responses.
pub async fn delete_expired(db: &impl ConnectionTrait, now: Timestamp) -> Result<u64, StoreError> {
    Sql::new(db.get_database_backend(), "DELETE FROM idempotency_keys WHERE expires_at <= ").bind(now.0).run(db).await
}
