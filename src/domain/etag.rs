//! States of resources and the preconditions on them (RFC 9110, section 13).
//!
//! An entity tag is `"<state>-<digest of the bytes>"`. Caches compare all of it. `If-Match` of a write compares only
//! the state: a renamed category changes the bytes of an insight, but must not refuse an edit. A state includes a
//! fingerprint of the resource's id: a slug that now belongs to another resource does not match.

use uuid::Uuid;

use super::secret;

/// The state of an insight: `r<revision>.<pointer version>.<fingerprint>`.
#[must_use]
pub fn insight_state(id: Uuid, revision: i64, pointer_version: i64) -> String {
    format!("r{revision}.{pointer_version}.{}", fingerprint(id))
}

/// The state of a versioned resource with a slug.
#[must_use]
pub fn named_state(id: Uuid, version: i64) -> String {
    format!("{}.{}", version_state(version), fingerprint(id))
}

/// The state of any other versioned resource.
#[must_use]
pub fn version_state(version: i64) -> String {
    format!("v{version}")
}

fn fingerprint(id: Uuid) -> String {
    secret::hex(&secret::sha256(id.as_bytes())[..4])
}

/// The revision in an insight's state.
#[must_use]
pub fn parse_revision(state: &str) -> Option<i64> {
    state.strip_prefix('r')?.split('.').next()?.parse().ok()
}

/// The states that `If-Match` and `If-None-Match` allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `If-Match: *`, or no header where none is required.
    Any,
    /// The state of one of these tags.
    OneOf(Vec<String>),
    /// The state of none of them.
    NoneOf(Vec<String>),
}

impl Expected {
    /// Parses the value of an `If-Match` header. Weak tags never match: the comparison is strong.
    #[must_use]
    pub fn parse(header: &str) -> Self {
        if header.trim() == "*" {
            return Self::Any;
        }
        let states = header
            .split(',')
            .filter_map(|tag| tag.trim().strip_prefix('"')?.strip_suffix('"'))
            .map(|tag| tag.split('-').next().unwrap_or(tag).to_owned())
            .collect();
        Self::OneOf(states)
    }

    /// Excludes the states of an `If-None-Match` header, whose comparison is weak. `*` excludes every state.
    #[must_use]
    pub fn except(self, header: &str) -> Self {
        if header.trim() == "*" {
            return Self::OneOf(Vec::new());
        }
        let tags: Vec<&str> = header.split(',').map(|tag| tag.trim().trim_start_matches("W/")).collect();
        match (self, Self::parse(&tags.join(","))) {
            (Self::OneOf(states), unwanted) => Self::OneOf(states.into_iter().filter(|state| !unwanted.allows(state)).collect()),
            (_, Self::OneOf(unwanted)) => Self::NoneOf(unwanted),
            (wanted, _) => wanted,
        }
    }

    #[must_use]
    pub fn allows(&self, state: &str) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(states) => states.iter().any(|expected| expected == state),
            Self::NoneOf(states) => !states.iter().any(|unwanted| unwanted == state),
        }
    }

    /// The pointer version that the caller expects.
    #[must_use]
    pub fn pointer_version(&self) -> Option<i64> {
        match self {
            Self::Any | Self::NoneOf(_) => None,
            Self::OneOf(states) => states.first().and_then(|state| state.strip_prefix('r')?.split('.').nth(1)?.parse().ok()),
        }
    }

    /// The revision that the caller expects.
    #[must_use]
    pub fn revision(&self) -> Option<i64> {
        match self {
            Self::Any | Self::NoneOf(_) => None,
            Self::OneOf(states) => states.first().and_then(|state| parse_revision(state)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_compares_states_not_bytes() {
        let expected = Expected::parse(r#""r3.2-abc", "r4.2-def""#);
        assert!(expected.allows("r3.2") && expected.allows("r4.2") && !expected.allows("r3.3"));
        assert_eq!((expected.revision(), expected.pointer_version()), (Some(3), Some(2)));
        assert!(Expected::parse("*").allows("r1.1"));
        assert!(!Expected::parse(r#"W/"r3.2-abc""#).allows("r3.2"));
        assert!(!Expected::parse("r3.2").allows("r3.2"));
    }

    #[test]
    fn if_none_match_excludes_states() {
        let both = Expected::parse(r#""r1.1-a", "r2.1-b""#);
        assert_eq!(both.clone().except(r#"W/"r1.1-x-gzip""#), Expected::OneOf(vec!["r2.1".to_owned()]));
        assert_eq!(Expected::Any.except(r#""r1.1-a""#), Expected::NoneOf(vec!["r1.1".to_owned()]));
        for expected in [both, Expected::Any] {
            assert!(!expected.except("*").allows("r1.1"));
        }
    }

    #[test]
    fn the_states_of_two_resources_differ() {
        let [one, other] = [1, 2].map(Uuid::from_u128);
        assert_ne!(insight_state(one, 1, 1), insight_state(other, 1, 1));
        assert_ne!(named_state(one, 1), named_state(other, 1));
        let expected = Expected::parse(&format!("\"{}-digest\"", insight_state(one, 7, 3)));
        assert!(expected.allows(&insight_state(one, 7, 3)));
        assert_eq!((expected.revision(), expected.pointer_version()), (Some(7), Some(3)));
    }
}
