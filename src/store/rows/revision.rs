//! A revision: an immutable snapshot of a draft.
//!
//! A new detail of a draft is one line here, in the list of `details`: the columns, the reads, the writes and the summaries follow.

use sea_orm::FromQueryResult;
use sea_orm::entity::prelude::*;
use serde_json::{Map, Value};

use crate::domain::draft::{DraftDetails, Seo};
use crate::store::json_column::{Column as _, Json};

/// How a summary includes a detail as a member of its JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SummaryMember {
    /// The column is JSON.
    Json,
    /// The column is text or a number.
    Quoted,
    /// The summary has members of its own for it.
    Separate,
}

/// Defines the row of a revision from its facts and the details of its draft.
macro_rules! revision {
    (
        facts { $($(#[$of_fact:meta])* $fact:ident: $fact_type:ty),+ $(,)? }
        details { $($detail:ident: $type:ty = $member:expr),+ $(,)? }
    ) => {
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "revisions")]
        pub struct Model {
            $($(#[$of_fact])* pub $fact: $fact_type,)+
            $(pub $detail: $type),+
        }

        /// The columns of a revision but those of its details.
        #[derive(Clone, Debug)]
        pub struct RevisionHeader {
            $(pub $fact: $fact_type),+
        }

        /// The columns of the details.
        #[derive(Clone, Debug, FromQueryResult)]
        pub struct DetailColumns {
            $(pub $detail: $type),+
        }

        /// The name of each detail, in the order of a list item.
        pub const DETAILS: [(&str, SummaryMember); [$(stringify!($detail)),+].len()] = [$((stringify!($detail), $member)),+];

        impl Model {
            #[must_use]
            pub fn new(header: RevisionHeader, details: DraftDetails) -> Self {
                let RevisionHeader { $($fact),+ } = header;
                let DraftDetails { $($detail),+ } = details;
                Self { $($fact,)+ $($detail: <$type>::from_value($detail)),+ }
            }

            #[must_use]
            pub fn into_details(self) -> DraftDetails {
                DraftDetails { $($detail: self.$detail.into_value()),+ }
            }
        }
    };
}

revision! {
    facts {
        #[sea_orm(primary_key, auto_increment = false)]
        insight_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        number: i64,
        slug: String,
        source_locale: String,
        locales: Json<Vec<String>>,
        category_id: Uuid,
        origin: String,
        user_id: Option<Uuid>,
        token_id: Option<Uuid>,
        created_at: i64,
        made_by: String,
        restored_from: Option<i64>,
    }
    details {
        reading_minutes: Option<i64> = SummaryMember::Separate,
        canonical_url: Option<String> = SummaryMember::Quoted,
        seo: Json<Seo> = SummaryMember::Json,
        extra: Json<Map<String, Value>> = SummaryMember::Json,
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
