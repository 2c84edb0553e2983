//! Step 8: the session of an import's sender, whose end ends the import. NULL for a machine token, and for imports of older nodes.

use sea_orm_migration::prelude::*;

use crate::dialect;

const STEP: &str = r"

ALTER TABLE imports ADD COLUMN session_id {id}
";

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, STEP).await
    }
}
