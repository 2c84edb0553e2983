//! Work that keeps a processor busy (password hashing, rendering) runs beside the reactor, a few at a time: more would only wait for the
//! same processors and hold their memory meanwhile.

use tokio::sync::Semaphore;

use super::error::EditorialError;

static PERMITS: Semaphore = Semaphore::const_new(4);

pub(super) async fn offload<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, EditorialError> {
    let _permit = PERMITS.acquire().await.map_err(|_closed| EditorialError::Internal("shutting down"))?;
    tokio::task::spawn_blocking(work).await.map_err(|_panicked| EditorialError::Internal("a computation failed"))
}
