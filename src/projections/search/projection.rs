//! The writing end of search: follows the log, commits the index, and publishes snapshots.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use futures_util::future::join;
use tantivy::Searcher;
use tantivy::index::SegmentId;
use tokio::runtime::Handle;
use tokio::sync::watch;
use uuid::Uuid;

use super::batch::{AppliedRows, UncommittedBatch};
use super::index::document::locale_of;
use super::index::files::IndexFiles;
use super::index::folder::IndexPosition;
use super::index::schema::IndexFields;
use super::indexer::Indexer;
use super::reader::terms::TermTable;
use super::reader::visibility::SegmentData;
use super::searcher::{Search, SearchState};
use super::snapshot::IndexSnapshot;
use crate::domain::change::{PublicSequence, Resource, Sequence};
use crate::projections::follower::{Progress, Projection};
use crate::store::Store;
use crate::store::changes::{self, LogRow};

/// Insights that are read and indexed together.
const BATCH_INSIGHTS: usize = 100;

/// The projection of the change log into the search index.
pub struct SearchProjection {
    indexer: Indexer,
    state: Arc<SearchState>,
    files: Option<Arc<Mutex<IndexFiles>>>,
    terms: Arc<TermTable>,
    segments: HashMap<SegmentId, Arc<SegmentData>>,
    uncommitted: Option<UncommittedBatch>,
    /// The last row that is committed.
    committed_row: Sequence,
    /// The last row that a write waits for.
    awaited_row: watch::Receiver<Sequence>,
    /// The newest public sequence in the index.
    public_sequence: PublicSequence,
    /// The last row when the index was opened. Before the index reaches it, a snapshot would be older than what readers saw before.
    catch_up_row: Sequence,
}

impl SearchProjection {
    /// Both ends of search over an index in a folder, and the sender of its progress. Indexing runs on the pool of the handle.
    #[must_use]
    pub fn new(folder: PathBuf, pool: Handle) -> (Self, Search, watch::Sender<Sequence>) {
        let (sender, progress): (_, Progress) = watch::channel(Sequence::NOT_OPEN);
        let search = Search::new(progress);
        let projection = Self {
            indexer: Indexer::new(folder, pool),
            state: search.state.clone(),
            files: None,
            terms: Arc::default(),
            segments: HashMap::new(),
            uncommitted: None,
            committed_row: Sequence::default(),
            awaited_row: search.state.awaited_row.subscribe(),
            public_sequence: PublicSequence::default(),
            catch_up_row: Sequence::default(),
        };
        (projection, search, sender)
    }

    /// Rebuilds the index from the database, while no service runs. Calls `on_progress` with the number of insights so far.
    ///
    /// # Errors
    /// The database's and the disk's, and when a service uses the index.
    pub async fn rebuild(&self, store: &Store, on_progress: impl FnMut(usize)) -> anyhow::Result<()> {
        self.indexer.rebuild(store, on_progress).await.map(drop)
    }

    /// The index on disk, if there is a valid one and it belongs to this log.
    async fn open_existing(&self, store: &Store) -> anyhow::Result<Option<(IndexFiles, IndexPosition)>> {
        let folder = self.indexer.folder.clone();
        let Some((files, position)) = self.indexer.run(move || IndexFiles::open(&folder)).await? else { return Ok(None) };
        let belongs = belongs_to_log(store, position).await?;
        Ok(belongs.then_some((files, position)))
    }

    fn files(&self) -> anyhow::Result<Arc<Mutex<IndexFiles>>> {
        self.files.clone().ok_or_else(|| anyhow::anyhow!("the search index is not open"))
    }

    /// Replaces the texts of some insights. One batch is written while the next one is read and inverted.
    async fn replace_texts(&self, store: &Store, files: &Arc<Mutex<IndexFiles>>, insights: &[Uuid]) -> anyhow::Result<()> {
        let mut parts = insights.chunks(BATCH_INSIGHTS);
        let mut part = parts.next().unwrap_or_default();
        let mut loaded = self.indexer.load(store, part).await?;
        while !part.is_empty() {
            let (files, ids, batch) = (files.clone(), part.to_vec(), loaded);
            part = parts.next().unwrap_or_default();
            let replace = self.indexer.run(move || files.lock().unwrap_or_else(PoisonError::into_inner).replace(&ids, batch));
            let (replaced, next) = join(replace, self.indexer.load(store, part)).await;
            replaced?;
            loaded = next?;
        }
        Ok(())
    }

    /// Replaces the snapshot that searches read. Data of segments that the previous one had is reused.
    async fn publish_snapshot(&mut self, searcher: Searcher, fields: IndexFields) -> anyhow::Result<()> {
        let mut previous = std::mem::take(&mut self.segments);
        let (searcher, by_id) = self
            .indexer
            .run(move || {
                let mut segments = Vec::new();
                for reader in searcher.segment_readers() {
                    let id = reader.segment_id();
                    let data = previous.remove(&id).map_or_else(|| SegmentData::read(reader).map(Arc::new), Ok)?;
                    segments.push((id, data));
                }
                Ok((searcher, segments))
            })
            .await?;
        self.segments = by_id.iter().cloned().collect();
        let segments: Vec<Arc<SegmentData>> = by_id.into_iter().map(|(_, data)| data).collect();
        let variants = segments.iter().flat_map(|data| &data.columns.variants);
        let mut locales: Vec<String> = variants.map(|variant| locale_of(variant).to_owned()).collect();
        locales.sort();
        locales.dedup();
        let snapshot = IndexSnapshot {
            searcher,
            fields,
            terms: self.terms.clone(),
            public_sequence: self.public_sequence,
            segments,
            locales,
            views: Mutex::new(HashMap::new()),
        };
        *self.state.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(snapshot));
        Ok(())
    }

    fn has_snapshot(&self) -> bool {
        self.state.snapshot.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

impl Projection for SearchProjection {
    const NAME: &'static str = "search";

    async fn open(&mut self, store: &Store) -> anyhow::Result<Sequence> {
        self.files = None;
        self.uncommitted = None;
        self.state.indexed_row.send_replace(Sequence::NOT_OPEN);
        *self.state.snapshot.write().unwrap_or_else(PoisonError::into_inner) = None;
        let (files, position) = match self.open_existing(store).await? {
            Some(existing) => existing,
            None => self.indexer.rebuild(store, |_| {}).await?,
        };
        self.terms = Arc::new(TermTable::read(store.reader()).await?);
        self.public_sequence = changes::public_at(store.reader(), position.row_sequence).await?;
        self.catch_up_row = changes::newest(store.reader()).await?;
        if position.row_sequence >= self.catch_up_row {
            self.publish_snapshot(files.searcher(), files.fields).await?;
        }
        self.files = Some(Arc::new(Mutex::new(files)));
        self.committed_row = position.row_sequence;
        self.state.indexed_row.send_replace(position.row_sequence);
        Ok(position.row_sequence)
    }

    async fn apply(&mut self, store: &Store, rows: &[LogRow]) -> anyhow::Result<()> {
        let files = self.files()?;
        let mut insights: Vec<Uuid> = rows.iter().filter(|row| changes_texts(row)).filter_map(|row| row.resource_id).collect();
        insights.sort();
        insights.dedup();
        let terms_changed = rows.iter().any(|row| row.resource.is_term());
        if terms_changed {
            self.terms = Arc::new(TermTable::read(store.reader()).await?);
        }
        self.replace_texts(store, &files, &insights).await?;
        self.public_sequence = rows.iter().filter_map(|row| row.public_sequence).fold(self.public_sequence, Ord::max);
        if let Some(last) = rows.last() {
            let applied = AppliedRows {
                position: IndexPosition::new(last.sequence, last.at),
                rows: rows.len(),
                texts: insights.len(),
                affects_readers: !insights.is_empty() || terms_changed || rows.iter().any(|row| row.public_sequence.is_some()),
                is_remote: last.sequence > store.committed().sequence,
            };
            self.uncommitted.get_or_insert_with(|| UncommittedBatch::new(Instant::now())).add(&applied);
            self.state.indexed_row.send_replace(last.sequence);
        }
        Ok(())
    }

    async fn publish(&mut self) -> anyhow::Result<bool> {
        let files = self.files()?;
        let is_awaited = !self.has_snapshot() || *self.awaited_row.borrow() > self.committed_row;
        let Some(batch) = self.uncommitted.take_if(|batch| is_awaited || !batch.can_be_deferred()) else {
            return Ok(self.uncommitted.is_none());
        };
        let (searcher, fields) = self
            .indexer
            .run(move || {
                let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
                if batch.texts > 0 {
                    files.commit(batch.position, batch.texts)?;
                }
                Ok((files.searcher(), files.fields))
            })
            .await?;
        self.committed_row = batch.position.row_sequence;
        if self.committed_row >= self.catch_up_row && (batch.affects_readers || !self.has_snapshot()) {
            self.publish_snapshot(searcher, fields).await?;
        }
        Ok(true)
    }

    fn on_log_readable(&self, readable: bool) {
        if !readable {
            // An import does not wait for an index that cannot advance.
            self.state.indexed_row.send_replace(Sequence::NOT_OPEN);
        }
    }

    async fn flush_requested(&self) {
        let mut awaited_row = self.awaited_row.clone();
        match self.uncommitted {
            Some(_) => drop(awaited_row.wait_for(|awaited| *awaited > self.committed_row).await),
            None => std::future::pending().await,
        }
    }

    async fn on_idle(&mut self) -> anyhow::Result<()> {
        let Some(files) = self.files.clone() else { return Ok(()) };
        let (has_changed, searcher, fields) = self
            .indexer
            .run(move || {
                let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
                Ok((files.merge_deferred()?, files.searcher(), files.fields))
            })
            .await?;
        if has_changed && self.has_snapshot() { self.publish_snapshot(searcher, fields).await } else { Ok(()) }
    }
}

/// Whether a position is in the log of this database: the row exists, and has the same time.
pub(super) async fn belongs_to_log(store: &Store, position: IndexPosition) -> anyhow::Result<bool> {
    let row_at = changes::find(store.reader(), position.row_sequence).await?.map_or(0, |row| row.at);
    Ok(position.row_at == row_at)
}

/// Whether a row of the log can have changed live texts. Drafts and transitions by the clock do not.
pub(super) fn changes_texts(row: &LogRow) -> bool {
    row.resource == Resource::Insight && !row.is_draft() && !row.kind.is_by_clock()
}
