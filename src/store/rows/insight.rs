//! An insight: pointers into its revisions, and what its lists are ordered and filtered by.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "insights")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub slug: String,
    pub head_revision: i64,
    pub live_revision: Option<i64>,
    pub pointer_version: i64,
    pub published_at: Option<i64>,
    pub unpublish_at: Option<i64>,
    pub deleted_at: Option<i64>,
    pub position_at: i64,
    pub category_id: Uuid,
    pub sort_title: String,
    pub reading_minutes: i64,
    pub created_by: Option<Uuid>,
    pub created_at: i64,
    pub updated_at: i64,
    pub live_updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
