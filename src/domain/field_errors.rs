//! The faults of an input. The list is bounded, so that the answer to an input is not much longer than the input.

/// More faults than this are counted, not listed.
pub const MAX_FAULTS: usize = 100;

/// A fault of an input: its place (RFC 6901), the rule, and what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub pointer: String,
    pub code: &'static str,
    pub detail: String,
}

/// Faults in the order in which they were found: the first [`MAX_FAULTS`], and the number of the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors {
    listed: Vec<FieldError>,
    unlisted: usize,
}

impl FieldErrors {
    pub fn push(&mut self, error: FieldError) {
        if self.listed.len() < MAX_FAULTS {
            self.listed.push(error);
        } else {
            self.unlisted += 1;
        }
    }

    pub fn append(&mut self, other: Self) {
        let Self { listed, unlisted } = other;
        for error in listed {
            self.push(error);
        }
        self.unlisted += unlisted;
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// The faults of an inner value, as faults of the value that contains it at `pointer`.
    #[must_use]
    pub fn inside(mut self, pointer: &str) -> Self {
        for error in &mut self.listed {
            error.pointer.insert_str(0, pointer);
        }
        self
    }
}

impl From<FieldError> for FieldErrors {
    fn from(error: FieldError) -> Self {
        Self { listed: vec![error], unlisted: 0 }
    }
}

impl FromIterator<FieldError> for FieldErrors {
    fn from_iter<I: IntoIterator<Item = FieldError>>(errors: I) -> Self {
        let mut list = Self::default();
        for error in errors {
            list.push(error);
        }
        list
    }
}

/// The listed faults, then one that says how many there are besides.
impl IntoIterator for FieldErrors {
    type Item = FieldError;
    type IntoIter = std::iter::Chain<std::vec::IntoIter<FieldError>, std::option::IntoIter<FieldError>>;

    fn into_iter(self) -> Self::IntoIter {
        let Self { listed, unlisted } = self;
        let rest = FieldError { pointer: String::new(), code: "more-faults", detail: format!("and {unlisted} more") };
        listed.into_iter().chain(Some(rest).filter(|_| unlisted > 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(count: usize) -> FieldErrors {
        (0..count).map(|n| FieldError { pointer: format!("/{n}"), code: "required", detail: "is required".to_owned() }).collect()
    }

    #[test]
    fn the_faults_beyond_the_bound_are_counted_in_a_last_entry() {
        assert_eq!(faults(MAX_FAULTS).into_iter().count(), MAX_FAULTS);
        let mut all = faults(70).inside("/draft");
        all.append(faults(MAX_FAULTS + 5));
        let all: Vec<FieldError> = all.into_iter().collect();
        assert_eq!((all.len(), all[0].pointer.as_str(), all[70].pointer.as_str()), (MAX_FAULTS + 1, "/draft/0", "/0"));
        let last = all.last().unwrap();
        assert_eq!((last.pointer.as_str(), last.code, last.detail.as_str()), ("", "more-faults", "and 75 more"));
    }
}
