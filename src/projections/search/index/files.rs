//! The index on disk: opened only when every byte of it is sound and it belongs to this database, else made anew.
//!
//! Each build has a folder of its own below the search folder; a build that did not finish has no position and is thrown away. The position is
//! part of the engine's commit, so index and position cannot disagree.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tantivy::index::SegmentId;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy, NoMergePolicy};
use tantivy::schema::{IndexRecordOption, Term};
use tantivy::{DocSet as _, Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher, SegmentReader, TERMINATED};
use uuid::Uuid;

use crate::domain::change::Sequence;
use crate::projections::search::index::document;
use crate::projections::search::index::document::DocumentBatch;
use crate::projections::search::index::schema;
use crate::projections::search::index::schema::{IndexFields, VERSION};
use crate::projections::search::index::segment_writer::SegmentWriter;

/// The memory of a segment that is being filled. Rebuilding gets more, which makes fewer and larger ones.
const MEMORY: usize = 30_000_000;
const MEMORY_TO_BUILD: usize = 60_000_000;
/// Segments are few, because each costs every query; deleted documents are merged away early, because an editorial index is updated.
const DELETED_SHARE: f32 = 0.3;
/// So many of a size are put together.
const SEGMENTS: usize = 4;
/// While much comes in, merging would take a quarter of the processor: it is put off.
const SEGMENTS_IN_HASTE: usize = 16;
/// Changes that come in together and are much.
const MUCH: usize = 500;

/// How much of the log is in the index, and when that row was written, so that the log of another database is noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IndexPosition {
    pub(crate) sequence: Sequence,
    pub(crate) at: i64,
    version: u32,
}

impl IndexPosition {
    pub(crate) fn new(sequence: Sequence, at: i64) -> Self {
        Self { sequence, at, version: VERSION }
    }
}

pub(crate) struct IndexFiles {
    pub(crate) fields: IndexFields,
    /// What is put in next, and how large it may become.
    filling: Option<SegmentWriter>,
    memory: usize,
    writer: IndexWriter,
    reader: IndexReader,
    /// The position of a commit after which merging was put off.
    unmerged: Option<IndexPosition>,
    /// What was put in since the last commit, and under which number.
    fresh: HashMap<Uuid, u64>,
    /// Only one process at a time works on the folder.
    _lock: File,
}

impl IndexFiles {
    /// The sound index below the folder, if there is one; whatever else is there is removed.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Option<(Self, IndexPosition)>> {
        let lock = lock(folder)?;
        let mut found = None;
        for build in builds(folder)? {
            match usable(&build).filter(|_| found.is_none()) {
                Some(usable) => found = Some(usable),
                None => std::fs::remove_dir_all(&build).with_context(|| format!("cannot remove {}", build.display()))?,
            }
        }
        let Some((index, position)) = found else { return Ok(None) };
        Ok(Some((Self::of(&index, lock, MEMORY)?, position)))
    }

    /// A new, empty index, to be built and united; those that are there go.
    pub(crate) fn create(folder: &Path) -> anyhow::Result<Self> {
        let lock = lock(folder)?;
        for build in builds(folder)? {
            std::fs::remove_dir_all(build)?;
        }
        let number = std::fs::read_dir(folder)?.count();
        let path = folder.join(format!("build-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        let (schema, _) = schema::schema();
        let index = Index::builder().schema(schema).settings(IndexSettings::default()).create_in_dir(&path)?;
        let files = Self::of(&index, lock, MEMORY_TO_BUILD)?;
        // All are put together at the end, and none may be under way then: a merge of segments that another one takes away fails.
        files.writer.set_merge_policy(Box::new(NoMergePolicy));
        Ok(files)
    }

    fn of(index: &Index, lock: File, memory: usize) -> anyhow::Result<Self> {
        let (_, fields) = schema::schema();
        // Its own thread is given nothing to index.
        let options = IndexWriterOptions::builder().num_worker_threads(1).num_merge_threads(1).build();
        let writer = index.writer_with_options(options)?;
        writer.set_merge_policy(Box::new(merging(SEGMENTS)));
        // A commit that was cut off has left files, whose names the same commit would need again.
        writer.garbage_collect_files().wait()?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { fields, filling: None, memory, writer, reader, unmerged: None, fresh: HashMap::new(), _lock: lock })
    }

    /// Puts the texts of some insights in, instead of those that are there; of none, if it has none to be found.
    pub(crate) fn replace(&mut self, insights: &[Uuid], texts: DocumentBatch) -> anyhow::Result<()> {
        let searcher = self.searcher();
        for insight in insights {
            let old = match self.fresh.get(insight).copied() {
                Some(number) => {
                    // A segment that is still being filled would not hear of a removal.
                    self.end_segment()?;
                    vec![number]
                }
                None => self.numbers(&searcher, *insight)?,
            };
            for number in &old {
                let name = document::name(*insight, *number);
                self.writer.delete_term(Term::from_field_bytes(self.fields.insight, &name));
            }
            let number = old.into_iter().max().map_or(0, |newest| newest + 1);
            self.fresh.insert(*insight, number);
        }
        self.put(texts)
    }

    /// The numbers under which an insight's texts are in the index.
    fn numbers(&self, searcher: &Searcher, insight: Uuid) -> anyhow::Result<Vec<u64>> {
        let [first, last] = [0, u64::MAX].map(|number| document::name(insight, number));
        let mut numbers = Vec::new();
        for reader in searcher.segment_readers() {
            let index = reader.inverted_index(self.fields.insight)?;
            let mut names = index.terms().range().ge(&first).le(&last).into_stream()?;
            while names.advance() {
                let mut texts = index.read_postings_from_terminfo(names.value(), IndexRecordOption::Basic)?;
                while texts.doc() != TERMINATED && reader.is_deleted(texts.doc()) {
                    texts.advance();
                }
                if texts.doc() != TERMINATED {
                    numbers.push(document::number(names.key()));
                }
            }
        }
        Ok(numbers)
    }

    pub(crate) fn put(&mut self, texts: DocumentBatch) -> anyhow::Result<()> {
        if texts.texts.is_empty() {
            return Ok(());
        }
        let mut filling = self.filling.take().map_or_else(|| SegmentWriter::begin(&self.writer, self.fields), Ok)?;
        let fresh = &self.fresh;
        filling.put(texts, |insight| document::name(insight, fresh.get(&insight).copied().unwrap_or_default()))?;
        let full = filling.size() >= self.memory;
        self.filling = Some(filling);
        if full {
            self.end_segment()?;
        }
        Ok(())
    }

    fn end_segment(&mut self) -> tantivy::Result<()> {
        self.filling.take().map_or(Ok(()), |filling| filling.end(&self.writer))
    }

    /// Makes everything so far, which are so many changes, durable and searchable, together with the position it belongs to.
    pub(crate) fn commit(&mut self, position: IndexPosition, changes: usize) -> anyhow::Result<()> {
        let haste = changes >= MUCH;
        if haste != self.unmerged.is_some() {
            self.writer.set_merge_policy(Box::new(merging(if haste { SEGMENTS_IN_HASTE } else { SEGMENTS })));
        }
        self.unmerged = haste.then_some(position);
        self.end_segment()?;
        let mut prepared = self.writer.prepare_commit()?;
        prepared.set_payload(&serde_json::to_string(&position)?);
        prepared.commit()?;
        self.fresh.clear();
        Ok(self.reader.reload()?)
    }

    /// Lets the engine merge what it was kept from merging; says whether what it has merged since the last commit is there to be read now.
    pub(crate) fn tidy(&mut self) -> anyhow::Result<bool> {
        if let Some(position) = self.unmerged {
            self.commit(position, 0)?;
        }
        let mut there = self.writer.index().searchable_segment_ids()?;
        let mut read: Vec<SegmentId> = self.searcher().segment_readers().iter().map(SegmentReader::segment_id).collect();
        there.sort();
        read.sort();
        if there == read {
            return Ok(false);
        }
        self.reader.reload()?;
        Ok(true)
    }

    /// Puts everything that was built into one segment: each one costs every query.
    pub(crate) fn unite(&mut self) -> anyhow::Result<()> {
        let segments = self.writer.index().searchable_segment_ids()?;
        if segments.len() > 1 {
            self.writer.merge(&segments).wait()?;
        }
        Ok(self.reader.reload()?)
    }

    pub(crate) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    /// Insight, revision and pointer version of every text.
    pub(crate) fn revisions(&self) -> anyhow::Result<Vec<(Uuid, i64, i64)>> {
        let mut list = Vec::new();
        for reader in self.searcher().segment_readers() {
            let fast = reader.fast_fields();
            let columns = [fast.u64("id_high")?, fast.u64("id_low")?, fast.u64("revision")?, fast.u64("pointer")?];
            for doc in reader.doc_ids_alive() {
                let [high, low, revision, pointer] = [0, 1, 2, 3].map(|at: usize| columns[at].first(doc).unwrap_or(0));
                list.push((Uuid::from_u64_pair(high, low), i64::try_from(revision)?, i64::try_from(pointer)?));
            }
        }
        list.sort_unstable();
        Ok(list)
    }
}

fn merging(segments: usize) -> LogMergePolicy {
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(segments);
    policy.set_min_layer_size(2_000);
    policy.set_del_docs_ratio_before_merge(DELETED_SHARE);
    policy
}

fn lock(folder: &Path) -> anyhow::Result<File> {
    // It holds words of what is not visible yet: nobody else on the machine reads it.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("cannot make the search folder {}", folder.display()))?;
    let file = File::options().create(true).truncate(false).write(true).open(folder.join("lock"))?;
    file.try_lock().with_context(|| format!("another process works on the search folder {}: stop it first", folder.display()))?;
    Ok(file)
}

fn builds(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut builds = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            builds.push(entry.path());
        }
    }
    Ok(builds)
}

/// An index whose files are all there with the bytes that were written, of this version, with a position.
fn usable(build: &Path) -> Option<(Index, IndexPosition)> {
    let index = Index::open_in_dir(build).ok()?;
    let position: IndexPosition = serde_json::from_str(&index.load_metas().ok()?.payload?).ok()?;
    // Without its list of files the engine would look at none of them.
    let listed = build.join(".managed.json").is_file();
    let whole = listed && index.validate_checksum().is_ok_and(|damaged| damaged.is_empty());
    let readable = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into().is_ok_and(|_: IndexReader| true);
    (position.version == VERSION && whole && readable).then_some((index, position))
}

#[cfg(test)]
mod tests {
    use tantivy::TantivyDocument;

    use super::*;
    use crate::projections::search::analysis::language::Language;
    use crate::projections::search::index::document::IndexedText;
    use crate::projections::search::index::inverter::{InvertedFields, Inverter};

    fn text(files: &IndexFiles, insight: Uuid, revision: u64) -> DocumentBatch {
        let mut columns = TantivyDocument::default();
        let (high, low) = document::halves(insight);
        for (field, value) in
            [(files.fields.id_high, high), (files.fields.id_low, low), (files.fields.revision, revision), (files.fields.pointer, 1)]
        {
            columns.add_u64(field, value);
        }
        DocumentBatch { texts: vec![IndexedText { insight, columns }], cut: InvertedFields::default() }
    }

    #[test]
    fn of_an_insight_the_newest_text_is_kept_wherever_the_others_lie() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = IndexFiles::create(folder.path()).unwrap();
        let [a, b] = [1, 2].map(Uuid::from_u128);
        // In the segment that is being filled, in one that is full and not committed, in one that is committed.
        for (revision, (before, size)) in
            (1..).zip([(false, MEMORY), (false, MEMORY), (false, 0), (false, MEMORY), (true, MEMORY), (false, 0)])
        {
            if before {
                files.commit(IndexPosition::default(), 1).unwrap();
            }
            files.memory = size;
            for insight in [a, b] {
                let text = text(&files, insight, revision);
                files.replace(&[insight], text).unwrap();
            }
        }
        files.replace(&[b], DocumentBatch::default()).unwrap();
        files.commit(IndexPosition::default(), 1).unwrap();
        assert_eq!(files.revisions().unwrap(), [(a, 6, 1)]);
    }

    #[test]
    fn what_was_built_in_many_pieces_becomes_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = IndexFiles::create(folder.path()).unwrap();
        // By the last commit there is enough for the engine to merge by itself, and it takes its time.
        for sequence in 1..=8 {
            for number in 0..400 {
                let words: Vec<String> = (0..60).map(|word| format!("word{sequence}x{number}x{word}")).collect();
                let (mut cutter, words) = (Inverter::default(), words.join(" "));
                let mut cuts = cutter.begin(0);
                cuts.text(Language::of("en"), &words, 1);
                cuts.end_document();
                let texts = vec![IndexedText { insight: Uuid::nil(), columns: TantivyDocument::default() }];
                files.put(DocumentBatch { texts, cut: cuts.sorted() }).unwrap();
            }
            files.commit(IndexPosition::new(Sequence(sequence), 0), 0).unwrap();
        }
        files.unite().unwrap();
        assert_eq!(files.searcher().segment_readers().len(), 1);
        assert_eq!(files.searcher().num_docs(), 3_200);
    }
}
