//! Texts cut into the terms of the index: once for all the fields that hold them.

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::HashMap as FastMap;

use crate::projections::search::analysis::language::Language;
use crate::projections::search::analysis::tokenizer;
use crate::projections::search::analysis::tokenizer::TokenKind;
use crate::projections::search::index::postings::{InvertedField, SortedRun};

/// Terms that room is made for at once, and bytes of text that bring a new one.
const MOST_EXPECTED: usize = 8_000;
const BYTES_FOR_A_TERM: usize = 12;

/// Cuts texts, and remembers stems.
#[derive(Default)]
pub(crate) struct Inverter(HashMap<Language, StemCache>);

/// The stems that were found last: a text repeats the words of others.
type StemCache = FastMap<Box<str>, Box<str>>;

/// Words of one language; then it is begun anew.
const MOST_STEMS: usize = 20_000;

/// What stands for a stem that was not looked up.
const UNKNOWN: u32 = u32::MAX;

impl Inverter {
    /// For documents whose texts have so many bytes.
    pub(crate) fn begin<'t>(&mut self, bytes: usize) -> InvertedDocuments<'_, 't> {
        let terms = (bytes / BYTES_FOR_A_TERM).min(MOST_EXPECTED);
        let [words, stems] = [(); 2].map(|()| InvertedField::of(terms));
        let [title, headings] = [(); 2].map(|()| InvertedField::of(0));
        InvertedDocuments { known: &mut self.0, stem_of: HashMap::new(), found: Vec::new(), words, stems, title, headings }
    }
}

/// Documents that are being cut.
pub(crate) struct InvertedDocuments<'c, 't> {
    known: &'c mut HashMap<Language, StemCache>,
    /// The number of each word's stem, by the word's number.
    stem_of: HashMap<Language, Vec<u32>>,
    /// The stems of the text in hand.
    found: Vec<(u32, usize)>,
    words: InvertedField<'t>,
    stems: InvertedField<'t>,
    title: InvertedField<'t>,
    headings: InvertedField<'t>,
}

impl<'t> InvertedDocuments<'_, 't> {
    /// A text of the document in hand, which counts so many times among the stems.
    pub(crate) fn text(&mut self, language: Language, text: &'t str, times: usize) {
        let Self { known, stem_of, found, words, stems, .. } = self;
        let (known, stem_of) = (known.entry(language).or_default(), stem_of.entry(language).or_default());
        found.clear();
        tokenizer::pieces(text, |piece| {
            let word = words.number(&piece.text).unwrap_or_else(|| words.number_or_next(piece.text.clone()));
            words.put(word, piece.position);
            if piece.kind == TokenKind::Whole {
                return;
            }
            let at = word as usize;
            if stem_of.len() <= at {
                stem_of.resize(at + 1, UNKNOWN);
            }
            if stem_of[at] == UNKNOWN {
                stem_of[at] = stems.number_or_next(Cow::Owned(stem(known, language, &piece.text)));
            }
            found.push((stem_of[at], piece.position));
        });
        words.end_text();
        for _ in 0..times {
            for (stem, position) in found.iter() {
                stems.put(*stem, *position);
            }
            stems.end_text();
        }
    }

    /// The document's title, for the fields that have nothing but words.
    pub(crate) fn title(&mut self, title: &'t str) {
        plain(&mut self.title, title);
        plain(&mut self.headings, title);
    }

    pub(crate) fn heading(&mut self, heading: &'t str) {
        plain(&mut self.headings, heading);
    }

    pub(crate) fn end_document(&mut self) {
        for field in [&mut self.words, &mut self.stems, &mut self.title, &mut self.headings] {
            field.end_document();
        }
    }

    /// The fields as [`crate::projections::search::index::schema::Fields::of_words`] names them.
    pub(crate) fn sorted(self) -> InvertedFields {
        [self.words, self.stems, self.title, self.headings].map(InvertedField::sorted)
    }
}

/// What the fields hold of some documents.
pub(crate) type InvertedFields = [SortedRun; 4];

fn stem(known: &mut StemCache, language: Language, word: &str) -> String {
    if let Some(stem) = known.get(word) {
        return stem.to_string();
    }
    let stem = language.stem(word).into_owned();
    if known.len() >= MOST_STEMS {
        known.clear();
    }
    known.insert(word.into(), stem.as_str().into());
    stem
}

/// The words of a text and nothing else.
fn plain<'t>(field: &mut InvertedField<'t>, text: &'t str) {
    tokenizer::pieces(text, |piece| {
        if piece.kind == TokenKind::Word {
            let word = field.number_or_next(piece.text);
            field.put(word, piece.position);
        }
    });
    field.end_text();
}

#[cfg(test)]
mod tests {
    use super::*;

    type TokensOf = Vec<(String, u32, usize)>;

    /// Term, document and place of every token.
    fn read(run: &SortedRun) -> TokensOf {
        let (mut reading, mut tokens, mut differences) = (run.reading(), TokensOf::new(), Vec::new());
        while let Some(term) = reading.term() {
            let term = String::from_utf8(term.to_vec()).unwrap();
            reading.places(&mut differences, |document, differences| {
                let mut place = 0;
                for difference in differences {
                    place += *difference as usize;
                    tokens.push((term.clone(), document, place));
                }
            });
        }
        let lengths: Vec<usize> =
            (0..).take(run.lengths.len()).map(|document| tokens.iter().filter(|(_, of, _)| *of == document).count()).collect();
        assert_eq!(lengths, run.lengths.iter().map(|length| *length as usize).collect::<Vec<_>>());
        tokens
    }

    /// What the engine would have been given token by token, text by text, in the order of the index.
    fn one_by_one(documents: &[Vec<(&str, usize)>], keeps: impl Fn(TokenKind) -> bool, term: impl Fn(&str) -> String) -> TokensOf {
        let mut tokens = TokensOf::new();
        for (document, texts) in (0..).zip(documents) {
            let mut begin = 0;
            for text in texts.iter().flat_map(|(text, times)| std::iter::repeat_n(text, *times)) {
                let pieces: Vec<_> = tokenizer::pieces_of(text).into_iter().filter(|piece| keeps(piece.kind)).collect();
                let last = pieces.iter().map(|piece| begin + piece.position + 1).max().unwrap_or(begin);
                tokens.extend(pieces.iter().map(|piece| (term(&piece.text), document, begin + piece.position)));
                begin = last + 1;
            }
        }
        tokens.sort();
        tokens
    }

    #[test]
    fn a_field_holds_every_token_where_it_was() {
        let long = "queues fill. ".repeat(3_000) + "then one e-mail, email, re-email `io_uring` and C++ ⒈95 1.95";
        let texts = vec![("PgBouncer queues a queue", 3), ("", 1), ("…", 1), (long.as_str(), 1), ("naïve e-mail queues", 1)];
        let documents = [texts.clone(), vec![("", 3)], texts.into_iter().rev().collect()];
        let once: Vec<Vec<_>> = documents.iter().map(|texts| texts.iter().map(|(text, _)| (*text, 1)).collect()).collect();
        for locale in ["en", "de", "xx"] {
            let language = Language::of(locale);
            let mut cutter = Inverter::default();
            let mut cuts = cutter.begin(long.len());
            for texts in &documents {
                for (text, times) in texts {
                    cuts.text(language, text, *times);
                    cuts.heading(text);
                }
                cuts.end_document();
            }
            let [words, stems, title, headings] = cuts.sorted().map(|run| read(&run));
            assert_eq!(words, one_by_one(&once, |_| true, str::to_owned));
            assert_eq!(stems, one_by_one(&documents, |kind| kind != TokenKind::Whole, |word| language.stem(word).into_owned()));
            assert_eq!(headings, one_by_one(&once, |kind| kind == TokenKind::Word, str::to_owned));
            assert!(title.is_empty());
        }
    }

    #[test]
    fn a_word_has_a_stem_in_each_language() {
        let mut cutter = Inverter::default();
        let mut cuts = cutter.begin(0);
        for locale in ["en", "de", "en"] {
            cuts.text(Language::of(locale), "running", 1);
            cuts.end_document();
        }
        let [words, stems, ..] = cuts.sorted().map(|run| read(&run));
        let of = |term: &str, document| (term.to_owned(), document, 0);
        assert_eq!(words, [of("running", 0), of("running", 1), of("running", 2)]);
        assert_eq!(stems, [of("run", 0), of("run", 2), of("running", 1)]);
    }
}
