//! From a typed query to a page of ids: parser, plan, BM25, reranking, facets, highlights, suggestions.

pub(crate) mod bm25;
pub(crate) mod execute;
pub(crate) mod expansion;
pub(crate) mod facets;
pub(crate) mod highlight;
pub(crate) mod parser;
pub(crate) mod plan;
pub(crate) mod related;
pub(crate) mod rerank;
pub(crate) mod suggestions;
pub(crate) mod title_match;
