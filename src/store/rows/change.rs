//! A row of the change log.

use sea_orm::entity::prelude::*;

use crate::domain::change::{ChangeKind, Resource};
use crate::store::json_column::Json;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "changes")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub sequence: i64,
    pub at: i64,
    pub kind: ChangeKind,
    pub resource: Resource,
    pub resource_id: Option<Uuid>,
    pub slug: Option<String>,
    pub public_sequence: Option<i64>,
    pub cache_tags: Json<Vec<String>>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
