//! From a typed query to a page of ids.
//!
//! Read in this order: `execute` (the entry), `parser` (words, phrases, exclusions), `planner` (the parsed query to a `plan`), `expansion`
//! (completions and corrections), `scorer` with `bm25`, `accumulator` and `phrases` (matches), `facets` (filters and counts), `rerank` with
//! `title_match` (the final order), `page`, `highlight`. `suggestions` and `related` answer their own endpoints.

pub(crate) mod accumulator;
pub(crate) mod bm25;
pub(crate) mod execute;
pub(crate) mod expansion;
pub(crate) mod facets;
pub(crate) mod highlight;
pub(crate) mod page;
pub(crate) mod parser;
pub(crate) mod phrases;
pub(crate) mod plan;
pub(crate) mod planner;
pub(crate) mod postings;
pub(crate) mod related;
pub(crate) mod rerank;
pub(crate) mod scorer;
pub(crate) mod suggestions;
pub(crate) mod title_match;
