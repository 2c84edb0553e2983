//! Indexes texts of the database: those of changed insights, or all of them when the index is rebuilt.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use futures_util::future::join;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::index::document::{DocumentBatch, DocumentBuilder};
use super::index::files::IndexFiles;
use super::index::folder::IndexPosition;
use crate::store::{Store, changes, documents};

/// Insights that are read and indexed together.
const BATCH_INSIGHTS: i64 = 200;

/// Reads texts from the database and indexes them on the low-priority pool. Cheap to clone.
#[derive(Clone)]
pub(super) struct Indexer {
    pub(super) folder: PathBuf,
    pool: Handle,
    builder: Arc<DocumentBuilder>,
}

impl Indexer {
    pub(super) fn new(folder: PathBuf, pool: Handle) -> Self {
        Self { folder, pool, builder: Arc::new(DocumentBuilder::new()) }
    }

    /// Runs work that keeps a processor busy or waits for the disk.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> anyhow::Result<T> {
        self.pool.spawn_blocking(work).await.context("indexing was interrupted")?
    }

    /// The texts of some insights, inverted. An insight that is not live has none.
    pub(super) async fn load(&self, store: &Store, insights: &[Uuid]) -> anyhow::Result<DocumentBatch> {
        if insights.is_empty() {
            return Ok(DocumentBatch::default());
        }
        let rows = documents::find(store.reader(), insights).await?;
        let builder = self.builder.clone();
        self.run(move || Ok(builder.build(&rows))).await
    }

    /// Rebuilds the index. Calls `on_progress` with the number of insights so far.
    pub(super) async fn rebuild(&self, store: &Store, mut on_progress: impl FnMut(usize)) -> anyhow::Result<(IndexFiles, IndexPosition)> {
        tracing::info!(folder = %self.folder.display(), "rebuilding the search index");
        let row_sequence = changes::newest(store.reader()).await?;
        let row_at = changes::find(store.reader(), row_sequence).await?.map_or(0, |row| row.at);
        let folder = self.folder.clone();
        let mut files = self.run(move || IndexFiles::create(&folder)).await?;
        let mut insights = 0;
        let (mut ids, mut batch) = self.next_batch(store, Uuid::nil()).await?;
        while let Some(last) = ids.last() {
            insights += ids.len();
            // One batch is written while the next one is read and inverted.
            let (added, next) = join(self.run(move || files.add(batch).map(|()| files)), self.next_batch(store, *last)).await;
            files = added?;
            (ids, batch) = next?;
            on_progress(insights);
        }
        let position = IndexPosition::new(row_sequence, row_at);
        self.run(move || files.commit(position, 0).and_then(|()| files.merge_all()).map(|()| files)).await?;
        // Opened again with the memory limit and the merge policy of a running service.
        let folder = self.folder.clone();
        let opened = self.run(move || IndexFiles::open(&folder)).await?.context("the rebuilt search index cannot be opened")?;
        tracing::info!(insights, %row_sequence, "rebuilt the search index");
        Ok(opened)
    }

    /// The live insights after an id, with their texts.
    async fn next_batch(&self, store: &Store, after: Uuid) -> anyhow::Result<(Vec<Uuid>, DocumentBatch)> {
        let ids: Vec<Uuid> = documents::list_live(store.reader(), after, BATCH_INSIGHTS).await?.into_iter().map(|row| row.id).collect();
        let batch = self.load(store, &ids).await?;
        Ok((ids, batch))
    }
}
