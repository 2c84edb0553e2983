//! Secrets that are shown once: machine tokens, refresh tokens, preview tokens. Only a digest is stored.
//!
//! A machine token is `ins_`, 48 random hexadecimal digits and 8 of a checksum: a typing error is recognised, and
//! secret scanners recognise a token, without the database. Refresh tokens (`insr_`) and preview tokens (`insp_`) have
//! the same form.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::{digest, rand};

pub const MACHINE: &str = "ins_";
pub const REFRESH: &str = "insr_";
pub const PREVIEW: &str = "insp_";

const RANDOM_BYTES: usize = 24;
const CHECKSUM_DIGITS: usize = 8;

/// A new secret with this prefix. `None` only if the system has no randomness.
#[must_use]
pub fn new_secret(prefix: &str) -> Option<String> {
    let mut bytes = [0_u8; RANDOM_BYTES];
    rand::fill(&mut bytes).ok()?;
    let body = hex(&bytes);
    let checksum = checksum(prefix, &body);
    Some(format!("{prefix}{body}{checksum}"))
}

/// Whether a text has the form of a secret with this prefix, including a correct checksum.
#[must_use]
pub fn is_well_formed(prefix: &str, text: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|rest| {
        rest.len() == RANDOM_BYTES * 2 + CHECKSUM_DIGITS
            && rest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            && rest.split_at_checked(RANDOM_BYTES * 2).is_some_and(|(body, sum)| checksum(prefix, body) == sum)
    })
}

/// The stored digest of a secret. A plain SHA-256 suffices for 192 random bits.
#[must_use]
pub fn digest(secret: &str) -> Vec<u8> {
    sha256(secret.as_bytes()).to_vec()
}

#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    sha256_of(&[bytes])
}

/// The digest of the concatenation of these parts.
#[must_use]
pub fn sha256_of(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let digest = context.finish();
    let mut out = [0_u8; 32];
    out.copy_from_slice(digest.as_ref());
    out
}

#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Encrypts and authenticates bytes with a key (AES-256-GCM): the nonce, then the ciphertext. `None` only if the system has no randomness.
#[must_use]
pub fn seal(key: &[u8; 32], mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let nonce = RandomizedNonceKey::new(&AES_256_GCM, key).ok()?.seal_in_place_append_tag(Aad::empty(), &mut bytes).ok()?;
    let mut sealed = nonce.as_ref().to_vec();
    sealed.append(&mut bytes);
    Some(sealed)
}

/// Decrypts sealed bytes. `None` if they were sealed with another key, or changed.
#[must_use]
pub fn open(key: &[u8; 32], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, bytes) = sealed.split_first_chunk::<12>()?;
    let mut bytes = bytes.to_vec();
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).ok()?;
    let plain = key.open_in_place(Nonce::from(nonce), Aad::empty(), &mut bytes).ok()?;
    Some(plain.to_vec())
}

fn checksum(prefix: &str, body: &str) -> String {
    hex(&sha256(format!("{prefix}{body}").as_bytes())[..CHECKSUM_DIGITS / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_bytes_open_only_with_their_key() {
        let sealed = seal(&[1; 32], b"an answer".to_vec()).unwrap();
        assert_eq!(open(&[1; 32], &sealed).unwrap(), b"an answer");
        assert!(open(&[2; 32], &sealed).is_none());
        assert!(open(&[1; 32], &sealed[..sealed.len() - 1]).is_none());
        assert!(open(&[1; 32], b"short").is_none());
    }

    #[test]
    fn a_changed_character_breaks_the_checksum() {
        let secret = new_secret(MACHINE).unwrap();
        assert!(is_well_formed(MACHINE, &secret));
        assert!(!is_well_formed(REFRESH, &secret));
        for index in MACHINE.len()..secret.len() {
            let mut broken = secret.clone().into_bytes();
            broken[index] = if broken[index] == b'0' { b'1' } else { b'0' };
            assert!(!is_well_formed(MACHINE, std::str::from_utf8(&broken).unwrap()), "at {index}");
        }
        assert!(!is_well_formed(MACHINE, &secret[..secret.len() - 1]));
    }
}
