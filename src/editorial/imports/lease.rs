//! Who works on an import, and for how long nobody else may.

use crate::domain::authority::{Origin, Principal, Role, Scope};
use crate::domain::clock::Timestamp;
use crate::store::imports::Import;
use std::time::Duration;

/// More at once would hold up other writers for too long.
pub(crate) const MOST_ATOMIC: i64 = 10_000;

/// Whoever sent the import: what it may do, its items may.
pub(crate) fn principal(import: &Import) -> Principal {
    Principal {
        user_id: import.user_id,
        token_id: import.token_id,
        name: import.made_by.clone(),
        role: import.role.as_deref().and_then(Role::parse),
        scopes: Scope::parse_list(&import.scopes),
        origin: Origin::Import,
        request_id: import.request_id.clone(),
    }
}

pub(crate) fn lease_end(now: Timestamp) -> Timestamp {
    Timestamp(now.0 + i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX))
}

/// How long a worker may be silent before another takes its import over.
pub(crate) const LEASE: Duration = Duration::from_secs(3);
