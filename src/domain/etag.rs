//! What a validator says about the state of a thing, and what a caller expects it to be (RFC 9110, section 13).
//!
//! An entity tag reads `"<state>-<digest of the bytes>"`. Caches compare all of it; a write's `If-Match` is compared by its state alone,
//! because a renamed category changes the bytes of an insight but is no reason to refuse an edit of it. A state says whose it is: by a slug
//! that was given to another thing meanwhile nobody overwrites that one.

use uuid::Uuid;

use super::secret;

/// The state of an insight: `r<revision>.<version of its pointers>.<mark>`.
#[must_use]
pub fn insight_state(id: Uuid, revision: i64, pointer_version: i64) -> String {
    format!("r{revision}.{pointer_version}.{}", mark(id))
}

/// The state of what counts its versions and can be found by a slug.
#[must_use]
pub fn named_state(id: Uuid, version: i64) -> String {
    format!("{}.{}", version_state(version), mark(id))
}

/// The state of anything else that counts its versions.
#[must_use]
pub fn version_state(version: i64) -> String {
    format!("v{version}")
}

fn mark(id: Uuid) -> String {
    secret::hex(&secret::sha256(id.as_bytes())[..4])
}

/// The revision in an insight's state.
#[must_use]
pub fn revision_of(state: &str) -> Option<i64> {
    state.strip_prefix('r')?.split('.').next()?.parse().ok()
}

/// What `If-Match` and `If-None-Match` allow of what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `If-Match: *`, or no header where none is needed.
    Any,
    /// The state of one of these tags.
    OneOf(Vec<String>),
    /// The state of none of them.
    NoneOf(Vec<String>),
}

impl Expected {
    /// Reads the value of an `If-Match` header. Weak tags never match: the comparison is the strong one.
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

    /// The same, but for the states of an `If-None-Match` header, for which the comparison is the weak one. `*` leaves nothing: there is something.
    #[must_use]
    pub fn but_for(self, header: &str) -> Self {
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

    /// How often the pointers of what the caller had in hand had been moved.
    #[must_use]
    pub fn pointer_version(&self) -> Option<i64> {
        match self {
            Self::Any | Self::NoneOf(_) => None,
            Self::OneOf(states) => states.first().and_then(|state| state.strip_prefix('r')?.split('.').nth(1)?.parse().ok()),
        }
    }

    /// The revision that the caller had in hand, when it was one.
    #[must_use]
    pub fn revision(&self) -> Option<i64> {
        match self {
            Self::Any | Self::NoneOf(_) => None,
            Self::OneOf(states) => states.first().and_then(|state| revision_of(state)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_compared_not_bytes() {
        let expected = Expected::parse(r#""r3.2-abc", "r4.2-def""#);
        assert!(expected.allows("r3.2") && expected.allows("r4.2") && !expected.allows("r3.3"));
        assert_eq!((expected.revision(), expected.pointer_version()), (Some(3), Some(2)));
        assert!(Expected::parse("*").allows("r1.1"));
        assert!(!Expected::parse(r#"W/"r3.2-abc""#).allows("r3.2"));
        assert!(!Expected::parse("r3.2").allows("r3.2"));
    }

    #[test]
    fn what_must_not_match_is_taken_away() {
        let both = Expected::parse(r#""r1.1-a", "r2.1-b""#);
        assert_eq!(both.clone().but_for(r#"W/"r1.1-x-gzip""#), Expected::OneOf(vec!["r2.1".to_owned()]));
        assert_eq!(Expected::Any.but_for(r#""r1.1-a""#), Expected::NoneOf(vec!["r1.1".to_owned()]));
        for expected in [both, Expected::Any] {
            assert!(!expected.but_for("*").allows("r1.1"));
        }
    }

    #[test]
    fn states_of_two_things_are_never_the_same() {
        let [one, other] = [1, 2].map(Uuid::from_u128);
        assert_ne!(insight_state(one, 1, 1), insight_state(other, 1, 1));
        assert_ne!(named_state(one, 1), named_state(other, 1));
        let expected = Expected::parse(&format!("\"{}-digest\"", insight_state(one, 7, 3)));
        assert!(expected.allows(&insight_state(one, 7, 3)));
        assert_eq!((expected.revision(), expected.pointer_version()), (Some(7), Some(3)));
    }
}
