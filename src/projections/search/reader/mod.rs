//! What one reader may find at one moment: segments, visibility, columns, and the statistics of what is visible.

pub(crate) mod columns;
pub(crate) mod doc_set;
pub(crate) mod packed;
pub(crate) mod term;
pub(crate) mod terms;
pub(crate) mod top_k;
pub(crate) mod view;
pub(crate) mod visibility;
