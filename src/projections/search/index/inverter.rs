//! Tokenises and inverts documents: each text is tokenised once for all the fields that index it.
//!
//! [`Inverter::start_batch`], then for each document its texts, title and headings and `end_document`, then `into_sorted_runs`.

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::HashMap as FastMap;

use crate::projections::search::analysis::language::Language;
use crate::projections::search::analysis::tokenizer;
use crate::projections::search::analysis::tokenizer::TokenKind;
use crate::projections::search::index::postings::{InvertedField, SortedRun};

/// The capacity reserved for terms, estimated from the size of the texts.
const MAX_RESERVED_TERMS: usize = 8_000;
const BYTES_PER_TERM: usize = 12;

/// Inverts batches of documents, and caches stems between them.
#[derive(Default)]
pub(crate) struct Inverter(HashMap<Language, StemCache>);

/// Stem by word: stemming costs more than a lookup, and texts share most of their words.
type StemCache = FastMap<Box<str>, Box<str>>;

/// A cache that reaches this size is cleared.
const MAX_CACHED_STEMS: usize = 20_000;

/// The stem of a word that has not been looked up yet.
const UNRESOLVED: u32 = u32::MAX;

impl Inverter {
    /// Starts a batch of documents whose texts have about this many bytes.
    pub(crate) fn start_batch<'t>(&mut self, text_bytes: usize) -> InvertedDocuments<'_, 't> {
        let terms = (text_bytes / BYTES_PER_TERM).min(MAX_RESERVED_TERMS);
        let [words, stems] = [(); 2].map(|()| InvertedField::with_capacity(terms));
        let [title, headings] = [(); 2].map(|()| InvertedField::with_capacity(0));
        InvertedDocuments { stem_caches: &mut self.0, stem_ids: HashMap::new(), text_stems: Vec::new(), words, stems, title, headings }
    }
}

/// A batch of documents being inverted.
pub(crate) struct InvertedDocuments<'c, 't> {
    stem_caches: &'c mut HashMap<Language, StemCache>,
    /// The term id of each word's stem, by the term id of the word.
    stem_ids: HashMap<Language, Vec<u32>>,
    /// Stem and position of each token of the current text.
    text_stems: Vec<(u32, usize)>,
    words: InvertedField<'t>,
    stems: InvertedField<'t>,
    title: InvertedField<'t>,
    headings: InvertedField<'t>,
}

impl<'t> InvertedDocuments<'_, 't> {
    /// Adds a text of the current document to the words, and `boost` times to the stems.
    pub(crate) fn add_text(&mut self, language: Language, text: &'t str, boost: usize) {
        let Self { stem_caches, stem_ids, text_stems, words, stems, .. } = self;
        let (cache, stem_ids) = (stem_caches.entry(language).or_default(), stem_ids.entry(language).or_default());
        text_stems.clear();
        tokenizer::tokenize(text, |token| {
            let word = words.term_id(&token.text).unwrap_or_else(|| words.intern(token.text.clone()));
            words.add_token(word, token.position);
            if token.kind == TokenKind::Compound {
                return;
            }
            let index = word as usize;
            if stem_ids.len() <= index {
                stem_ids.resize(index + 1, UNRESOLVED);
            }
            if stem_ids[index] == UNRESOLVED {
                stem_ids[index] = stems.intern(Cow::Owned(cached_stem(cache, language, &token.text)));
            }
            text_stems.push((stem_ids[index], token.position));
        });
        words.end_text();
        for _ in 0..boost {
            for (stem, position) in text_stems.iter() {
                stems.add_token(*stem, *position);
            }
            stems.end_text();
        }
    }

    /// Adds the title to the fields that completion and suggestions use.
    pub(crate) fn add_title(&mut self, title: &'t str) {
        add_words(&mut self.title, title);
        add_words(&mut self.headings, title);
    }

    pub(crate) fn add_heading(&mut self, heading: &'t str) {
        add_words(&mut self.headings, heading);
    }

    pub(crate) fn end_document(&mut self) {
        for field in [&mut self.words, &mut self.stems, &mut self.title, &mut self.headings] {
            field.end_document();
        }
    }

    /// The fields in the order of [`crate::projections::search::index::schema::IndexFields::inverted`].
    pub(crate) fn into_sorted_runs(self) -> InvertedFields {
        [self.words, self.stems, self.title, self.headings].map(InvertedField::into_sorted_run)
    }
}

/// The inverted fields of a batch.
pub(crate) type InvertedFields = [SortedRun; 4];

fn cached_stem(cache: &mut StemCache, language: Language, word: &str) -> String {
    if let Some(stem) = cache.get(word) {
        return stem.to_string();
    }
    let stem = language.stem(word).into_owned();
    if cache.len() >= MAX_CACHED_STEMS {
        cache.clear();
    }
    cache.insert(word.into(), stem.as_str().into());
    stem
}

/// Adds the words of a text, without subwords and compounds.
fn add_words<'t>(field: &mut InvertedField<'t>, text: &'t str) {
    tokenizer::tokenize(text, |token| {
        if token.kind == TokenKind::Word {
            let word = field.intern(token.text);
            field.add_token(word, token.position);
        }
    });
    field.end_text();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Term, document and position of every token.
    type Tokens = Vec<(String, u32, usize)>;

    fn read_run(run: &SortedRun) -> Tokens {
        let (mut cursor, mut tokens, mut buffer) = (run.cursor(), Tokens::new(), Vec::new());
        while let Some(term) = cursor.next_term() {
            let term = String::from_utf8(term.to_vec()).unwrap();
            cursor.read_postings(&mut buffer, |document, deltas| {
                let mut position = 0;
                for delta in deltas {
                    position += *delta as usize;
                    tokens.push((term.clone(), document, position));
                }
            });
        }
        let lengths: Vec<usize> =
            (0..).take(run.lengths.len()).map(|document| tokens.iter().filter(|(_, of, _)| *of == document).count()).collect();
        assert_eq!(lengths, run.lengths.iter().map(|length| *length as usize).collect::<Vec<_>>());
        tokens
    }

    /// The tokens of each document, computed token by token and text by text, in the order of the index.
    fn expected_tokens(documents: &[Vec<(&str, usize)>], keeps: impl Fn(TokenKind) -> bool, term: impl Fn(&str) -> String) -> Tokens {
        let mut tokens = Tokens::new();
        for (document, texts) in (0..).zip(documents) {
            let mut start = 0;
            for text in texts.iter().flat_map(|(text, boost)| std::iter::repeat_n(text, *boost)) {
                let kept: Vec<_> = tokenizer::tokens(text).into_iter().filter(|token| keeps(token.kind)).collect();
                let end = kept.iter().map(|token| start + token.position + 1).max().unwrap_or(start);
                tokens.extend(kept.iter().map(|token| (term(&token.text), document, start + token.position)));
                start = end + 1;
            }
        }
        tokens.sort();
        tokens
    }

    #[test]
    fn inverted_fields_have_every_token_at_its_position() {
        let long = "queues fill. ".repeat(3_000) + "then one e-mail, email, re-email `io_uring` and C++ ⒈95 1.95";
        let texts = vec![("PgBouncer queues a queue", 3), ("", 1), ("…", 1), (long.as_str(), 1), ("naïve e-mail queues", 1)];
        let documents = [texts.clone(), vec![("", 3)], texts.into_iter().rev().collect()];
        let unboosted: Vec<Vec<_>> = documents.iter().map(|texts| texts.iter().map(|(text, _)| (*text, 1)).collect()).collect();
        for locale in ["en", "de", "xx"] {
            let language = Language::from_tag(locale);
            let mut inverter = Inverter::default();
            let mut batch = inverter.start_batch(long.len());
            for texts in &documents {
                for (text, boost) in texts {
                    batch.add_text(language, text, *boost);
                    batch.add_heading(text);
                }
                batch.end_document();
            }
            let [words, stems, title, headings] = batch.into_sorted_runs().map(|run| read_run(&run));
            assert_eq!(words, expected_tokens(&unboosted, |_| true, str::to_owned));
            assert_eq!(stems, expected_tokens(&documents, |kind| kind != TokenKind::Compound, |word| language.stem(word).into_owned()));
            assert_eq!(headings, expected_tokens(&unboosted, |kind| kind == TokenKind::Word, str::to_owned));
            assert!(title.is_empty());
        }
    }

    #[test]
    fn the_same_word_is_stemmed_in_each_language() {
        let mut inverter = Inverter::default();
        let mut batch = inverter.start_batch(0);
        for locale in ["en", "de", "en"] {
            batch.add_text(Language::from_tag(locale), "running", 1);
            batch.end_document();
        }
        let [words, stems, ..] = batch.into_sorted_runs().map(|run| read_run(&run));
        let token = |term: &str, document| (term.to_owned(), document, 0);
        assert_eq!(words, [token("running", 0), token("running", 1), token("running", 2)]);
        assert_eq!(stems, [token("run", 0), token("run", 2), token("running", 1)]);
    }
}
