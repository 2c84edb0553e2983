//! People who may sign in.

use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait as _, IntoActiveModel as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use uuid::Uuid;

use super::error::StoreError;
use super::rows::user;
use super::sql::Sql;
use crate::domain::page::{Cursor, KeyValue, Page};

pub async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<user::Model>, StoreError> {
    Ok(user::Entity::find_by_id(id).one(db).await?)
}

pub async fn find_by_email(db: &impl ConnectionTrait, email: &str) -> Result<Option<user::Model>, StoreError> {
    Ok(user::Entity::find().filter(user::Column::Email.eq(email)).one(db).await?)
}

pub async fn lock(txn: &DatabaseTransaction, id: Uuid) -> Result<Option<user::Model>, StoreError> {
    Ok(user::Entity::find_by_id(id).lock_exclusive().one(txn).await?)
}

/// In the order of creation.
pub async fn list(db: &impl ConnectionTrait, cursor: Option<&Cursor>, limit: u64) -> Result<Page<user::Model>, StoreError> {
    let mut select = user::Entity::find();
    let backward = cursor.is_some_and(|cursor| cursor.backward);
    if let Some(cursor) = cursor {
        select = select.filter(if backward { user::Column::Id.lt(cursor.id) } else { user::Column::Id.gt(cursor.id) });
    }
    select = if backward { select.order_by_desc(user::Column::Id) } else { select.order_by_asc(user::Column::Id) };
    let rows = select.limit(limit + 1).all(db).await?;
    Ok(Page::from_rows(rows, usize::try_from(limit).unwrap_or(0), cursor, ("users", false), |row| (KeyValue::Number(0), row.id)))
}

pub async fn count(db: &impl ConnectionTrait) -> Result<u64, StoreError> {
    Ok(user::Entity::find().count(db).await?)
}

/// How many other administrators can sign in. Locks that set until the transaction ends.
pub async fn count_other_admins(txn: &DatabaseTransaction, id: Uuid) -> Result<u64, StoreError> {
    if txn.get_database_backend() == DbBackend::Postgres {
        Sql::new(DbBackend::Postgres, "SELECT pg_advisory_xact_lock(5411673975)").run(txn).await?;
    }
    let others = user::Entity::find()
        .filter(user::Column::Role.eq("admin"))
        .filter(user::Column::DisabledAt.is_null())
        .filter(user::Column::Id.ne(id));
    Ok(others.count(txn).await?)
}

/// # Errors
/// An e-mail address that is taken is a unique violation.
pub async fn insert(txn: &DatabaseTransaction, user: user::Model) -> Result<(), StoreError> {
    user::Entity::insert(user.into_active_model().reset_all()).exec_without_returning(txn).await?;
    Ok(())
}

/// # Errors
/// An e-mail address that is taken is a unique violation.
pub async fn save(txn: &DatabaseTransaction, user: user::Model) -> Result<(), StoreError> {
    user.into_active_model().reset_all().update(txn).await?;
    Ok(())
}

pub async fn delete(txn: &DatabaseTransaction, id: Uuid) -> Result<(), StoreError> {
    user::Entity::delete_by_id(id).exec(txn).await?;
    Ok(())
}
