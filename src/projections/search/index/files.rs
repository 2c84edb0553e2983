//! The index on disk: add, replace, commit, merge.
//!
//! [`IndexFiles::replace`] changes the texts of insights, [`IndexFiles::commit`] makes all changes so far durable and searchable together
//! with their position in the log. A crash between two commits loses neither: the log is applied again from the position.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use tantivy::index::SegmentId;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy, NoMergePolicy};
use tantivy::schema::{IndexRecordOption, Term};
use tantivy::{DocSet as _, Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, SegmentReader, TERMINATED};
use uuid::Uuid;

use crate::projections::search::index::document;
use crate::projections::search::index::document::DocumentBatch;
use crate::projections::search::index::folder;
use crate::projections::search::index::folder::IndexPosition;
use crate::projections::search::index::schema;
use crate::projections::search::index::schema::IndexFields;
use crate::projections::search::index::segment_writer::SegmentWriter;

/// The size at which a segment is written. A rebuild uses more, which makes fewer and larger segments.
const SEGMENT_BYTES: usize = 30_000_000;
const REBUILD_SEGMENT_BYTES: usize = 60_000_000;
/// Merges a segment early when this much of it is deleted: an editorial index is updated often.
const MAX_DELETED_RATIO: f32 = 0.3;
/// Segments of a size that are merged into one. Low, because each segment costs every query.
const MERGE_FACTOR: usize = 4;
/// During bulk changes merging would take a quarter of the processor: most of it is deferred.
const BULK_MERGE_FACTOR: usize = 16;
/// Changes in one commit that count as bulk.
const MIN_BULK_CHANGES: usize = 500;

pub(crate) struct IndexFiles {
    pub(crate) fields: IndexFields,
    /// The segment that is being filled, and the size at which it is written.
    segment: Option<SegmentWriter>,
    segment_bytes: usize,
    writer: IndexWriter,
    reader: IndexReader,
    /// The position of the last commit, if it deferred merges.
    deferred_merges: Option<IndexPosition>,
    /// The generation of each insight that was replaced since the last commit.
    uncommitted: HashMap<Uuid, u64>,
    /// Only one process at a time uses the folder.
    _lock: File,
}

impl IndexFiles {
    /// Opens the valid index in the folder, if there is one, and removes everything else.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Option<(Self, IndexPosition)>> {
        let lock = folder::lock(folder)?;
        let Some((index, position)) = folder::open_valid_build(folder)? else { return Ok(None) };
        Ok(Some((Self::new(&index, lock, SEGMENT_BYTES)?, position)))
    }

    /// Replaces whatever is in the folder by a new, empty index. Fill it, commit it, then call [`IndexFiles::merge_all`].
    pub(crate) fn create(folder: &Path) -> anyhow::Result<Self> {
        let lock = folder::lock(folder)?;
        let files = Self::new(&folder::create_build(folder)?, lock, REBUILD_SEGMENT_BYTES)?;
        // `merge_all` merges every segment at the end, and fails if another merge is using one of them.
        files.writer.set_merge_policy(Box::new(NoMergePolicy));
        Ok(files)
    }

    fn new(index: &Index, lock: File, segment_bytes: usize) -> anyhow::Result<Self> {
        let (_, fields) = schema::schema();
        // Tantivy's indexing thread stays idle: `SegmentWriter` writes the segments.
        let options = IndexWriterOptions::builder().num_worker_threads(1).num_merge_threads(1).build();
        let writer = index.writer_with_options(options)?;
        writer.set_merge_policy(Box::new(merge_policy(MERGE_FACTOR)));
        // A commit that was interrupted leaves files whose names a repetition of the commit needs.
        writer.garbage_collect_files().wait()?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let uncommitted = HashMap::new();
        Ok(Self { fields, segment: None, segment_bytes, writer, reader, deferred_merges: None, uncommitted, _lock: lock })
    }

    /// Replaces the texts of some insights. An insight without a text in the batch is deleted.
    pub(crate) fn replace(&mut self, insights: &[Uuid], batch: DocumentBatch) -> anyhow::Result<()> {
        let searcher = self.searcher();
        for insight in insights {
            let old_generations = match self.uncommitted.get(insight).copied() {
                Some(generation) => {
                    // A deletion has no effect on a segment that is still being filled.
                    self.finish_segment()?;
                    vec![generation]
                }
                None => self.live_generations(&searcher, *insight)?,
            };
            for generation in &old_generations {
                let key = document::delete_key(*insight, *generation);
                self.writer.delete_term(Term::from_field_bytes(self.fields.delete_key, &key));
            }
            let generation = old_generations.into_iter().max().map_or(0, |newest| newest + 1);
            self.uncommitted.insert(*insight, generation);
        }
        self.add(batch)
    }

    /// The generations of an insight whose texts are in the index.
    fn live_generations(&self, searcher: &Searcher, insight: Uuid) -> anyhow::Result<Vec<u64>> {
        let [first, last] = [0, u64::MAX].map(|generation| document::delete_key(insight, generation));
        let mut generations = Vec::new();
        for reader in searcher.segment_readers() {
            let index = reader.inverted_index(self.fields.delete_key)?;
            let mut keys = index.terms().range().ge(&first).le(&last).into_stream()?;
            while keys.advance() {
                let mut texts = index.read_postings_from_terminfo(keys.value(), IndexRecordOption::Basic)?;
                while texts.doc() != TERMINATED && reader.is_deleted(texts.doc()) {
                    texts.advance();
                }
                if texts.doc() != TERMINATED {
                    generations.push(document::generation_of(keys.key()));
                }
            }
        }
        Ok(generations)
    }

    /// Adds texts of insights that are not in the index.
    pub(crate) fn add(&mut self, batch: DocumentBatch) -> anyhow::Result<()> {
        if batch.texts.is_empty() {
            return Ok(());
        }
        let mut segment = self.segment.take().map_or_else(|| SegmentWriter::new(&self.writer, self.fields), Ok)?;
        let generations = &self.uncommitted;
        segment.add(batch, |insight| document::delete_key(insight, generations.get(&insight).copied().unwrap_or_default()))?;
        let is_full = segment.byte_size() >= self.segment_bytes;
        self.segment = Some(segment);
        if is_full {
            self.finish_segment()?;
        }
        Ok(())
    }

    fn finish_segment(&mut self) -> tantivy::Result<()> {
        self.segment.take().map_or(Ok(()), |segment| segment.finish(&self.writer))
    }

    /// Makes all changes so far durable and searchable, together with their position in the log.
    pub(crate) fn commit(&mut self, position: IndexPosition, changes: usize) -> anyhow::Result<()> {
        let is_bulk = changes >= MIN_BULK_CHANGES;
        if is_bulk != self.deferred_merges.is_some() {
            self.writer.set_merge_policy(Box::new(merge_policy(if is_bulk { BULK_MERGE_FACTOR } else { MERGE_FACTOR })));
        }
        self.deferred_merges = is_bulk.then_some(position);
        self.finish_segment()?;
        let mut prepared = self.writer.prepare_commit()?;
        prepared.set_payload(&serde_json::to_string(&position)?);
        prepared.commit()?;
        self.uncommitted.clear();
        Ok(self.reader.reload()?)
    }

    /// Starts deferred merges, and picks up finished ones. Returns whether the searcher has changed.
    pub(crate) fn merge_deferred(&mut self) -> anyhow::Result<bool> {
        if let Some(position) = self.deferred_merges {
            self.commit(position, 0)?;
        }
        let mut on_disk = self.writer.index().searchable_segment_ids()?;
        let mut loaded: Vec<SegmentId> = self.searcher().segment_readers().iter().map(SegmentReader::segment_id).collect();
        on_disk.sort();
        loaded.sort();
        if on_disk == loaded {
            return Ok(false);
        }
        self.reader.reload()?;
        Ok(true)
    }

    /// Merges all committed segments into one: each segment costs every query.
    pub(crate) fn merge_all(&mut self) -> anyhow::Result<()> {
        let segments = self.writer.index().searchable_segment_ids()?;
        if segments.len() > 1 {
            self.writer.merge(&segments).wait()?;
        }
        Ok(self.reader.reload()?)
    }

    pub(crate) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    /// Insight, revision and pointer version of every committed text.
    pub(crate) fn revisions(&self) -> anyhow::Result<Vec<(Uuid, i64, i64)>> {
        let mut revisions = Vec::new();
        for reader in self.searcher().segment_readers() {
            let fast = reader.fast_fields();
            let columns = [fast.u64("id_high")?, fast.u64("id_low")?, fast.u64("revision")?, fast.u64("pointer_version")?];
            for doc in reader.doc_ids_alive() {
                let [high, low, revision, pointer_version] = [0, 1, 2, 3].map(|at: usize| columns[at].first(doc).unwrap_or(0));
                revisions.push((Uuid::from_u64_pair(high, low), i64::try_from(revision)?, i64::try_from(pointer_version)?));
            }
        }
        revisions.sort_unstable();
        Ok(revisions)
    }
}

fn merge_policy(factor: usize) -> LogMergePolicy {
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(factor);
    policy.set_min_layer_size(2_000);
    policy.set_del_docs_ratio_before_merge(MAX_DELETED_RATIO);
    policy
}

#[cfg(test)]
mod tests {
    use tantivy::TantivyDocument;

    use super::*;
    use crate::domain::change::Sequence;
    use crate::projections::search::analysis::language::Language;
    use crate::projections::search::index::document::IndexedText;
    use crate::projections::search::index::inverter::{InvertedFields, Inverter};

    fn batch(files: &IndexFiles, insight_id: Uuid, revision: u64) -> DocumentBatch {
        let mut columns = TantivyDocument::default();
        let (high, low) = document::id_columns(insight_id);
        let IndexFields { id_high, id_low, revision: revision_field, pointer_version, .. } = files.fields;
        for (field, value) in [(id_high, high), (id_low, low), (revision_field, revision), (pointer_version, 1)] {
            columns.add_u64(field, value);
        }
        DocumentBatch { texts: vec![IndexedText { insight_id, columns }], inverted: InvertedFields::default() }
    }

    #[test]
    fn replace_deletes_older_texts_in_every_kind_of_segment() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = IndexFiles::create(folder.path()).unwrap();
        let [a, b] = [1, 2].map(Uuid::from_u128);
        // The older text is in the segment being filled, in a written but uncommitted one, or in a committed one.
        for (revision, (commit, segment_bytes)) in (1..).zip([
            (false, SEGMENT_BYTES),
            (false, SEGMENT_BYTES),
            (false, 0),
            (false, SEGMENT_BYTES),
            (true, SEGMENT_BYTES),
            (false, 0),
        ]) {
            if commit {
                files.commit(IndexPosition::default(), 1).unwrap();
            }
            files.segment_bytes = segment_bytes;
            for insight in [a, b] {
                let batch = batch(&files, insight, revision);
                files.replace(&[insight], batch).unwrap();
            }
        }
        files.replace(&[b], DocumentBatch::default()).unwrap();
        files.commit(IndexPosition::default(), 1).unwrap();
        assert_eq!(files.revisions().unwrap(), [(a, 6, 1)]);
    }

    #[test]
    fn merge_all_leaves_one_segment() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = IndexFiles::create(folder.path()).unwrap();
        // After the last commit there are enough segments for Tantivy to start a merge by itself.
        for row_sequence in 1..=8 {
            for number in 0..400 {
                let words: Vec<String> = (0..60).map(|word| format!("word{row_sequence}x{number}x{word}")).collect();
                let (mut inverter, words) = (Inverter::default(), words.join(" "));
                let mut batch = inverter.start_batch(0);
                batch.add_text(Language::from_tag("en"), &words, 1);
                batch.end_document();
                let texts = vec![IndexedText { insight_id: Uuid::nil(), columns: TantivyDocument::default() }];
                files.add(DocumentBatch { texts, inverted: batch.into_sorted_runs() }).unwrap();
            }
            files.commit(IndexPosition::new(Sequence(row_sequence), 0), 0).unwrap();
        }
        files.merge_all().unwrap();
        assert_eq!(files.searcher().segment_readers().len(), 1);
        assert_eq!(files.searcher().num_docs(), 3_200);
    }
}
