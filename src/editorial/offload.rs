//! Runs CPU-bound work off the reactor, in the bounded queues of the store ([`crate::store::work_queues`]).

use super::error::EditorialError;
use crate::store::Store;

/// Runs rendering, or work that takes as long.
///
/// # Errors
/// `Busy` when too many wait.
pub async fn render<T: Send + 'static>(store: &Store, work: impl FnOnce() -> T + Send + 'static) -> Result<T, EditorialError> {
    Ok(store.queues().rendering.run(work).await?)
}

/// Runs the hashing of a password.
///
/// # Errors
/// `Busy` when too many wait.
pub(super) async fn hash<T: Send + 'static>(store: &Store, work: impl FnOnce() -> T + Send + 'static) -> Result<T, EditorialError> {
    Ok(store.queues().passwords.run(work).await?)
}
