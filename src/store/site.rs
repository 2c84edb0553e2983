//! The one row of settings, and the site's figures.

use sea_orm::{
    ActiveModelTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _, FromQueryResult, IntoActiveModel as _, QuerySelect as _,
};

use super::error::StoreError;
use super::insight_rows;
use super::rows::site;
use super::sql::Sql;
use crate::domain::clock::Timestamp;

/// The figures of the site.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub struct StatsRow {
    pub insights: i64,
    pub categories: i64,
    pub since: Option<i64>,
}

fn in_site(error: sea_orm::DbErr) -> StoreError {
    StoreError::from(error).in_table(|_column| Some("site"))
}

pub async fn find(db: &impl ConnectionTrait) -> Result<Option<site::Model>, StoreError> {
    site::Entity::find_by_id(1).one(db).await.map_err(in_site)
}

pub async fn lock(txn: &DatabaseTransaction) -> Result<Option<site::Model>, StoreError> {
    site::Entity::find_by_id(1).lock_exclusive().one(txn).await.map_err(in_site)
}

pub async fn insert(txn: &DatabaseTransaction, site: site::Model) -> Result<(), StoreError> {
    site::Entity::insert(site.into_active_model().reset_all()).exec_without_returning(txn).await?;
    Ok(())
}

pub async fn save(txn: &DatabaseTransaction, site: site::Model) -> Result<(), StoreError> {
    site.into_active_model().reset_all().update(txn).await?;
    Ok(())
}

pub async fn stats(db: &impl ConnectionTrait, now: Timestamp) -> Result<StatsRow, StoreError> {
    let mut sql = Sql::new(db.get_database_backend(), "SELECT (SELECT count(*) FROM insights i WHERE ");
    insight_rows::visible(&mut sql, now, "");
    sql.push(
        ") AS insights, (SELECT count(*) FROM categories WHERE deleted_at IS NULL) AS categories, (SELECT i.position_at \
        FROM insights i WHERE ",
    );
    insight_rows::visible(&mut sql, now, "");
    sql.push(" ORDER BY i.position_at LIMIT 1) AS since");
    sql.one(db).await?.ok_or(StoreError::Inconsistent("the statistics have no row"))
}
