//! Step 6: authorship of revisions, preview tokens, stored responses of idempotent retries, imports, and the audit log.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::dialect;

const STEP: &str = r"

ALTER TABLE revisions ADD COLUMN made_by TEXT NOT NULL DEFAULT '';
ALTER TABLE revisions ADD COLUMN restored_from {int};
UPDATE revisions SET made_by = origin, origin = CASE WHEN origin IN ('demo', 'cli', 'system') THEN origin ELSE 'api' END;

CREATE INDEX insights_title ON insights (sort_title, id) WHERE deleted_at IS NULL;
CREATE INDEX insights_trash ON insights (deleted_at, id) WHERE deleted_at IS NOT NULL;

CREATE TABLE preview_tokens (
    id {id} NOT NULL PRIMARY KEY,
    insight_id {id} NOT NULL REFERENCES insights (id) ON DELETE CASCADE,
    revision {int} NOT NULL,
    digest {bytes} NOT NULL CONSTRAINT preview_tokens_digest UNIQUE,
    made_by TEXT NOT NULL,
    user_id {id},
    token_id {id},
    created_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    revoked_at {int},
    FOREIGN KEY (insight_id, revision) REFERENCES revisions (insight_id, number) ON DELETE CASCADE
) {strict};

CREATE INDEX preview_tokens_insight ON preview_tokens (insight_id, id);
CREATE INDEX preview_tokens_revision ON preview_tokens (insight_id, revision);
CREATE INDEX preview_tokens_user ON preview_tokens (user_id);
CREATE INDEX preview_tokens_token ON preview_tokens (token_id);
CREATE INDEX preview_tokens_expiry ON preview_tokens (expires_at);

CREATE TABLE idempotency_keys (
    digest {bytes} NOT NULL PRIMARY KEY,
    fingerprint {bytes} NOT NULL,
    answer {bytes} NOT NULL,
    created_at {int} NOT NULL,
    expires_at {int} NOT NULL
) {strict};

CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);

CREATE TABLE imports (
    id {id} NOT NULL PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('receiving', 'running', 'done', 'failed')),
    source TEXT NOT NULL,
    atomic {bool} NOT NULL,
    validate_only {bool} NOT NULL,
    made_by TEXT NOT NULL,
    user_id {id},
    token_id {id},
    role TEXT,
    scopes TEXT NOT NULL,
    origin TEXT NOT NULL,
    request_id TEXT NOT NULL,
    total {int} NOT NULL,
    created {int} NOT NULL,
    updated {int} NOT NULL,
    unchanged {int} NOT NULL,
    failed {int} NOT NULL,
    problem TEXT,
    worker {id},
    lease_until {int} NOT NULL,
    stuck_at {int} NOT NULL,
    stuck_times {int} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL,
    finished_at {int}
) {strict};

CREATE INDEX imports_open ON imports (created_at) WHERE finished_at IS NULL;

CREATE TABLE import_items (
    import_id {id} NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    number {int} NOT NULL,
    name TEXT NOT NULL,
    input TEXT NOT NULL,
    notes TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'created', 'updated', 'unchanged', 'failed')),
    insight_id {id},
    slug TEXT,
    problem TEXT,
    finished_at {int},
    PRIMARY KEY (import_id, number)
) {strict};

CREATE INDEX import_items_state ON import_items (import_id, state, number);

CREATE TABLE audit_log (
    sequence {sequence},
    at {int} NOT NULL,
    action TEXT NOT NULL,
    resource TEXT NOT NULL,
    resource_id {id},
    label TEXT,
    made_by TEXT NOT NULL,
    user_id {id},
    token_id {id},
    origin TEXT NOT NULL,
    request_id TEXT NOT NULL
) {strict};

CREATE INDEX audit_log_resource ON audit_log (resource, sequence);
CREATE INDEX audit_log_action ON audit_log (action, sequence);
CREATE INDEX audit_log_resource_id ON audit_log (resource_id, sequence);
CREATE INDEX audit_log_user ON audit_log (user_id, sequence);
CREATE INDEX audit_log_token ON audit_log (token_id, sequence);
CREATE INDEX audit_log_request ON audit_log (request_id, sequence)
";

/// Makes the audit log append-only for every connection. Executed separately: the body of a trigger contains semicolons.
const APPEND_ONLY_SQLITE: [&str; 2] = [
    "CREATE TRIGGER audit_log_not_changed BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_log_not_shortened BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
];
const APPEND_ONLY_POSTGRES: [&str; 2] = [
    "CREATE FUNCTION audit_log_append_only() RETURNS trigger LANGUAGE plpgsql AS \
     $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
    "CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log \
     FOR EACH STATEMENT EXECUTE FUNCTION audit_log_append_only()",
];

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, STEP).await?;
        let sqlite = manager.get_database_backend() == DbBackend::Sqlite;
        for statement in if sqlite { APPEND_ONLY_SQLITE } else { APPEND_ONLY_POSTGRES } {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
