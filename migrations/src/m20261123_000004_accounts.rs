//! Step 4: users, their sessions, machine tokens and the keys that sign access tokens.

use sea_orm_migration::prelude::*;

use crate::dialect;

const STEP: &str = r"

CREATE TABLE users (
    id {id} NOT NULL PRIMARY KEY,
    email {text} NOT NULL CONSTRAINT users_email UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('author', 'editor', 'admin')),
    password_hash TEXT NOT NULL,
    disabled_at {int},
    version {int} NOT NULL,
    created_at {int} NOT NULL,
    updated_at {int} NOT NULL
) {strict};

CREATE TABLE sessions (
    id {id} NOT NULL PRIMARY KEY,
    user_id {id} NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at {int} NOT NULL,
    expires_at {int} NOT NULL,
    revoked_at {int}
) {strict};

CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    digest {bytes} NOT NULL PRIMARY KEY,
    session_id {id} NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    created_at {int} NOT NULL,
    used_at {int}
) {strict};

CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

CREATE TABLE tokens (
    id {id} NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    digest {bytes} NOT NULL CONSTRAINT tokens_digest UNIQUE,
    scopes TEXT NOT NULL,
    user_id {id} REFERENCES users (id) ON DELETE CASCADE,
    created_at {int} NOT NULL,
    expires_at {int},
    last_used_at {int},
    revoked_at {int}
) {strict};

CREATE INDEX tokens_user ON tokens (user_id);

CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    private_key {bytes} NOT NULL,
    public_key {bytes} NOT NULL,
    created_at {int} NOT NULL,
    signs_from {int} NOT NULL,
    verifies_until {int}
) {strict}
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
