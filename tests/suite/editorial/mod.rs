//! What editors' tools rest on.

mod dry_run;
mod history;
mod idempotency;
mod model;
mod previews;
mod trash;
