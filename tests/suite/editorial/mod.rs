//! Drafts, history, previews, the trash, dry runs and idempotency keys.

mod dry_run;
mod history;
mod idempotency;
mod model;
mod previews;
mod trash;
