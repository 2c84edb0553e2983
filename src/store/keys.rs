//! The keys that sign access tokens.

use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait as _, IntoActiveModel as _, QueryOrder as _,
};

use super::error::StoreError;
use super::rows::signing_key;
use super::sql::Sql;
use crate::domain::clock::Timestamp;

const ROTATION_LOCK: i64 = 0x0001_4531_9476;

/// Oldest first.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<signing_key::Model>, StoreError> {
    Ok(signing_key::Entity::find().order_by_asc(signing_key::Column::SignsFrom).all(db).await?)
}

/// Locks out other nodes that rotate keys.
pub async fn lock(txn: &DatabaseTransaction) -> Result<(), StoreError> {
    if txn.get_database_backend() == DbBackend::Postgres {
        Sql::new(DbBackend::Postgres, "SELECT pg_advisory_xact_lock(").bind(ROTATION_LOCK).push(")").run(txn).await?;
    }
    Ok(())
}

pub async fn insert(txn: &DatabaseTransaction, key: signing_key::Model) -> Result<(), StoreError> {
    signing_key::Entity::insert(key.into_active_model().reset_all()).exec_without_returning(txn).await?;
    Ok(())
}

/// Sets until when a key that no longer signs still verifies.
pub async fn retire(txn: &DatabaseTransaction, kid: &str, verifies_until: Timestamp) -> Result<(), StoreError> {
    let mut sql = Sql::new(txn.get_database_backend(), "UPDATE signing_keys SET verifies_until = ");
    sql.bind(verifies_until.0).push(" WHERE kid = ").bind(kid).run(txn).await?;
    Ok(())
}

/// Deletes keys that no longer verify.
pub async fn delete_expired(txn: &DatabaseTransaction, now: Timestamp) -> Result<(), StoreError> {
    Sql::new(txn.get_database_backend(), "DELETE FROM signing_keys WHERE verifies_until < ").bind(now.0).run(txn).await?;
    Ok(())
}
