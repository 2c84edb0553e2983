//! Writes a segment from sorted runs.
//!
//! [`SegmentWriter::add`] collects batches in memory, [`SegmentWriter::finish`] merges their runs into one segment and hands it to Tantivy,
//! which publishes it with the next commit. Tantivy's own indexing threads hash every token of a segment into one table, and each segment
//! starts with a table for half a million terms; merging runs costs half the processor time. The segment has the same bytes as one that
//! Tantivy writes: a test below compares them.

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
    delete_keys: Vec<(Vec<u8>, DocId)>,
    /// The inverted fields of each batch, with the id of its first document.
    batches: Vec<(DocId, InvertedFields)>,
    doc_count: DocId,
    run_bytes: usize,
}

impl SegmentWriter {
    pub(crate) fn new(index: &IndexWriter, fields: IndexFields) -> tantivy::Result<Self> {
        let segment = index.new_segment();
        let tokenizers = segment.index().fast_field_tokenizer().clone();
        let columns = FastFieldsWriter::from_schema_and_tokenizer_manager(&segment.schema(), tokenizers)?;
        Ok(Self { segment, fields, columns, delete_keys: Vec::new(), batches: Vec::new(), doc_count: 0, run_bytes: 0 })
    }

    /// Adds a batch, each of its texts with the delete key of its insight.
    pub(crate) fn add(&mut self, batch: DocumentBatch, delete_key: impl Fn(uuid::Uuid) -> Vec<u8>) -> tantivy::Result<()> {
        let DocumentBatch { texts, inverted } = batch;
        self.run_bytes += inverted.iter().map(SortedRun::byte_size).sum::<usize>();
        self.batches.push((self.doc_count, inverted));
        for text in texts {
            self.columns.add_document(&text.columns)?;
            self.delete_keys.push((delete_key(text.insight_id), self.doc_count));
            self.doc_count += 1;
        }
        Ok(())
    }

    pub(crate) fn byte_size(&self) -> usize {
        self.run_bytes + self.columns.mem_usage()
    }

    /// Writes the segment and adds it to the index. Searches see it after the next commit; deletions from now on apply to it.
    pub(crate) fn finish(mut self, index: &IndexWriter) -> tantivy::Result<()> {
        self.write_field_norms()?;
        self.write_postings()?;
        let mut columns = self.segment.open_write(SegmentComponent::FastFields)?;
        self.columns.serialize(&mut columns, None)?;
        columns.terminate()?;
        self.write_store()?;
        index.add_segment(self.segment.with_max_doc(self.doc_count).meta().clone())
    }

    fn write_field_norms(&self) -> tantivy::Result<()> {
        let mut norms = FieldNormsWriter::for_schema(&self.segment.schema());
        for (first, inverted) in &self.batches {
            for (field, run) in self.fields.inverted().into_iter().zip(inverted) {
                for (document, length) in (*first..).zip(&run.lengths) {
                    norms.record(document, field, *length);
                }
            }
        }
        for document in 0..self.doc_count {
            norms.record(document, self.fields.delete_key, 1);
        }
        norms.fill_up_to_max_doc(self.doc_count);
        let file = self.segment.open_write(SegmentComponent::FieldNorms)?;
        Ok(norms.serialize(FieldNormsSerializer::from_write(file)?, None)?)
    }

    fn write_postings(&mut self) -> tantivy::Result<()> {
        let norms = FieldNormReaders::open(self.segment.open_read(SegmentComponent::FieldNorms)?)?;
        let mut postings = InvertedIndexSerializer::open(&self.segment)?;
        self.delete_keys.sort_unstable();
        let delete_key_field = self.fields.delete_key;
        let mut serializer = postings.new_field(delete_key_field, self.delete_keys.len() as u64, norms.get_field(delete_key_field)?)?;
        for texts in self.delete_keys.chunk_by(|(a, _), (b, _)| a == b) {
            let Some((delete_key, _)) = texts.first() else { continue };
            serializer.new_term(delete_key, 0, false)?;
            for (_, document) in texts {
                serializer.write_doc(*document, 0, &[]);
            }
            serializer.close_term()?;
        }
        serializer.close()?;
        for (index, field) in self.fields.inverted().into_iter().enumerate() {
            let runs: Vec<(DocId, &SortedRun)> = self.batches.iter().map(|(first, inverted)| (*first, &inverted[index])).collect();
            let tokens = runs.iter().flat_map(|(_, run)| &run.lengths).map(|length| u64::from(*length)).sum();
            if tokens > 0 {
                let mut serializer = postings.new_field(field, tokens, norms.get_field(field)?)?;
                merge_runs(&mut serializer, &runs)?;
                serializer.close()?;
            }
        }
        Ok(postings.close()?)
    }

    /// Nothing is stored, but Tantivy expects a store.
    fn write_store(&self) -> tantivy::Result<()> {
        let settings = self.segment.index().settings();
        let file = self.segment.open_write(SegmentComponent::Store)?;
        let mut store = StoreWriter::new(file, settings.docstore_compression, settings.docstore_blocksize, false)?;
        let (schema, empty) = (self.segment.schema(), TantivyDocument::default());
        for _ in 0..self.doc_count {
            store.store(&empty, &schema)?;
        }
        Ok(store.close()?)
    }
}

/// K-way merge of the runs of a field: each term once, with its documents in ascending order.
fn merge_runs(serializer: &mut FieldSerializer<'_>, runs: &[(DocId, &SortedRun)]) -> tantivy::Result<()> {
    let mut cursors: Vec<(DocId, RunCursor<'_>)> = runs.iter().map(|(first, run)| (*first, run.cursor())).collect();
    let mut next: BinaryHeap<Reverse<(&[u8], usize)>> =
        cursors.iter_mut().enumerate().filter_map(|(run, (_, cursor))| Some(Reverse((cursor.next_term()?, run)))).collect();
    let (mut runs_with_term, mut buffer) = (Vec::new(), Vec::new());
    while let Some(Reverse((term, run))) = next.pop() {
        runs_with_term.clear();
        runs_with_term.push(run);
        while let Some(other) = next.peek_mut().filter(|other| other.0.0 == term) {
            runs_with_term.push(PeekMut::pop(other).0.1);
        }
        serializer.new_term(term, runs_with_term.iter().map(|run| cursors[*run].1.doc_freq).sum(), true)?;
        for run in &runs_with_term {
            let (first, cursor) = &mut cursors[*run];
            cursor.read_postings(&mut buffer, |document, deltas| {
                serializer.write_doc(*first + document, u32::try_from(deltas.len()).unwrap_or(u32::MAX), deltas);
            });
            next.extend(cursor.next_term().map(|term| Reverse((term, *run))));
        }
        serializer.close_term()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tantivy::Index;
    use tantivy::schema::Field;
    use tantivy::tokenizer::PreTokenizedString;
    use uuid::Uuid;

    use super::*;
    use crate::domain::markdown::TocEntry;
    use crate::projections::search::analysis::language::Language;
    use crate::projections::search::analysis::tokenizer;
    use crate::projections::search::analysis::tokenizer::TokenKind;
    use crate::projections::search::index::document::{DocumentBuilder, delete_key};
    use crate::projections::search::index::schema;
    use crate::store::documents::{DocumentRow, DocumentRows, LinkRow};
    use crate::store::json_column::Json;

    const HEADINGS: [&str; 2] = ["What we saw", "Thread pools"];

    fn row(number: u32) -> DocumentRow {
        let (locale, title) = if number.is_multiple_of(3) { ("de", "Warteschlangen und Indizes") } else { ("en", "Queues and indexes") };
        DocumentRow {
            id: Uuid::from_u128(u128::from(number / 2)),
            revision: i64::from(number),
            pointer_version: 1,
            published_at: i64::from(number) * 1_000,
            unpublish_at: number.is_multiple_of(7).then_some(5_000_000),
            category_id: Uuid::from_u128(u128::from(number % 4)),
            reading_minutes: i64::from(number % 20),
            source_locale: "en".to_owned(),
            locales: Json(vec!["de".to_owned(), "en".to_owned()]),
            locale: locale.to_owned(),
            title: format!("{title} {number}"),
            excerpt: "An author's excerpt.".to_owned(),
            excerpt_source: "author".to_owned(),
            plain: format!("E{number:04} in `io_uring`, C++ and e-mail; {}", "workers waited for locks. ".repeat(number as usize % 5)),
            toc: Json(HEADINGS.map(|text| TocEntry { id: "h".to_owned(), level: 2, text: text.to_owned() }).into()),
        }
    }

    fn rows(numbers: std::ops::Range<u32>) -> DocumentRows {
        let texts: Vec<DocumentRow> = numbers.map(row).collect();
        let tags = texts.iter().step_by(2).map(|row| LinkRow { insight_id: row.id, term_id: Uuid::from_u128(row.id.as_u128() % 9) });
        DocumentRows { tags: tags.collect(), authors: Vec::new(), texts }
    }

    fn pre_tokenized(text: &str, keep: impl Fn(TokenKind) -> bool, term: impl Fn(&str) -> String) -> PreTokenizedString {
        let mut tokens: Vec<_> = tokenizer::tokens(text).into_iter().filter(|token| keep(token.kind)).collect();
        tokens.sort_by_key(|token| token.position);
        let tokens = tokens.into_iter().map(|token| tantivy::tokenizer::Token {
            text: term(&token.text),
            position: token.position,
            position_length: 1,
            ..tantivy::tokenizer::Token::default()
        });
        PreTokenizedString { text: text.to_owned(), tokens: tokens.collect() }
    }

    /// The document as Tantivy's own writer gets it.
    fn tantivy_document(fields: &IndexFields, row: &DocumentRow, columns: TantivyDocument) -> TantivyDocument {
        let language = Language::from_tag(&row.locale);
        let mut document = columns;
        document.add_bytes(fields.delete_key, &delete_key(row.id, 0));
        for (text, boost) in [(&row.title, 3), (&row.excerpt, 1), (&row.plain, 1)] {
            document.add_pre_tokenized_text(fields.words, pre_tokenized(text, |_| true, str::to_owned));
            for _ in 0..boost {
                let stem = |word: &str| language.stem(word).into_owned();
                document.add_pre_tokenized_text(fields.stems, pre_tokenized(text, |kind| kind != TokenKind::Compound, stem));
            }
        }
        let mut add_words = |field: Field, text: &str| {
            document.add_pre_tokenized_text(field, pre_tokenized(text, |kind| kind == TokenKind::Word, str::to_owned));
        };
        add_words(fields.title, &row.title);
        add_words(fields.headings, &row.title);
        for heading in HEADINGS {
            add_words(fields.headings, heading);
        }
        document
    }

    fn component(index: &Index, component: SegmentComponent) -> Vec<u8> {
        let segments = index.searchable_segments().unwrap();
        assert_eq!(segments.len(), 1);
        segments[0].open_read(component).unwrap().read_bytes().unwrap().as_slice().to_vec()
    }

    #[test]
    fn the_segment_has_the_same_bytes_as_one_that_tantivy_writes() {
        let (schema, fields) = schema::schema();
        let [ours, theirs] = [(); 2].map(|()| Index::create_in_ram(schema.clone()));
        let [mut our_writer, mut their_writer] =
            [&ours, &theirs].map(|index| index.writer_with_num_threads::<TantivyDocument>(1, 20_000_000).unwrap());
        let builder = DocumentBuilder::new();
        let mut segment = SegmentWriter::new(&our_writer, fields).unwrap();
        // More documents than a block of postings has, in several runs.
        for start in (0..600).step_by(150) {
            let rows = rows(start..start + 150);
            segment.add(builder.build(&rows), |id| delete_key(id, 0)).unwrap();
            for (row, text) in rows.texts.iter().zip(builder.build(&rows).texts) {
                their_writer.add_document(tantivy_document(&fields, row, text.columns)).unwrap();
            }
        }
        segment.finish(&our_writer).unwrap();
        our_writer.commit().unwrap();
        their_writer.commit().unwrap();
        for name in ["term", "idx", "pos", "fieldnorm", "fast"] {
            let part = SegmentComponent::try_from(name).unwrap();
            let (ours, theirs) = (component(&ours, part.clone()), component(&theirs, part));
            assert!(ours.len() > 100 && ours == theirs, "{name}: {} and {} bytes", ours.len(), theirs.len());
        }
    }
}
