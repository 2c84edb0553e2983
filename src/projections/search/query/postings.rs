//! Frequencies and positions of a term in a few documents.

use tantivy::postings::{Postings as _, SegmentPostings};
use tantivy::{DocId, DocSet as _, TERMINATED};

use crate::projections::search::reader::segment::TextField;

/// Calls `sink` with the index of each document that has the term, and the positions there. `docs` must be in ascending order.
pub(crate) fn for_each_positions(text: &TextField, term: &str, docs: &[DocId], mut sink: impl FnMut(usize, &[u32])) {
    let Some(postings) = text.postings_with_positions(term) else { return };
    let mut positions = Vec::new();
    for_each_common(postings, docs, |index, postings| {
        postings.positions(&mut positions);
        sink(index, &positions);
    });
}

/// Calls `sink` with the index of each document that has the term, and the term frequency. `docs` must be in ascending order.
pub(crate) fn for_each_term_freq(text: &TextField, term: &str, docs: &[DocId], mut sink: impl FnMut(usize, u32)) {
    let Some(postings) = text.postings_with_freqs(term) else { return };
    for_each_common(postings, docs, |index, postings| sink(index, postings.term_freq()));
}

fn for_each_common(mut postings: SegmentPostings, docs: &[DocId], mut sink: impl FnMut(usize, &mut SegmentPostings)) {
    for (index, doc) in docs.iter().enumerate() {
        if postings.doc() < *doc && postings.seek(*doc) == TERMINATED {
            return;
        }
        if postings.doc() == *doc {
            sink(index, &mut postings);
        }
    }
}
