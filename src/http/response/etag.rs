//! The strong validator of a response: a prefix that says what kind of state it is, and a digest of the bytes.

use std::ops::Range;

use crate::domain::secret;

/// What the `ETag` of a response is computed from.
#[derive(Default)]
pub(crate) struct EtagSource {
    /// Without a prefix, a response has no `ETag`.
    pub(crate) prefix: Option<String>,
    /// The complete value without quotes, of a stored response.
    pub(crate) stored: Option<String>,
    /// Digested instead of the body.
    pub(crate) digest_input: Option<Vec<u8>>,
    /// The part of the body that is not digested.
    excluded: Range<usize>,
}

impl EtagSource {
    pub(crate) fn with_prefix(prefix: &str) -> Self {
        Self { prefix: Some(prefix.to_owned()), ..Self::default() }
    }

    /// Excludes the member `sequence` from the digest: it moves with changes that do not concern this response, and the same content has
    /// the same validator on every node.
    pub(crate) fn exclude_sequence(&mut self, body: &[u8]) {
        const MEMBER: &[u8] = b"\"sequence\":";
        if let Some(start) = body.windows(MEMBER.len()).rposition(|window| window == MEMBER) {
            let digits = body[start + MEMBER.len()..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            self.excluded = start..start + MEMBER.len() + digits;
        }
    }

    /// The value, without quotes.
    pub(crate) fn value(&self, body: &[u8]) -> Option<String> {
        if self.stored.is_some() {
            return self.stored.clone();
        }
        let prefix = self.prefix.as_ref()?;
        let digest = match &self.digest_input {
            Some(input) => secret::sha256(input),
            None => secret::sha256_of(&[&body[..self.excluded.start], &body[self.excluded.end..]]),
        };
        Some(format!("{prefix}-{}", secret::hex(&digest[..8])))
    }
}
