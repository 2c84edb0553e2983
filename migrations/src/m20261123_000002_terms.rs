//! Step 2: categories, tags and authors: three tables of one shape.

use sea_orm_migration::prelude::*;

use crate::dialect;

const STEP: &str = r"

CREATE TABLE categories (
    id {id} NOT NULL PRIMARY KEY,
    slug {text} NOT NULL CONSTRAINT categories_slug UNIQUE CHECK (length(slug) BETWEEN 1 AND 100),
    name TEXT NOT NULL CHECK (length(name) > 0),
    description TEXT NOT NULL,
    translations TEXT NOT NULL,
    version {int} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    deleted_at {int}
) {strict};

CREATE TABLE tags (
    id {id} NOT NULL PRIMARY KEY,
    slug {text} NOT NULL CONSTRAINT tags_slug UNIQUE CHECK (length(slug) BETWEEN 1 AND 100),
    name TEXT NOT NULL CHECK (length(name) > 0),
    description TEXT NOT NULL,
    translations TEXT NOT NULL,
    version {int} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    deleted_at {int}
) {strict};

CREATE TABLE authors (
    id {id} NOT NULL PRIMARY KEY,
    slug {text} NOT NULL CONSTRAINT authors_slug UNIQUE CHECK (length(slug) BETWEEN 1 AND 100),
    name TEXT NOT NULL CHECK (length(name) > 0),
    description TEXT NOT NULL,
    translations TEXT NOT NULL,
    version {int} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    deleted_at {int}
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
