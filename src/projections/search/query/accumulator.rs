//! Term-at-a-time accumulation of scores, window by window.

use tantivy::DocId;
use tantivy::fieldnorm::FieldNormReader;

use crate::projections::search::query::bm25::{SaturationTable, as_float};
use crate::projections::search::reader::doc_set::DocSet;
use crate::projections::search::reader::segment::PostingsCursor;

/// Documents whose scores are accumulated at a time: the buffers do not grow with the index, and fit the processor's cache.
/// A multiple of 64, and small where tests need several windows.
pub(crate) const WINDOW: u32 = if cfg!(test) { 128 } else { 1 << 16 };

/// Buffers that are reused between queries. Indexes are relative to the start of the window.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(super) scores: Vec<f32>,
    pub(super) matched: DocSet,
    /// The score that the current group has added to each document.
    best_in_group: Vec<f32>,
    matched_in_group: DocSet,
}

/// A term of a group with its postings.
pub(crate) struct TermScorer<'s> {
    pub(crate) weighted_idf: f32,
    pub(crate) saturation: &'s SaturationTable,
    pub(crate) norms: &'s FieldNormReader,
    pub(crate) postings: PostingsCursor<'s>,
}

impl Scratch {
    /// Starts a window of this many documents.
    pub(super) fn start_window(&mut self, size: u32) {
        self.matched.reset(size);
        self.scores.resize(self.scores.len().max(size as usize), 0.0);
    }

    /// Adds the score of a group's best term to each document of the window.
    pub(super) fn add_group(&mut self, terms: &mut [TermScorer<'_>], first: DocId, end: DocId) {
        let Self { scores, best_in_group, matched, matched_in_group } = self;
        let is_single = terms.len() == 1;
        if !is_single {
            matched_in_group.reset(end - first);
            best_in_group.resize(scores.len(), 0.0);
        }
        for TermScorer { weighted_idf, saturation, norms, postings } in terms {
            postings.read_until(end, |doc, term_freq| {
                let score = *weighted_idf * saturation.score(as_float(term_freq), norms.fieldnorm_id(doc));
                let doc = doc - first;
                let index = doc as usize;
                if matched.insert(doc) {
                    scores[index] = 0.0;
                }
                if is_single {
                    scores[index] += score;
                } else if matched_in_group.insert(doc) {
                    best_in_group[index] = score;
                    scores[index] += score;
                } else if score > best_in_group[index] {
                    scores[index] += score - best_in_group[index];
                    best_in_group[index] = score;
                }
            });
        }
    }

    /// Adds matches that have a score of zero unless a term adds to it.
    pub(super) fn add_matches(&mut self, docs: impl Iterator<Item = DocId>, first: DocId) {
        for doc in docs.map(|doc| doc - first) {
            if self.matched.insert(doc) {
                self.scores[doc as usize] = 0.0;
            }
        }
    }
}
