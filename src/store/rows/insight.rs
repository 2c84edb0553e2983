//! An insight: pointers into its revisions, and what its lists are ordered and filtered by.
//!
//! A new time of a publication is one line here, in the list of `times`: the reads, the writes and the exports follow.

use sea_orm::FromQueryResult;
use sea_orm::entity::prelude::*;

use crate::domain::clock::Timestamp;
use crate::domain::publication_times::PublicationTimes;

/// Defines the row of an insight from its facts and the times of its publication.
macro_rules! insight {
    (
        facts { $($(#[$of_fact:meta])* $fact:ident: $fact_type:ty),+ $(,)? }
        times { $($time:ident),+ $(,)? }
    ) => {
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "insights")]
        pub struct Model {
            $($(#[$of_fact])* pub $fact: $fact_type,)+
            $(pub $time: Option<i64>),+
        }

        /// The columns of an insight but those of its times.
        #[derive(Clone, Debug)]
        pub struct Facts {
            $(pub $fact: $fact_type),+
        }

        /// The columns of the times.
        #[derive(Clone, Copy, Debug, FromQueryResult)]
        pub struct TimeColumns {
            $(pub $time: Option<i64>),+
        }

        impl TimeColumns {
            #[must_use]
            pub fn to_times(self) -> PublicationTimes {
                PublicationTimes { $($time: self.$time.map(Timestamp)),+ }
            }
        }

        impl Model {
            /// The row of a draft that was never published.
            #[must_use]
            pub fn new(facts: Facts) -> Self {
                let Facts { $($fact),+ } = facts;
                Self { $($fact,)+ $($time: None),+ }
            }

            #[must_use]
            pub fn times(&self) -> PublicationTimes {
                PublicationTimes { $($time: self.$time.map(Timestamp)),+ }
            }

            pub fn set_times(&mut self, times: PublicationTimes) {
                let PublicationTimes { $($time),+ } = times;
                $(self.$time = $time.map(|at| at.0);)+
            }
        }
    };
}

insight! {
    facts {
        #[sea_orm(primary_key, auto_increment = false)]
        id: Uuid,
        slug: String,
        head_revision: i64,
        live_revision: Option<i64>,
        pointer_version: i64,
        deleted_at: Option<i64>,
        position_at: i64,
        category_id: Uuid,
        sort_title: String,
        reading_minutes: i64,
        created_by: Option<Uuid>,
        created_at: i64,
        updated_at: i64,
        live_updated_at: i64,
    }
    times { published_at, unpublish_at, first_published_at }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
