//! Full-text search inside the process: ranked, typo-tolerant, with facets, and current as soon as a write returns.
//!
//! # How to use it
//!
//! [`SearchProjection::new`] returns the projection, which [`super::follower::follow`] drives, and a [`Search`], which requests
//! share. After a commit, a write calls [`Search::wait_for`] with the sequence of its last row in the log; then a search calls
//! [`Search::find`]. If the index cannot keep up, searches fail with [`SearchError::NotReady`] rather than omit a write that was
//! answered.
//!
//! # How a change gets into the index
//!
//! 1. The follower reads rows of the change log and passes them to [`SearchProjection`]. It loads the texts of the changed insights, and
//!    `index::files` replaces them in the segment that is being filled.
//! 2. `publish` commits: Tantivy makes the segments durable together with the position in the log, so a crash never separates the two.
//!    During an import several batches share one commit, unless a writer waits.
//! 3. The projection replaces the snapshot that searches read. Each search takes a view of it: of each visible insight the text that the
//!    reader's locale fallback chain selects. Only the view ranks and counts, so invisible texts have no influence.
//!
//! Two indexes of the same content give the same results, whatever their history. An index that is damaged, of another version or
//! of another database is rebuilt.
//!
//! # How to read it
//!
//! `searcher` and `snapshot` (the reading end), `projection`, `batch` and `indexer` (the writing end), then the folders in the
//! order of their dependencies: `analysis`, `index`, `reader`, `query`. Each `mod.rs` says in which order to read its files.

mod analysis;
mod batch;
mod index;
mod indexer;
pub mod integrity;
mod projection;
mod query;
mod reader;
mod searcher;
mod snapshot;
#[cfg(test)]
mod tests;

pub use projection::SearchProjection;
pub use query::execute::{FacetCount, Facets, SearchPage, SearchRequest};
pub use query::highlight::Highlighter;
pub use query::page::{Hit, PreviousPage, SearchPosition};
pub use query::related::{Reason, Similar, Subject};
pub use query::rerank::Explanation;
pub use query::suggestions::{Suggestion, TypedPrefix};
pub use query::title_match::TitleMatch;
pub use searcher::{Search, SearchError};
