//! The site's settings: one row.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;

use crate::domain::site::SiteText;
use crate::store::json_column::Json;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "site")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i64,
    pub name: String,
    pub title: String,
    pub headline: String,
    pub intro: String,
    pub base_url: Option<String>,
    pub default_locale: String,
    pub locales: Json<Vec<String>>,
    pub translations: Json<BTreeMap<String, SiteText>>,
    pub version: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
