//! What one reader can see of the index at one moment, and its statistics.
//!
//! Read in this order: `view` (the entry), `segment` (postings of one segment, restricted to a view), `visibility` (which documents a view
//! contains), `columns` and `packed` (values for each document), `doc_set`, `top_k`, `terms` (names of categories, tags and authors).

pub(crate) mod columns;
pub(crate) mod doc_set;
pub(crate) mod packed;
pub(crate) mod segment;
pub(crate) mod term;
pub(crate) mod terms;
pub(crate) mod top_k;
pub(crate) mod view;
pub(crate) mod visibility;
