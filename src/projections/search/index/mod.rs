//! The writing end: the schema, documents, the inverted index in memory, segments, and the files on disk.

pub(crate) mod document;
pub(crate) mod files;
pub(crate) mod inverter;
pub(crate) mod postings;
pub(crate) mod schema;
pub(crate) mod segment_writer;
