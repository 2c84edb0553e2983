//! A term of the index, as scoring asks for it.

/// A term of the index that scores.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ScoredTerm {
    pub(crate) text: String,
    /// Looked for as it is written, not as a stem.
    pub(crate) exactly: bool,
    pub(crate) weight: f32,
}
