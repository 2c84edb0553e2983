//! The link tables of a revision's tags and authors.

macro_rules! revision_link {
    ($module:ident, $table:literal) => {
        pub mod $module {
            use sea_orm::entity::prelude::*;

            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub insight_id: Uuid,
                #[sea_orm(primary_key, auto_increment = false)]
                pub number: i64,
                #[sea_orm(primary_key, auto_increment = false)]
                pub term_id: Uuid,
                pub place: i64,
            }

            #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

revision_link!(revision_tag, "revision_tags");
revision_link!(revision_author, "revision_authors");
