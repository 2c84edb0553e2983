//! Who did something, as answers show it.

use crate::store::rows::revision;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Who did something.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::http) struct MadeBy {
    /// The user's address, or the name of the machine token, as it was then.
    #[schema(example = "ada@example.org")]
    pub name: String,
    #[schema(required = true)]
    pub user_id: Option<Uuid>,
    #[schema(required = true)]
    pub token_id: Option<Uuid>,
}

impl MadeBy {
    pub(in crate::http) fn of(revision: &revision::Model) -> Self {
        Self { name: revision.made_by.clone(), user_id: revision.user_id, token_id: revision.token_id }
    }
}
