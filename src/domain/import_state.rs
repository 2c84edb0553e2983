//! The states of an import and of its items, as they are stored and shown.

use super::text_enum::text_enum;

text_enum! {
    /// How far an import is.
    pub enum ImportState {
        /// Its lines are still arriving.
        Receiving => "receiving",
        Running => "running",
        Done => "done",
        /// As a whole: items that fail do not fail their import.
        Failed => "failed",
    }
}

text_enum! {
    /// The outcome of an item.
    #[derive(Default)]
    pub enum ImportItemState {
        #[default]
        Waiting => "waiting",
        Created => "created",
        Updated => "updated",
        Unchanged => "unchanged",
        Failed => "failed",
    }
}

/// Something that an item lost, or that was guessed in reading it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ImportNote {
    pub code: String,
    pub detail: String,
}

impl ImportNote {
    #[must_use]
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        Self { code: code.to_owned(), detail: detail.into() }
    }
}
