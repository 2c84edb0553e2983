//! The segment that texts are put into until the next commit, and how it gets to the disk.
//!
//! The engine's own indexing threads look every token up in a table of all terms, and begin each segment with one for half a million. Here the runs of
//! the texts that came in together are kept, and put together when the segment ends.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use tantivy::directory::TerminatingWrite as _;
use tantivy::fastfield::FastFieldsWriter;
use tantivy::fieldnorm::{FieldNormReaders, FieldNormsSerializer, FieldNormsWriter};
use tantivy::index::SegmentComponent;
use tantivy::postings::{FieldSerializer, InvertedIndexSerializer};
use tantivy::store::StoreWriter;
use tantivy::{DocId, IndexWriter, Segment, TantivyDocument};

use crate::projections::search::index::document::DocumentBatch;
use crate::projections::search::index::inverter::InvertedFields;
use crate::projections::search::index::postings::{RunCursor, SortedRun};
use crate::projections::search::index::schema::IndexFields;

pub(crate) struct SegmentWriter {
    segment: Segment,
    fields: IndexFields,
    columns: FastFieldsWriter,
    /// What each document is removed by.
    names: Vec<(Vec<u8>, DocId)>,
    /// Of the documents from a number on.
    cuts: Vec<(DocId, InvertedFields)>,
    documents: DocId,
    bytes: usize,
}

impl SegmentWriter {
    pub(crate) fn begin(index: &IndexWriter, fields: IndexFields) -> tantivy::Result<Self> {
        let segment = index.new_segment();
        let tokenizers = segment.index().fast_field_tokenizer().clone();
        let columns = FastFieldsWriter::from_schema_and_tokenizer_manager(&segment.schema(), tokenizers)?;
        Ok(Self { segment, fields, columns, names: Vec::new(), cuts: Vec::new(), documents: 0, bytes: 0 })
    }

    /// Each text with what it is removed by.
    pub(crate) fn put(&mut self, DocumentBatch { texts, cut }: DocumentBatch, name: impl Fn(uuid::Uuid) -> Vec<u8>) -> tantivy::Result<()> {
        self.bytes += cut.iter().map(SortedRun::size).sum::<usize>();
        self.cuts.push((self.documents, cut));
        for text in texts {
            self.columns.add_document(&text.columns)?;
            self.names.push((name(text.insight), self.documents));
            self.documents += 1;
        }
        Ok(())
    }

    /// In bytes.
    pub(crate) fn size(&self) -> usize {
        self.bytes + self.columns.mem_usage()
    }

    /// Hands the segment to the index, where it is found from the next commit on. What is removed from now on is removed from it too.
    pub(crate) fn end(mut self, index: &IndexWriter) -> tantivy::Result<()> {
        self.write_lengths()?;
        self.write_postings()?;
        let mut columns = self.segment.open_write(SegmentComponent::FastFields)?;
        self.columns.serialize(&mut columns, None)?;
        columns.terminate()?;
        self.write_store()?;
        index.add_segment(self.segment.with_max_doc(self.documents).meta().clone())
    }

    /// How many tokens each document has, for ranking.
    fn write_lengths(&self) -> tantivy::Result<()> {
        let mut lengths = FieldNormsWriter::for_schema(&self.segment.schema());
        for (first, cut) in &self.cuts {
            for (field, run) in self.fields.of_words().into_iter().zip(cut) {
                for (document, length) in (*first..).zip(&run.lengths) {
                    lengths.record(document, field, *length);
                }
            }
        }
        for document in 0..self.documents {
            lengths.record(document, self.fields.insight, 1);
        }
        lengths.fill_up_to_max_doc(self.documents);
        let file = self.segment.open_write(SegmentComponent::FieldNorms)?;
        Ok(lengths.serialize(FieldNormsSerializer::from_write(file)?, None)?)
    }

    fn write_postings(&mut self) -> tantivy::Result<()> {
        let lengths = FieldNormReaders::open(self.segment.open_read(SegmentComponent::FieldNorms)?)?;
        let mut postings = InvertedIndexSerializer::open(&self.segment)?;
        self.names.sort_unstable();
        let insight = self.fields.insight;
        let mut field = postings.new_field(insight, self.names.len() as u64, lengths.get_field(insight)?)?;
        for texts in self.names.chunk_by(|(a, _), (b, _)| a == b) {
            let Some((name, _)) = texts.first() else { continue };
            field.new_term(name, 0, false)?;
            for (_, document) in texts {
                field.write_doc(*document, 0, &[]);
            }
            field.close_term()?;
        }
        field.close()?;
        for (place, of_words) in self.fields.of_words().into_iter().enumerate() {
            let runs: Vec<(DocId, &SortedRun)> = self.cuts.iter().map(|(first, cut)| (*first, &cut[place])).collect();
            let tokens = runs.iter().flat_map(|(_, run)| &run.lengths).map(|length| u64::from(*length)).sum();
            if tokens > 0 {
                let mut field = postings.new_field(of_words, tokens, lengths.get_field(of_words)?)?;
                write_field(&mut field, &runs)?;
                field.close()?;
            }
        }
        Ok(postings.close()?)
    }

    /// Nothing is stored, but the engine looks for it.
    fn write_store(&self) -> tantivy::Result<()> {
        let settings = self.segment.index().settings();
        let file = self.segment.open_write(SegmentComponent::Store)?;
        let mut store = StoreWriter::new(file, settings.docstore_compression, settings.docstore_blocksize, false)?;
        let (schema, nothing) = (self.segment.schema(), TantivyDocument::default());
        for _ in 0..self.documents {
            store.store(&nothing, &schema)?;
        }
        Ok(store.close()?)
    }
}

/// Puts the runs of a field together: each term once, with its documents in ascending order.
fn write_field(field: &mut FieldSerializer<'_>, runs: &[(DocId, &SortedRun)]) -> tantivy::Result<()> {
    let mut readings: Vec<(DocId, RunCursor<'_>)> = runs.iter().map(|(first, run)| (*first, run.reading())).collect();
    let mut next: BinaryHeap<Reverse<(&[u8], usize)>> =
        readings.iter_mut().enumerate().filter_map(|(at, (_, reading))| Some(Reverse((reading.term()?, at)))).collect();
    let (mut with_it, mut differences) = (Vec::new(), Vec::new());
    while let Some(Reverse((term, at))) = next.pop() {
        with_it.clear();
        with_it.push(at);
        while let Some(other) = next.peek_mut().filter(|other| other.0.0 == term) {
            with_it.push(PeekMut::pop(other).0.1);
        }
        field.new_term(term, with_it.iter().map(|at| readings[*at].1.documents).sum(), true)?;
        for at in &with_it {
            let (first, reading) = &mut readings[*at];
            reading.places(&mut differences, |document, differences| {
                field.write_doc(*first + document, u32::try_from(differences.len()).unwrap_or(u32::MAX), differences);
            });
            next.extend(reading.term().map(|term| Reverse((term, *at))));
        }
        field.close_term()?;
    }
    Ok(())
}
