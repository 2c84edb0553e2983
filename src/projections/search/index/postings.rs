//! The in-memory inverted index of a batch of documents, and the sorted run that it becomes.
//!
//! A segment is written by merging its runs, reading each once from the start. Tantivy instead looks up every token in one hash table of
//! all terms of a segment, which costs several cache misses for each term of each text.

use std::borrow::Cow;

use foldhash::HashMap as FastMap;
use foldhash::fast::RandomState;

/// The distance between the positions of two texts of a field, so that no phrase matches across their boundary.
const POSITION_GAP: u32 = 1;

/// The in-memory inverted index of one field. Terms get ids in the order in which they occur.
pub(crate) struct InvertedField<'t> {
    term_ids: FastMap<Cow<'t, str>, u32>,
    tokens: Vec<TermOccurrence>,
    /// The number of tokens of each finished document.
    lengths: Vec<u32>,
    /// The number of tokens of all finished documents.
    finished_tokens: usize,
    /// The positions at which the current text starts and ends.
    start: u32,
    end: u32,
}

#[derive(Clone, Copy, Default)]
struct TermOccurrence {
    term_id: u32,
    at: TokenPosition,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct TokenPosition {
    document: u32,
    position: u32,
}

impl<'t> InvertedField<'t> {
    pub(crate) fn with_capacity(terms: usize) -> Self {
        let term_ids = FastMap::with_capacity_and_hasher(terms, RandomState::default());
        Self { term_ids, tokens: Vec::new(), lengths: Vec::new(), finished_tokens: 0, start: 0, end: 0 }
    }

    pub(crate) fn term_id(&self, term: &str) -> Option<u32> {
        self.term_ids.get(term).copied()
    }

    /// The id of a term, which gets the next one if it is new.
    pub(crate) fn intern(&mut self, term: Cow<'t, str>) -> u32 {
        let next = saturating_u32(self.term_ids.len());
        *self.term_ids.entry(term).or_insert(next)
    }

    /// Adds a token of the current text.
    pub(crate) fn add_token(&mut self, term_id: u32, position: usize) {
        let position = self.start.saturating_add(saturating_u32(position));
        self.end = self.end.max(position.saturating_add(1));
        let document = saturating_u32(self.lengths.len());
        self.tokens.push(TermOccurrence { term_id, at: TokenPosition { document, position } });
    }

    pub(crate) fn end_text(&mut self) {
        self.start = self.end.saturating_add(POSITION_GAP);
        self.end = self.start;
    }

    pub(crate) fn end_document(&mut self) {
        self.lengths.push(saturating_u32(self.tokens.len() - self.finished_tokens));
        self.finished_tokens = self.tokens.len();
        (self.start, self.end) = (0, 0);
    }

    pub(crate) fn into_sorted_run(self) -> SortedRun {
        let mut postings = self.group_by_term();
        let mut terms: Vec<(&str, u32)> = self.term_ids.iter().map(|(term, id)| (&**term, *id)).collect();
        terms.sort_unstable();
        let mut run = SortedRun { bytes: Vec::with_capacity(12 * terms.len() + 2 * self.tokens.len()), lengths: self.lengths };
        for (term, id) in terms {
            let positions = postings.sorted_positions(id);
            if !positions.is_empty() {
                run.push_term(term, positions);
            }
        }
        run
    }

    /// Counting sort of the tokens by term id.
    fn group_by_term(&self) -> GroupedPositions {
        let mut ends = vec![0; self.term_ids.len()];
        for token in &self.tokens {
            ends[token.term_id as usize] += 1;
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += std::mem::replace(end, sum);
        }
        // Each entry starts as the beginning of its group, and becomes the end while the group is filled.
        let mut positions = vec![TokenPosition::default(); self.tokens.len()];
        for token in &self.tokens {
            let end = &mut ends[token.term_id as usize];
            positions[*end] = token.at;
            *end += 1;
        }
        GroupedPositions { positions, ends }
    }
}

/// The positions of all terms, grouped by term id.
struct GroupedPositions {
    positions: Vec<TokenPosition>,
    ends: Vec<usize>,
}

impl GroupedPositions {
    /// The positions of one term, in ascending order.
    fn sorted_positions(&mut self, term_id: u32) -> &[TokenPosition] {
        let index = term_id as usize;
        let start = index.checked_sub(1).map_or(0, |previous| self.ends[previous]);
        let positions = &mut self.positions[start..self.ends[index]];
        // The tokenizer emits a compound after its words, but with the position of the first one.
        if !positions.is_sorted() {
            positions.sort_unstable();
        }
        positions
    }
}

/// The terms of one field of a batch in ascending order, each with its postings.
#[derive(Default)]
pub(crate) struct SortedRun {
    /// For each term: its length, its bytes, its document frequency; and for each of its documents the delta of the document id, the term
    /// frequency, and the deltas of the positions. All numbers are varints.
    bytes: Vec<u8>,
    /// The number of tokens of each document.
    pub(crate) lengths: Vec<u32>,
}

impl SortedRun {
    fn push_term(&mut self, term: &str, positions: &[TokenPosition]) {
        write_varint(&mut self.bytes, saturating_u32(term.len()));
        self.bytes.extend_from_slice(term.as_bytes());
        let documents = || positions.chunk_by(|a, b| a.document == b.document);
        write_varint(&mut self.bytes, saturating_u32(documents().count()));
        let mut previous = 0;
        for positions in documents() {
            let Some(TokenPosition { document, .. }) = positions.first() else { continue };
            write_varint(&mut self.bytes, document - previous);
            previous = *document;
            write_varint(&mut self.bytes, saturating_u32(positions.len()));
            positions.iter().fold(0, |previous, at| {
                write_varint(&mut self.bytes, at.position - previous);
                at.position
            });
        }
    }

    pub(crate) fn byte_size(&self) -> usize {
        self.bytes.len() + size_of_val(self.lengths.as_slice())
    }

    pub(crate) fn cursor(&self) -> RunCursor<'_> {
        RunCursor { rest: &self.bytes, doc_freq: 0 }
    }
}

/// Reads a run from its start: [`RunCursor::next_term`], then [`RunCursor::read_postings`], for each term.
pub(crate) struct RunCursor<'r> {
    rest: &'r [u8],
    /// The document frequency of the term whose postings come next.
    pub(crate) doc_freq: u32,
}

impl<'r> RunCursor<'r> {
    pub(crate) fn next_term(&mut self) -> Option<&'r [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let length = self.read_varint() as usize;
        let (term, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.doc_freq = self.read_varint();
        Some(term)
    }

    /// Calls `sink` with each document of the term and the deltas of its positions there.
    pub(crate) fn read_postings(&mut self, buffer: &mut Vec<u32>, mut sink: impl FnMut(u32, &[u32])) {
        let mut document = 0;
        for _ in 0..std::mem::take(&mut self.doc_freq) {
            document += self.read_varint();
            buffer.clear();
            for _ in 0..self.read_varint() {
                let delta = self.read_varint();
                buffer.push(delta);
            }
            sink(document, buffer);
        }
    }

    fn read_varint(&mut self) -> u32 {
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

/// LEB128: seven bits a byte, least significant first.
fn write_varint(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// Lengths and positions of a text fit: its size is limited far below 4 GiB.
fn saturating_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_of_any_size_round_trip() {
        let numbers = [0, 1, 127, 128, 129, 16_383, 16_384, 5_000_000, u32::MAX];
        let mut bytes = Vec::new();
        for number in numbers {
            write_varint(&mut bytes, number);
        }
        let mut cursor = RunCursor { rest: &bytes, doc_freq: 0 };
        for number in numbers {
            assert_eq!(cursor.read_varint(), number);
        }
        assert!(cursor.rest.is_empty());
    }
}
