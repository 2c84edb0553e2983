//! Why the processing of an import stops before its last item.

use crate::editorial::error::EditorialError;
use crate::store::error::StoreError;

pub(super) enum Interruption {
    /// Another worker holds the lease, or the import has been cancelled.
    LeaseLost,
    /// The sender's authority has ended, and the import with it.
    AuthorityEnded,
    /// The sender may do less, or more, than when the batch was planned: plan it again.
    AuthorityChanged,
    Error(EditorialError),
}

impl From<EditorialError> for Interruption {
    fn from(error: EditorialError) -> Self {
        Self::Error(error)
    }
}

impl From<StoreError> for Interruption {
    fn from(error: StoreError) -> Self {
        Self::Error(error.into())
    }
}
