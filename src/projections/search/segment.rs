//! The segment that texts are put into until the next commit.
//!
//! The engine's own indexing threads begin each segment with a table for half a million terms: to make and to walk it costs more than the few texts of
//! an ordinary commit, and no cache of a processor holds it. This one begins small and grows.

use tantivy::indexer::{AddOperation, SegmentWriter};
use tantivy::{IndexWriter, Segment, TantivyDocument};

/// A third of it is what the first table may take, in bytes: that of 4 096 terms.
const BUDGET: usize = 100_000;

pub(super) struct Filling {
    writer: SegmentWriter,
    segment: Segment,
}

impl Filling {
    pub(super) fn begin(index: &IndexWriter) -> tantivy::Result<Self> {
        let segment = index.new_segment();
        Ok(Self { writer: SegmentWriter::for_segment(BUDGET, segment.clone())?, segment })
    }

    pub(super) fn put(&mut self, document: TantivyDocument) -> tantivy::Result<()> {
        // Stamps tell which removals came later, among those that name a text. Here only later ones do.
        self.writer.add_document(AddOperation { opstamp: 0, document })
    }

    /// In bytes.
    pub(super) fn size(&self) -> usize {
        self.writer.mem_usage()
    }

    /// Hands the segment to the index, where it is found from the next commit on. What is removed from now on is removed from it too.
    pub(super) fn end(self, index: &IndexWriter) -> tantivy::Result<()> {
        let documents = self.writer.max_doc();
        self.writer.finalize()?;
        index.add_segment(self.segment.with_max_doc(documents).meta().clone())
    }
}
