//! Texts cut into the terms of the index: once for all the fields that hold them, and handed over term by term. The engine looks every token up in
//! a table that is too large for the processor's caches; where the tokens of a term follow each other it looks where it just was.
//!
//! A field is given nothing but what [`Postings::written`] writes, and its tokenizer, [`Reader`], reads nothing else.

use std::borrow::Cow;
use std::collections::HashMap;

use foldhash::HashMap as FastMap;
use foldhash::fast::RandomState;
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use super::analysis::{self, Kind};
use super::language::Language;

/// Between two texts of a field, so that no phrase goes over the end of one.
const GAP: usize = 1;
/// Terms that room is made for at once, and bytes of text that bring a new one.
const MOST_EXPECTED: usize = 2_000;
const BYTES_FOR_A_TERM: usize = 12;

/// Cuts texts, and remembers stems.
#[derive(Default)]
pub(super) struct Cutter(HashMap<Language, Stems>);

/// The stems that were found last: a text repeats the words of others.
type Stems = FastMap<Box<str>, Box<str>>;

/// Words of one language; then it is begun anew.
const MOST_STEMS: usize = 20_000;

/// What two fields hold of the same texts.
pub(super) struct Cut {
    /// As they are written, and compounds whole.
    pub(super) words: String,
    /// What is ranked.
    pub(super) stems: String,
}

impl Cutter {
    /// Cuts the texts of a document, each of which counts so many times among the stems.
    pub(super) fn cut<'t>(&mut self, language: Language, texts: impl IntoIterator<Item = (&'t str, usize)>) -> Cut {
        let known = self.0.entry(language).or_default();
        let texts: Vec<(&str, usize)> = texts.into_iter().collect();
        let bytes = texts.iter().map(|(text, _)| text.len()).sum();
        let (mut words, mut stems) = (Postings::of(bytes), Postings::of(bytes));
        // The number of each word's stem, and the stems of the text in hand.
        let mut stem_of: Vec<usize> = Vec::new();
        let mut found: Vec<(usize, usize)> = Vec::new();
        for (text, times) in texts {
            found.clear();
            analysis::pieces(text, |piece| {
                let whole = piece.kind == Kind::Whole;
                let word = words.number(&piece.text).unwrap_or_else(|| {
                    let stem = if whole { piece.text.clone() } else { Cow::Owned(stem(known, language, &piece.text)) };
                    stem_of.push(stems.number_or_next(stem));
                    words.number_or_next(piece.text)
                });
                words.put(word, piece.position);
                if !whole {
                    found.push((stem_of[word], piece.position));
                }
            });
            words.end_text();
            for _ in 0..times {
                for (stem, position) in &found {
                    stems.put(*stem, *position);
                }
                stems.end_text();
            }
        }
        Cut { words: words.written(), stems: stems.written() }
    }
}

fn stem(known: &mut Stems, language: Language, word: &str) -> String {
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

/// The words of some texts and nothing else, for a field of its own.
pub(super) fn plain<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut postings = Postings::default();
    for text in texts {
        analysis::pieces(text, |piece| {
            if piece.kind == Kind::Word {
                let word = postings.number_or_next(piece.text);
                postings.put(word, piece.position);
            }
        });
        postings.end_text();
    }
    postings.written()
}

/// The terms of one field of a document, numbered as they were met, and where each is.
#[derive(Default)]
struct Postings<'t> {
    numbers: FastMap<Cow<'t, str>, usize>,
    tokens: Vec<(usize, usize)>,
    /// Where the text in hand begins, and where it ends so far.
    begin: usize,
    end: usize,
}

impl<'t> Postings<'t> {
    /// For texts of so many bytes.
    fn of(bytes: usize) -> Self {
        let expected = (bytes / BYTES_FOR_A_TERM).min(MOST_EXPECTED);
        Self { numbers: FastMap::with_capacity_and_hasher(expected, RandomState::default()), ..Self::default() }
    }

    fn number(&self, term: &str) -> Option<usize> {
        self.numbers.get(term).copied()
    }

    fn number_or_next(&mut self, term: Cow<'t, str>) -> usize {
        let next = self.numbers.len();
        *self.numbers.entry(term).or_insert(next)
    }

    fn put(&mut self, term: usize, position: usize) {
        let place = self.begin + position;
        self.end = self.end.max(place + 1);
        self.tokens.push((term, place));
    }

    fn end_text(&mut self) {
        self.begin = self.end + GAP;
        self.end = self.begin;
    }

    /// Each term with its places in ascending order: how long it is, itself, how many they are, and the differences between them.
    fn written(&self) -> String {
        let mut ends = vec![0; self.numbers.len()];
        for (term, _) in &self.tokens {
            ends[*term] += 1;
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += std::mem::replace(end, sum);
        }
        // Each holds where its term's places begin, and moves to where they end.
        let mut places = vec![0; self.tokens.len()];
        for (term, place) in &self.tokens {
            places[ends[*term]] = *place;
            ends[*term] += 1;
        }
        let mut terms = vec![""; self.numbers.len()];
        for (term, number) in &self.numbers {
            terms[*number] = term;
        }
        let mut written = String::with_capacity(10 * terms.len() + 2 * places.len());
        let mut from = 0;
        for (term, to) in terms.into_iter().zip(ends) {
            let places = &mut places[from..to];
            from = to;
            if places.is_empty() {
                continue;
            }
            // Compounds are found when they end, and stand where they begin.
            places.sort_unstable();
            write_number(term.len(), &mut written);
            written.push_str(term);
            write_number(places.len(), &mut written);
            places.iter().fold(0, |before, place| {
                write_number(place - before, &mut written);
                *place
            });
        }
        written
    }
}

/// Digits of five bits, the least first: those of the last digit from 0x20, of the others from 0x40.
fn write_number(mut number: usize, to: &mut String) {
    let digit = |number: usize| number.to_le_bytes()[0] & 31;
    while number >= 32 {
        to.push(char::from(0x40 | digit(number)));
        number >>= 5;
    }
    to.push(char::from(0x20 | digit(number)));
}

/// The number that a text begins with, which is taken off.
fn read_number(text: &mut &str) -> usize {
    let mut number = 0;
    for (at, digit) in text.bytes().enumerate() {
        number |= usize::from(digit & 31) << (5 * at);
        if digit & 0x20 != 0 {
            *text = &text[at + 1..];
            break;
        }
    }
    number
}

/// The tokenizer of every field.
#[derive(Clone, Default)]
pub(super) struct Reader(Token);

impl Tokenizer for Reader {
    type TokenStream<'a> = Tokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens<'a> {
        Tokens { rest: text, places: 0, token: &mut self.0 }
    }
}

pub(super) struct Tokens<'a> {
    rest: &'a str,
    /// Those of the present term that are still to come.
    places: usize,
    token: &'a mut Token,
}

impl TokenStream for Tokens<'_> {
    fn advance(&mut self) -> bool {
        if self.places == 0 {
            if self.rest.is_empty() {
                return false;
            }
            let length = read_number(&mut self.rest);
            let (term, rest) = self.rest.split_at(length);
            self.rest = rest;
            self.places = read_number(&mut self.rest);
            self.token.text.clear();
            self.token.text.push_str(term);
            self.token.position = 0;
        }
        self.places -= 1;
        self.token.position += read_number(&mut self.rest);
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &str) -> Vec<(String, usize)> {
        let mut reader = Reader::default();
        let mut stream = reader.token_stream(field);
        let mut tokens = Vec::new();
        while stream.advance() {
            tokens.push((stream.token().text.clone(), stream.token().position));
        }
        tokens
    }

    /// What the engine would have been given token by token, text by text.
    fn one_by_one(texts: &[(&str, usize)], keeps: impl Fn(Kind) -> bool, term: impl Fn(&str) -> String) -> Vec<(String, usize)> {
        let (mut tokens, mut begin) = (Vec::new(), 0);
        for text in texts.iter().flat_map(|(text, times)| std::iter::repeat_n(text, *times)) {
            let pieces: Vec<_> = analysis::pieces_of(text).into_iter().filter(|piece| keeps(piece.kind)).collect();
            let last = pieces.iter().map(|piece| begin + piece.position + 1).max().unwrap_or(begin);
            tokens.extend(pieces.iter().map(|piece| (term(&piece.text), begin + piece.position)));
            begin = last + GAP;
        }
        tokens.sort();
        tokens
    }

    fn sorted(field: &str) -> Vec<(String, usize)> {
        let mut tokens = read(field);
        // The engine keeps differences: what goes back within a term would be a fault.
        for pair in tokens.windows(2) {
            assert!(pair[0].0 != pair[1].0 || pair[0].1 <= pair[1].1, "{pair:?}");
        }
        tokens.sort();
        tokens
    }

    #[test]
    fn a_field_holds_every_token_where_it_was() {
        let long = "queues fill. ".repeat(3_000) + "then one e-mail, email, re-email `io_uring` and C++ ⒈95 1.95";
        let texts = [("PgBouncer queues a queue", 3), ("", 1), ("…", 1), (long.as_str(), 1), ("naïve e-mail queues", 1)];
        let once = texts.map(|(text, _)| (text, 1));
        for locale in ["en", "de", "xx"] {
            let language = Language::of(locale);
            let cut = Cutter::default().cut(language, texts);
            assert_eq!(sorted(&cut.words), one_by_one(&once, |_| true, str::to_owned));
            assert_eq!(sorted(&cut.stems), one_by_one(&texts, |kind| kind != Kind::Whole, |word| language.stem(word).into_owned()));
        }
        assert_eq!(sorted(&plain(once.map(|(text, _)| text))), one_by_one(&once, |kind| kind == Kind::Word, str::to_owned));
    }

    #[test]
    fn numbers_of_any_size_are_read_as_they_were_written() {
        let numbers = [0, 1, 31, 32, 33, 1_023, 1_024, 40_000, 5_000_000, usize::MAX];
        let mut digits = String::new();
        for number in numbers {
            write_number(number, &mut digits);
        }
        let mut rest = digits.as_str();
        for number in numbers {
            assert_eq!(read_number(&mut rest), number);
        }
        assert!(rest.is_empty());
    }
}
