//! Step 1: the site's settings (one row), and the change log that every write appends to.

use sea_orm_migration::prelude::*;

use crate::dialect;

const STEP: &str = r"

CREATE TABLE site (
    id {int} NOT NULL PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    headline TEXT NOT NULL,
    intro TEXT NOT NULL,
    base_url TEXT,
    default_locale TEXT NOT NULL,
    locales TEXT NOT NULL,
    translations TEXT NOT NULL,
    version {int} NOT NULL,
    updated_at {int} NOT NULL
) {strict};

CREATE TABLE changes (
    sequence {sequence},
    at {int} NOT NULL,
    kind TEXT NOT NULL,
    resource TEXT NOT NULL CHECK (resource IN ('insight', 'category', 'tag', 'author', 'site')),
    resource_id {id},
    slug TEXT,
    public_sequence {int} CONSTRAINT changes_public UNIQUE,
    cache_tags TEXT NOT NULL
) {strict};
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
