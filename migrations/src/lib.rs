//! The database schema, one step per file, oldest first. Append only: a released step is never edited.
//!
//! A step is text, independent of the application's row types, which change. The rules are in `README.md`.

use sea_orm_migration::prelude::*;

mod dialect;
mod m20261123_000001_site_and_changes;
mod m20261123_000002_terms;
mod m20261123_000003_insights;
mod m20261123_000004_accounts;
mod m20261123_000005_transitions;
mod m20261123_000006_editorial;
mod m20261126_000007_summaries;
mod m20261130_000008_first_published_at;
mod m20261130_000009_import_sessions;

/// Runs the pending steps.
pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_site_and_changes::Migration),
            Box::new(m20261123_000002_terms::Migration),
            Box::new(m20261123_000003_insights::Migration),
            Box::new(m20261123_000004_accounts::Migration),
            Box::new(m20261123_000005_transitions::Migration),
            Box::new(m20261123_000006_editorial::Migration),
            Box::new(m20261126_000007_summaries::Migration),
            Box::new(m20261130_000008_first_published_at::Migration),
            Box::new(m20261130_000009_import_sessions::Migration),
        ]
    }
}
