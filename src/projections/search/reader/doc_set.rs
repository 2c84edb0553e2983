//! A set of documents of one segment: a bitset with operations on windows of it, which neither `tantivy::BitSet` nor `fixedbitset` has.

use tantivy::{BitSet, DocId};

#[derive(Clone, Debug, Default)]
pub(crate) struct DocSet(Vec<u64>);

impl DocSet {
    /// An empty set for documents below `max_doc`.
    pub(crate) fn empty(max_doc: u32) -> Self {
        Self(vec![0; max_doc as usize / 64 + 1])
    }

    /// Makes the set empty, for documents below `max_doc`.
    pub(crate) fn reset(&mut self, max_doc: u32) {
        self.0.clear();
        self.0.resize(max_doc as usize / 64 + 1, 0);
    }

    pub(crate) fn contains(&self, doc: DocId) -> bool {
        self.0.get(doc as usize / 64).is_some_and(|word| word >> (doc % 64) & 1 == 1)
    }

    /// Returns whether the document is new in the set.
    pub(crate) fn insert(&mut self, doc: DocId) -> bool {
        let Some(word) = self.0.get_mut(doc as usize / 64) else { return false };
        let bit = 1 << (doc % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Returns whether the document was in the set.
    pub(crate) fn remove(&mut self, doc: DocId) -> bool {
        let was_present = self.contains(doc);
        if was_present {
            self.0[doc as usize / 64] &= !(1 << (doc % 64));
        }
        was_present
    }

    pub(crate) fn union_with(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    pub(crate) fn intersect_with(&mut self, other: &Self) {
        self.intersect_window(0, other);
    }

    /// Intersects a window whose first document is `first`, a multiple of 64, with a set of the whole segment.
    pub(crate) fn intersect_window(&mut self, first: DocId, segment: &Self) {
        for (word, other) in self.0.iter_mut().zip(segment.words_from(first)) {
            *word &= other;
        }
    }

    /// Removes a set of the whole segment from a window whose first document is `first`, a multiple of 64.
    pub(crate) fn subtract_window(&mut self, first: DocId, segment: &Self) {
        for (word, other) in self.0.iter_mut().zip(segment.words_from(first)) {
            *word &= !other;
        }
    }

    /// The documents that are not in a bitset of Tantivy.
    pub(crate) fn difference(&self, other: &BitSet) -> Self {
        let words = (0_u32..).step_by(64).zip(&self.0);
        let other_word =
            |first: DocId| if first < other.max_value() { u64::from_le_bytes(other.tinyset(first / 64).into_bytes()) } else { 0 };
        Self(words.map(|(first, word)| word & !other_word(first)).collect())
    }

    fn words_from(&self, first: DocId) -> &[u64] {
        self.0.get(first as usize / 64..).unwrap_or_default()
    }

    /// In ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = DocId> + '_ {
        self.iter_range(0, DocId::MAX)
    }

    /// The documents from `first`, a multiple of 64, to before `end`, in ascending order.
    pub(crate) fn iter_range(&self, first: DocId, end: DocId) -> impl Iterator<Item = DocId> + '_ {
        let words = (end - first).div_ceil(64) as usize;
        (first..).step_by(64).zip(self.words_from(first).iter().take(words)).flat_map(|(base, word)| {
            std::iter::successors(Some(*word), |rest| Some(rest & rest.wrapping_sub(1)))
                .take_while(|rest| *rest != 0)
                .map(move |rest| base + rest.trailing_zeros())
        })
    }
}
