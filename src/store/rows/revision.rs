//! A revision: an immutable snapshot of a draft. A new field of a draft is one column here.

use sea_orm::entity::prelude::*;
use serde_json::{Map, Value};

use crate::domain::draft::Seo;
use crate::store::json_column::Json;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "revisions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub insight_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    pub slug: String,
    pub source_locale: String,
    pub locales: Json<Vec<String>>,
    pub category_id: Uuid,
    pub reading_minutes: Option<i64>,
    pub canonical_url: Option<String>,
    pub seo: Json<Seo>,
    pub extra: Json<Map<String, Value>>,
    pub origin: String,
    pub user_id: Option<Uuid>,
    pub token_id: Option<Uuid>,
    pub created_at: i64,
    pub made_by: String,
    pub restored_from: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
