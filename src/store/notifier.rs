//! The message of the commit notifier: where the change log ends after a commit. See [`Store::subscribe`](super::Store::subscribe).

use crate::domain::change::{PublicSequence, Sequence};

/// The `NOTIFY` channel by which nodes on one PostgreSQL announce their commits.
pub(crate) const CHANNEL: &str = "insights_changes";

/// The end of the log: the number of its newest row, and the newest public number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogEnd {
    pub sequence: Sequence,
    pub public: PublicSequence,
}

impl LogEnd {
    /// The maximum of each number.
    pub(super) fn max(self, other: Self) -> Self {
        Self { sequence: self.sequence.max(other.sequence), public: self.public.max(other.public) }
    }
}
