//! Where each term of a few documents is: gathered while they are cut, then kept in the order of terms, as the index will have it.
//!
//! Runs of many documents are put together by reading each once from its beginning. To look every token up in one table of all terms instead, as
//! the engine does, costs several misses of the processor's caches for each term of each text.

use std::borrow::Cow;

use foldhash::HashMap as FastMap;
use foldhash::fast::RandomState;

/// Between two texts of a field, so that no phrase goes over the end of one.
const GAP: u32 = 1;

/// One field of the documents that are being cut. Terms are numbered as they are met.
pub(crate) struct InvertedField<'t> {
    numbers: FastMap<Cow<'t, str>, u32>,
    tokens: Vec<TermOccurrence>,
    /// Tokens of each document before the one in hand.
    lengths: Vec<u32>,
    counted: usize,
    /// Where the text in hand begins, and where it ends so far.
    begin: u32,
    end: u32,
}

#[derive(Clone, Copy, Default)]
struct TermOccurrence {
    term: u32,
    place: TokenPosition,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct TokenPosition {
    document: u32,
    position: u32,
}

impl<'t> InvertedField<'t> {
    /// With room for so many terms.
    pub(crate) fn of(terms: usize) -> Self {
        let numbers = FastMap::with_capacity_and_hasher(terms, RandomState::default());
        Self { numbers, tokens: Vec::new(), lengths: Vec::new(), counted: 0, begin: 0, end: 0 }
    }

    pub(crate) fn number(&self, term: &str) -> Option<u32> {
        self.numbers.get(term).copied()
    }

    pub(crate) fn number_or_next(&mut self, term: Cow<'t, str>) -> u32 {
        let next = small(self.numbers.len());
        *self.numbers.entry(term).or_insert(next)
    }

    /// A token of the text in hand.
    pub(crate) fn put(&mut self, term: u32, position: usize) {
        let position = self.begin.saturating_add(small(position));
        self.end = self.end.max(position.saturating_add(1));
        self.tokens.push(TermOccurrence { term, place: TokenPosition { document: small(self.lengths.len()), position } });
    }

    pub(crate) fn end_text(&mut self) {
        self.begin = self.end.saturating_add(GAP);
        self.end = self.begin;
    }

    pub(crate) fn end_document(&mut self) {
        self.lengths.push(small(self.tokens.len() - self.counted));
        self.counted = self.tokens.len();
        (self.begin, self.end) = (0, 0);
    }

    /// Everything by term.
    pub(crate) fn sorted(self) -> SortedRun {
        let mut places = self.by_number();
        let mut terms: Vec<(&str, u32)> = self.numbers.iter().map(|(term, number)| (&**term, *number)).collect();
        terms.sort_unstable();
        let mut run = SortedRun { bytes: Vec::with_capacity(12 * terms.len() + 2 * self.tokens.len()), lengths: self.lengths };
        for (term, number) in terms {
            let places = places.of(number);
            if !places.is_empty() {
                run.push(term, places);
            }
        }
        run
    }

    fn by_number(&self) -> Places {
        let mut ends = vec![0; self.numbers.len()];
        for token in &self.tokens {
            ends[token.term as usize] += 1;
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += std::mem::replace(end, sum);
        }
        // Each holds where its term's places begin, and moves to where they end.
        let mut places = vec![TokenPosition::default(); self.tokens.len()];
        for token in &self.tokens {
            let end = &mut ends[token.term as usize];
            places[*end] = token.place;
            *end += 1;
        }
        Places { places, ends }
    }
}

/// The places of all terms, those of one behind the other.
struct Places {
    places: Vec<TokenPosition>,
    ends: Vec<usize>,
}

impl Places {
    /// Those of one term, in ascending order.
    fn of(&mut self, number: u32) -> &[TokenPosition] {
        let number = number as usize;
        let from = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        let places = &mut self.places[from..self.ends[number]];
        // Compounds are found when they end, and stand where they begin.
        if !places.is_sorted() {
            places.sort_unstable();
        }
        places
    }
}

/// The terms of one field of some documents in ascending order, each with its places.
#[derive(Default)]
pub(crate) struct SortedRun {
    /// For each term: how long it is, itself, how many documents have it, and for each of them how far it is from the one before, how many places the
    /// term has there, and the differences between these.
    bytes: Vec<u8>,
    /// How many tokens each document has.
    pub(crate) lengths: Vec<u32>,
}

impl SortedRun {
    fn push(&mut self, term: &str, places: &[TokenPosition]) {
        write(&mut self.bytes, small(term.len()));
        self.bytes.extend_from_slice(term.as_bytes());
        let documents = || places.chunk_by(|a, b| a.document == b.document);
        write(&mut self.bytes, small(documents().count()));
        let mut last = 0;
        for places in documents() {
            let Some(TokenPosition { document, .. }) = places.first() else { continue };
            write(&mut self.bytes, document - last);
            last = *document;
            write(&mut self.bytes, small(places.len()));
            places.iter().fold(0, |before, place| {
                write(&mut self.bytes, place.position - before);
                place.position
            });
        }
    }

    /// In bytes.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len() + size_of_val(self.lengths.as_slice())
    }

    pub(crate) fn reading(&self) -> RunCursor<'_> {
        RunCursor { rest: &self.bytes, documents: 0 }
    }
}

/// A run being read from its beginning: each term, then its places.
pub(crate) struct RunCursor<'r> {
    rest: &'r [u8],
    /// How many have the term whose places come next.
    pub(crate) documents: u32,
}

impl<'r> RunCursor<'r> {
    pub(crate) fn term(&mut self) -> Option<&'r [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let length = self.number() as usize;
        let (term, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.documents = self.number();
        Some(term)
    }

    /// Calls back with each document that has the term, and the differences between its places there.
    pub(crate) fn places(&mut self, differences: &mut Vec<u32>, mut take: impl FnMut(u32, &[u32])) {
        let mut document = 0;
        for _ in 0..std::mem::take(&mut self.documents) {
            document += self.number();
            differences.clear();
            for _ in 0..self.number() {
                let difference = self.number();
                differences.push(difference);
            }
            take(document, differences);
        }
    }

    fn number(&mut self) -> u32 {
        let (mut number, mut shift) = (0, 0);
        while let Some((byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            number |= u32::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                break;
            }
            shift += 7;
        }
        number
    }
}

/// Seven bits a byte, the least first (LEB128).
fn write(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// No text is so long that its words could not be counted so.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_size_are_read_as_they_were_written() {
        let numbers = [0, 1, 127, 128, 129, 16_383, 16_384, 5_000_000, u32::MAX];
        let mut bytes = Vec::new();
        for number in numbers {
            write(&mut bytes, number);
        }
        let mut reading = RunCursor { rest: &bytes, documents: 0 };
        for number in numbers {
            assert_eq!(reading.number(), number);
        }
        assert!(reading.rest.is_empty());
    }
}
