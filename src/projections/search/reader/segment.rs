//! One segment restricted to the documents of a view: postings, document frequencies, ids.

use std::sync::Arc;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::index::InvertedIndexReader;
use tantivy::postings::{BlockSegmentPostings, SegmentPostings};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, TERMINATED};
use uuid::Uuid;

use crate::projections::search::reader::doc_set::DocSet;
use crate::projections::search::reader::term::ScoredTerm;
use crate::projections::search::reader::visibility::{SegmentData, VisibleSet};

/// An inverted field of a segment with its field norms.
pub(crate) struct TextField {
    pub(crate) index: Arc<InvertedIndexReader>,
    pub(crate) norms: FieldNormReader,
    pub(super) field: Field,
}

/// One segment of a view.
pub(crate) struct Segment {
    pub(crate) stems: TextField,
    pub(crate) words: TextField,
    pub(crate) title: TextField,
    pub(crate) headings: TextField,
    pub(crate) max_doc: u32,
    pub(crate) data: Arc<SegmentData>,
    pub(crate) visible: Arc<VisibleSet>,
    /// The view contains every document of the segment, so the dictionary's document frequencies are right.
    pub(super) all_visible: bool,
}

/// Postings of a term, read window by window.
pub(crate) struct PostingsCursor<'s> {
    block: BlockSegmentPostings,
    /// The next posting of the block.
    offset: usize,
    /// Documents that are not in this set are skipped.
    filter: Option<&'s DocSet>,
}

impl Segment {
    /// The number of documents of the view that have the term.
    pub(crate) fn doc_freq(&self, text: &TextField, term: &str) -> u32 {
        if self.all_visible {
            return text.index.doc_freq(&text.term(term)).unwrap_or(0);
        }
        let mut count = 0;
        self.for_each_posting(text, term, |_, _| count += 1);
        count
    }

    /// As [`Segment::doc_freq`], for a term whose document frequency in the dictionary has been read already.
    pub(crate) fn doc_freq_or_indexed(&self, text: &TextField, term: &str, indexed: u32) -> u32 {
        if self.all_visible { indexed } else { self.doc_freq(text, term) }
    }

    /// Calls `sink` with each document of the view that has the term, and the term frequency.
    pub(crate) fn for_each_posting(&self, text: &TextField, term: &str, mut sink: impl FnMut(DocId, u32)) {
        if let Some(mut cursor) = self.postings_cursor(text, term) {
            cursor.read_until(TERMINATED, &mut sink);
        }
    }

    pub(crate) fn postings_cursor(&self, text: &TextField, term: &str) -> Option<PostingsCursor<'_>> {
        let block = text.block_postings(term).ok().flatten()?;
        Some(PostingsCursor { block, offset: 0, filter: (!self.all_visible).then_some(&self.visible.docs) })
    }

    /// Inserts the documents of the view that have the term.
    pub(crate) fn insert_docs(&self, text: &TextField, term: &str, docs: &mut DocSet) {
        self.for_each_posting(text, term, |doc, _| {
            docs.insert(doc);
        });
    }

    /// The field that a query term matches.
    pub(crate) fn field_of(&self, term: &ScoredTerm) -> &TextField {
        if term.exact { &self.words } else { &self.stems }
    }

    pub(crate) fn id(&self, doc: DocId) -> Uuid {
        self.data.columns.id(doc)
    }
}

impl PostingsCursor<'_> {
    /// Calls `sink` with each remaining document before `end`, and the term frequency.
    pub(crate) fn read_until(&mut self, end: DocId, mut sink: impl FnMut(DocId, u32)) {
        loop {
            let (docs, freqs) = (self.block.docs(), self.block.freqs());
            let stop = docs.partition_point(|doc| *doc < end);
            // Title and headings are indexed without frequencies: a match is a match.
            for (index, doc) in docs.iter().enumerate().take(stop).skip(self.offset) {
                if self.filter.is_none_or(|filter| filter.contains(*doc)) {
                    sink(*doc, freqs.get(index).copied().unwrap_or(1));
                }
            }
            self.offset = stop;
            if docs.is_empty() || stop < docs.len() {
                return;
            }
            self.block.advance();
            self.offset = 0;
        }
    }
}

impl TextField {
    fn term(&self, text: &str) -> tantivy::Term {
        tantivy::Term::from_field_text(self.field, text)
    }

    fn block_postings(&self, term: &str) -> std::io::Result<Option<BlockSegmentPostings>> {
        self.index.read_block_postings(&self.term(term), IndexRecordOption::WithFreqs)
    }

    pub(crate) fn postings_with_freqs(&self, term: &str) -> Option<SegmentPostings> {
        self.index.read_postings(&self.term(term), IndexRecordOption::WithFreqs).ok().flatten()
    }

    pub(crate) fn postings_with_positions(&self, term: &str) -> Option<SegmentPostings> {
        self.index.read_postings(&self.term(term), IndexRecordOption::WithFreqsAndPositions).ok().flatten()
    }
}
