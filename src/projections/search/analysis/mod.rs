//! How texts become tokens: tokenizer, stemming, stop words.

pub(crate) mod language;
pub(crate) mod tokenizer;
