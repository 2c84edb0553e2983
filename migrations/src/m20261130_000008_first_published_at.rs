//! Step 8: when the first publication of an insight began. A node of the version before leaves the new column alone; readers take the
//! publication's own date where it is missing.

use sea_orm_migration::prelude::*;

use crate::dialect;

/// The earliest of: the public rows of the change log that say so, and the date of the publication, which may lie before them.
const STEP: &str = r"

ALTER TABLE insights ADD COLUMN first_published_at {int};

UPDATE insights SET first_published_at = (
    SELECT min(begun.at) FROM (
        SELECT c.at AS at FROM changes c
        WHERE c.resource_id = insights.id AND c.kind IN ('published', 'started') AND c.public_sequence IS NOT NULL
        UNION ALL
        SELECT insights.published_at AS at
    ) begun
)
WHERE live_revision IS NOT NULL
   OR EXISTS (SELECT 1 FROM changes c
              WHERE c.resource_id = insights.id AND c.kind IN ('published', 'started') AND c.public_sequence IS NOT NULL)
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
