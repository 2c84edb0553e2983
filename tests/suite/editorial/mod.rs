//! What editors' tools rest on.

mod history;
mod idempotency;
mod model;
mod previews;
mod rehearsal;
mod trash;
