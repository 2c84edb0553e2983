//! The database schema, one step per file, oldest first. Append only: a step that has been released is never edited.
//!
//! This crate does not know the application's row types: a migration written against today's types would break when they change.

use sea_orm_migration::prelude::*;

mod dialect;
mod m20261123_000001_site_and_changes;
mod m20261123_000002_terms;
mod m20261123_000003_insights;
mod m20261123_000004_accounts;
mod m20261123_000005_transitions;
mod m20261123_000006_editorial;
mod m20261126_000007_summaries;

/// Runs the steps that a database has not seen yet.
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
        ]
    }
}
