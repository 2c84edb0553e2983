//! Text analysis: tokenizer, case folding, compounds, stemming and stop words.
//!
//! The index, queries and highlights use the same [`tokenizer::tokenize`], so a text is found by any of its own words.

mod compounds;
mod folding;
pub(crate) mod language;
pub(crate) mod tokenizer;
