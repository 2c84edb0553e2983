//! Argon2id, off the reactor. Checking a user who does not exist costs what checking one who does costs.

use std::sync::LazyLock;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

use super::error::EditorialError;
use super::offload::PASSWORDS;

/// A hash that no password gives: it stands in for users who do not exist.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| {
    let nobody = crate::domain::secret::new_secret("")?;
    Argon2::default().hash_password(nobody.as_bytes()).ok().map(|hash| hash.to_string())
});

/// The hash of a new password, in PHC string format.
///
/// # Errors
/// When the system has no randomness or memory for it.
pub async fn hash(password: String) -> Result<String, EditorialError> {
    PASSWORDS
        .run(move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()))
        .await?
        .map_err(|_e| EditorialError::Internal("password hashing failed"))
}

/// Whether a password gives a hash; `None` stands for a user who does not exist.
///
/// # Errors
/// When the computation fails.
pub async fn verify(password: String, hash: Option<String>) -> Result<bool, EditorialError> {
    PASSWORDS
        .run(move || {
            let known = hash.is_some();
            let hash = hash.or_else(|| NOBODY.clone()).unwrap_or_default();
            let matches = PasswordHash::new(&hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
            known && matches
        })
        .await
}
