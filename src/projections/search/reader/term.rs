//! A term with its weight in a query.

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ScoredTerm {
    pub(crate) text: String,
    /// Matches the unstemmed words instead of the stems.
    pub(crate) exact: bool,
    pub(crate) weight: f32,
}
