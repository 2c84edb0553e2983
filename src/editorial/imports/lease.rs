//! The lease of an import: which worker may apply it, and until when.

use std::time::Duration;

use uuid::Uuid;

use crate::domain::authority::{Origin, Principal, Role, Scope};
use crate::domain::clock::Timestamp;
use crate::editorial::error::EditorialError;
use crate::store::Store;
use crate::store::imports::{self, Import};

/// How long a worker may be silent before another one may acquire its lease. Every batch renews it.
pub(super) const LEASE_TIMEOUT: Duration = Duration::from_secs(3);

/// When a lease that is acquired now expires.
pub(super) fn lease_expiry(now: Timestamp) -> Timestamp {
    Timestamp(now.0 + i64::try_from(LEASE_TIMEOUT.as_millis()).unwrap_or(i64::MAX))
}

/// Acquires the lease for a worker; false while another worker holds it.
///
/// When it was another worker's, the first waiting item is noted as the one that worker may have died of. Processing is
/// cautious from there.
pub(super) async fn acquire_lease(store: &Store, import: &Import, worker: Uuid, now: Timestamp) -> Result<bool, EditorialError> {
    let db = store.writer();
    if !imports::acquire_lease(db, import.id, worker, now, lease_expiry(now)).await? {
        return Ok(false);
    }
    if import.worker.is_some_and(|previous| previous != worker) {
        let first = imports::list_waiting(store.reader(), import.id, 0, 1).await?.first().map_or(0, |item| item.number);
        let attempts = if first == import.stuck_at { import.stuck_times } else { 0 };
        imports::record_retry(db, import.id, first, attempts).await?;
    }
    Ok(true)
}

/// The sender of an import, with the role and scopes of the moment it was sent. Its items may do what is left of them.
pub(super) fn sender(import: &Import) -> Principal {
    Principal {
        user_id: import.user_id,
        token_id: import.token_id,
        session_id: import.session_id,
        name: import.made_by.clone(),
        role: import.role.as_deref().and_then(Role::parse),
        scopes: Scope::parse_list(&import.scopes),
        origin: Origin::Import,
        request_id: import.request_id.clone(),
    }
}
