//! The body of a text, which lists do not read.

use sea_orm::entity::prelude::*;

use crate::domain::markdown::TocEntry;
use crate::store::json_column::Json;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "revision_bodies")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub insight_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub locale: String,
    pub markdown: String,
    pub html: String,
    pub plain: String,
    pub toc: Json<Vec<TocEntry>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
