//! Step 3: insights as pointers into append-only revisions, and all their slugs, current and old.

use sea_orm_migration::prelude::*;

use crate::dialect;

const STEP: &str = r"

CREATE TABLE insights (
    id {id} NOT NULL PRIMARY KEY,
    slug {text} NOT NULL CONSTRAINT insights_slug UNIQUE CHECK (length(slug) BETWEEN 1 AND 100),
    head_revision {int} NOT NULL CHECK (head_revision >= 1),
    live_revision {int} CHECK (live_revision BETWEEN 1 AND head_revision),
    pointer_version {int} NOT NULL,
    published_at {int},
    unpublish_at {int},
    deleted_at {int},
    position_at {int} NOT NULL,
    category_id {id} NOT NULL REFERENCES categories (id),
    sort_title {text} NOT NULL,
    reading_minutes {int} NOT NULL,
    created_by {id},
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    live_updated_at {int} NOT NULL,
    CHECK (live_revision IS NULL OR published_at IS NOT NULL),
    CHECK (unpublish_at IS NULL OR unpublish_at > published_at)
) {strict};

CREATE INDEX insights_live ON insights (position_at DESC, id DESC) WHERE live_revision IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX insights_live_category ON insights (category_id, position_at DESC, id DESC) WHERE live_revision IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX insights_live_title ON insights (sort_title, id) WHERE live_revision IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX insights_live_updated ON insights (live_updated_at DESC, id DESC) WHERE live_revision IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX insights_live_minutes ON insights (reading_minutes, id) WHERE live_revision IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX insights_ending ON insights (unpublish_at) WHERE unpublish_at > 0 AND live_revision IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX insights_ending_position ON insights (position_at DESC, id DESC) WHERE unpublish_at IS NOT NULL AND live_revision IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX insights_draft ON insights (position_at DESC, id DESC) WHERE live_revision IS NULL AND deleted_at IS NULL;
CREATE INDEX insights_deleted ON insights (position_at DESC, id DESC) WHERE deleted_at IS NOT NULL;
CREATE INDEX insights_position ON insights (position_at DESC, id DESC);

CREATE TABLE slugs (
    slug {text} NOT NULL PRIMARY KEY,
    insight_id {id} NOT NULL REFERENCES insights (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    public_id {id} REFERENCES insights (id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED,
    created_at {int} NOT NULL
) {strict};

CREATE INDEX slugs_insight ON slugs (insight_id);
CREATE INDEX slugs_public ON slugs (public_id);

CREATE TABLE revisions (
    insight_id {id} NOT NULL REFERENCES insights (id) ON DELETE CASCADE,
    number {int} NOT NULL CHECK (number >= 1),
    slug TEXT NOT NULL,
    source_locale TEXT NOT NULL,
    locales TEXT NOT NULL,
    category_id {id} NOT NULL REFERENCES categories (id),
    reading_minutes {int} CHECK (reading_minutes BETWEEN 1 AND 600),
    canonical_url TEXT,
    seo TEXT NOT NULL,
    extra TEXT NOT NULL,
    origin TEXT NOT NULL,
    user_id {id},
    token_id {id},
    created_at {int} NOT NULL,
    PRIMARY KEY (insight_id, number)
) {strict};

CREATE INDEX revisions_category ON revisions (category_id);

CREATE TABLE revision_texts (
    insight_id {id} NOT NULL,
    number {int} NOT NULL,
    locale TEXT NOT NULL,
    title TEXT NOT NULL CHECK (length(title) > 0),
    excerpt TEXT NOT NULL,
    excerpt_source TEXT NOT NULL CHECK (excerpt_source IN ('author', 'derived')),
    word_count {int} NOT NULL,
    derived_minutes {int} NOT NULL CHECK (derived_minutes >= 1),
    is_source {bool} NOT NULL,
    PRIMARY KEY (insight_id, number, locale),
    FOREIGN KEY (insight_id, number) REFERENCES revisions (insight_id, number) ON DELETE CASCADE
) {strict};

CREATE TABLE revision_bodies (
    insight_id {id} NOT NULL,
    number {int} NOT NULL,
    locale TEXT NOT NULL,
    markdown TEXT NOT NULL,
    html TEXT NOT NULL,
    plain TEXT NOT NULL,
    toc TEXT NOT NULL,
    PRIMARY KEY (insight_id, number, locale),
    FOREIGN KEY (insight_id, number, locale) REFERENCES revision_texts (insight_id, number, locale) ON DELETE CASCADE
) {strict};

CREATE TABLE revision_tags (
    insight_id {id} NOT NULL,
    number {int} NOT NULL,
    term_id {id} NOT NULL REFERENCES tags (id),
    place {int} NOT NULL,
    PRIMARY KEY (insight_id, number, term_id),
    FOREIGN KEY (insight_id, number) REFERENCES revisions (insight_id, number) ON DELETE CASCADE
) {strict};

CREATE INDEX revision_tags_term ON revision_tags (term_id);

CREATE TABLE revision_authors (
    insight_id {id} NOT NULL,
    number {int} NOT NULL,
    term_id {id} NOT NULL REFERENCES authors (id),
    place {int} NOT NULL,
    PRIMARY KEY (insight_id, number, term_id),
    FOREIGN KEY (insight_id, number) REFERENCES revisions (insight_id, number) ON DELETE CASCADE
) {strict};

CREATE INDEX revision_authors_term ON revision_authors (term_id);

CREATE TABLE live_tags (
    term_id {id} NOT NULL REFERENCES tags (id),
    position_at {int} NOT NULL,
    insight_id {id} NOT NULL REFERENCES insights (id) ON DELETE CASCADE,
    PRIMARY KEY (term_id, position_at, insight_id)
) {strict};

CREATE INDEX live_tags_insight ON live_tags (insight_id);

CREATE TABLE live_authors (
    term_id {id} NOT NULL REFERENCES authors (id),
    position_at {int} NOT NULL,
    insight_id {id} NOT NULL REFERENCES insights (id) ON DELETE CASCADE,
    PRIMARY KEY (term_id, position_at, insight_id)
) {strict};

CREATE INDEX live_authors_insight ON live_authors (insight_id)
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
