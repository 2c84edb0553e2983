//! Search inside the process: ranked, tolerant of typos, with facets, current the moment a write returns.
//!
//! The index is a projection of the change log. It holds every text that is live; what a reader may find of it is decided by a view at the
//! moment of the search. While it is behind a write that was answered, it answers nothing rather than something old.

mod analysis;
mod index;
pub mod integrity;
mod projection;
mod query;
mod reader;
mod searcher;
#[cfg(test)]
mod tests;

pub use projection::SearchProjection;
pub use query::execute::{FacetCount, Facets, Hit, PreviousPage, SearchPage, SearchPosition, SearchRequest};
pub use query::highlight::Marks;
pub use query::related::{Reason, Similar, Subject};
pub use query::rerank::Explanation;
pub use query::suggestions::{Suggestion, TypedPrefix};
pub use query::title_match::TitleMatch;
pub use searcher::{Search, SearchError};
