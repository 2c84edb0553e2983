//! Writing the index.
//!
//! Read in this order: `schema` (fields), `document` (database rows to documents), `inverter` (tokenise and invert a batch),
//! `postings` (the in-memory inverted index and sorted runs), `segment_writer` (runs to a segment on disk), `files` (the index:
//! add, replace, commit, merge), `folder` (which build on disk is valid).

pub(crate) mod document;
pub(crate) mod files;
pub(crate) mod folder;
pub(crate) mod inverter;
pub(crate) mod postings;
pub(crate) mod schema;
pub(crate) mod segment_writer;
