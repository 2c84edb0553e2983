//! What editors' tools rest on.

mod history;
mod idempotency;
mod previews;
mod rehearsal;
mod trash;
