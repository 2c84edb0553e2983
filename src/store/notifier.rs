//! Where the log ended after a commit: what the commit notifier says.

/// Where nodes on one PostgreSQL tell each other that they committed.
pub(crate) const CHANNEL: &str = "insights_changes";

/// The end of the log: the number of its newest row, and the newest public number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogEnd {
    pub row: i64,
    pub public: i64,
}

impl LogEnd {
    /// The later of two, in either number.
    pub(super) fn max(self, other: Self) -> Self {
        Self { row: self.row.max(other.row), public: self.public.max(other.public) }
    }
}
