//! Who made a change, as responses show it.

use crate::store::rows::revision;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Who made a change.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::http) struct MadeBy {
    /// The user's email, or the name of the machine token, at that time.
    #[schema(example = "ada@example.org")]
    pub name: String,
    #[schema(required = true)]
    pub user_id: Option<Uuid>,
    #[schema(required = true)]
    pub token_id: Option<Uuid>,
}

impl MadeBy {
    pub(in crate::http) fn from_revision(revision: &revision::Model) -> Self {
        Self { name: revision.made_by.clone(), user_id: revision.user_id, token_id: revision.token_id }
    }
}
