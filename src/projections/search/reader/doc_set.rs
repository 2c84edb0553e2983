//! A set of documents of one segment.

use tantivy::{BitSet, DocId};

#[derive(Clone, Debug, Default)]
pub(crate) struct DocSet(Vec<u64>);

impl DocSet {
    pub(crate) fn none(size: u32) -> Self {
        Self(vec![0; size as usize / 64 + 1])
    }

    pub(crate) fn clear(&mut self, size: u32) {
        self.0.clear();
        self.0.resize(size as usize / 64 + 1, 0);
    }

    pub(crate) fn has(&self, doc: DocId) -> bool {
        self.0.get(doc as usize / 64).is_some_and(|word| word >> (doc % 64) & 1 == 1)
    }

    /// Puts a document in; answers whether it was not there.
    pub(crate) fn insert(&mut self, doc: DocId) -> bool {
        let Some(word) = self.0.get_mut(doc as usize / 64) else { return false };
        let bit = 1 << (doc % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// Takes a document out; answers whether it was there.
    pub(crate) fn take_out(&mut self, doc: DocId) -> bool {
        let there = self.has(doc);
        if there {
            self.0[doc as usize / 64] &= !(1 << (doc % 64));
        }
        there
    }

    pub(crate) fn put_all(&mut self, other: &Self) {
        for (mine, other) in self.0.iter_mut().zip(&other.0) {
            *mine |= other;
        }
    }

    /// Those that the engine's set of all documents lacks.
    pub(crate) fn lacking_in(&self, engines: &BitSet) -> Self {
        let words = (0_u32..).step_by(64).zip(&self.0);
        let engines =
            |first: DocId| if first < engines.max_value() { u64::from_le_bytes(engines.tinyset(first / 64).into_bytes()) } else { 0 };
        Self(words.map(|(first, word)| word & !engines(first)).collect())
    }

    pub(crate) fn keep(&mut self, other: &Self) {
        self.keep_from(0, other);
    }

    /// Of a set that begins at a document, which 64 divides: keeps what is in the other, which begins at the first.
    pub(crate) fn keep_from(&mut self, first: DocId, other: &Self) {
        for (mine, other) in self.0.iter_mut().zip(other.from(first)) {
            *mine &= other;
        }
    }

    /// The same, but removes what is in the other.
    pub(crate) fn remove_from(&mut self, first: DocId, other: &Self) {
        for (mine, other) in self.0.iter_mut().zip(other.from(first)) {
            *mine &= !other;
        }
    }

    fn from(&self, first: DocId) -> &[u64] {
        self.0.get(first as usize / 64..).unwrap_or_default()
    }

    /// In rising order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = DocId> + '_ {
        self.between(0, DocId::MAX)
    }

    /// Those from one document, which 64 divides, to before another.
    pub(crate) fn between(&self, first: DocId, end: DocId) -> impl Iterator<Item = DocId> + '_ {
        let words = (end - first).div_ceil(64) as usize;
        (first..).step_by(64).zip(self.from(first).iter().take(words)).flat_map(|(base, word)| {
            std::iter::successors(Some(*word), |rest| Some(rest & rest.wrapping_sub(1)))
                .take_while(|rest| *rest != 0)
                .map(move |rest| base + rest.trailing_zeros())
        })
    }
}
