//! The text of a revision in one locale, as lists show it.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "revision_texts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub insight_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub locale: String,
    pub title: String,
    pub excerpt: String,
    pub excerpt_source: String,
    pub word_count: i64,
    pub derived_minutes: i64,
    pub is_source: bool,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
