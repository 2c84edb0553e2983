//! Hashes and verifies passwords with Argon2id, off the reactor. Verifying an unknown user takes as long as verifying a known one.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

use super::error::EditorialError;
use super::offload;
use crate::store::Store;

/// The hash of a random password that is not stored: it stands in for unknown users. A constant of the process, not state.
static DUMMY_HASH: LazyLock<Option<String>> = LazyLock::new(|| {
    let password = crate::domain::secret::new_secret("")?;
    Argon2::default().hash_password(password.as_bytes()).ok().map(|hash| hash.to_string())
});

/// Hashes a password, in PHC string format.
///
/// # Errors
/// When the system has no randomness or memory for it.
pub async fn hash(store: &Store, password: String) -> Result<String, EditorialError> {
    offload::hash(store, move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()))
        .await?
        .map_err(|_e| EditorialError::Internal("password hashing failed"))
}

/// Whether a password matches a hash; `None` stands for an unknown user, and never matches.
///
/// # Errors
/// When the computation fails.
pub async fn verify(store: &Store, password: String, hash: Option<String>) -> Result<bool, EditorialError> {
    offload::hash(store, move || {
        let is_known = hash.is_some();
        let hash = hash.or_else(|| DUMMY_HASH.clone()).unwrap_or_default();
        let matches = PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
        is_known && matches
    })
    .await
}
