//! What a validator says about the state of a thing, and what a caller expects it to be (RFC 9110, section 13).
//!
//! An entity tag reads `"<state>-<digest of the bytes>"`. Caches compare all of it; a write's `If-Match` is compared by its state alone,
//! because a renamed category changes the bytes of an insight but is no reason to refuse an edit of it.

/// The state of an insight: `r<revision>.<version of its pointers>`.
#[must_use]
pub fn insight_state(revision: i64, pointer_version: i64) -> String {
    format!("r{revision}.{pointer_version}")
}

/// The state of anything that counts its versions.
#[must_use]
pub fn version_state(version: i64) -> String {
    format!("v{version}")
}

/// The revision in an insight's state.
#[must_use]
pub fn revision_of(state: &str) -> Option<i64> {
    state.strip_prefix('r')?.split('.').next()?.parse().ok()
}

/// What `If-Match` allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `*`, or no header where none is needed.
    Any,
    /// The state of one of these tags.
    OneOf(Vec<String>),
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

    #[must_use]
    pub fn allows(&self, state: &str) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(states) => states.iter().any(|expected| expected == state),
        }
    }

    /// How often the pointers of what the caller had in hand had been moved.
    #[must_use]
    pub fn pointer_version(&self) -> Option<i64> {
        match self {
            Self::Any => None,
            Self::OneOf(states) => states.first().and_then(|state| state.strip_prefix('r')?.split('.').nth(1)?.parse().ok()),
        }
    }

    /// The revision that the caller had in hand, when it was one.
    #[must_use]
    pub fn revision(&self) -> Option<i64> {
        match self {
            Self::Any => None,
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
}
