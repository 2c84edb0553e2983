//! Step 5: planned transitions, which are recorded in the change log once they are due.
//!
//! Backfills the rows of insights that were scheduled before this step.

use sea_orm_migration::prelude::*;

use crate::dialect;

const STEP: &str = r"

CREATE TABLE transitions (
    insight_id {id} NOT NULL REFERENCES insights (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('started', 'ended')),
    at {int} NOT NULL,
    PRIMARY KEY (insight_id, kind)
) {strict};

CREATE INDEX transitions_due ON transitions (at, insight_id, kind);

CREATE INDEX changes_resource ON changes (resource_id);

INSERT INTO transitions (insight_id, kind, at)
SELECT i.id, 'started', i.position_at FROM insights i
WHERE i.live_revision IS NOT NULL AND i.deleted_at IS NULL AND (i.unpublish_at IS NULL OR i.unpublish_at > {now})
  AND (i.position_at > {now}
       OR NOT EXISTS (SELECT 1 FROM changes c WHERE c.resource_id = i.id AND c.public_sequence IS NOT NULL));

INSERT INTO transitions (insight_id, kind, at)
SELECT i.id, 'ended', i.unpublish_at FROM insights i
WHERE i.live_revision IS NOT NULL AND i.deleted_at IS NULL AND i.unpublish_at IS NOT NULL
  AND (i.unpublish_at > {now}
       OR EXISTS (SELECT 1 FROM changes c WHERE c.resource_id = i.id AND c.public_sequence IS NOT NULL))
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
