//! How the index follows the log: it takes over what changed, and says so only when that can be found.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::future::join;
use tantivy::Searcher;
use tantivy::index::SegmentId;
use tokio::runtime::Handle;
use tokio::sync::watch;
use uuid::Uuid;

use crate::domain::change::{PublicSequence, Resource, Sequence};
use crate::projections::follower::{Progress, Projection};
use crate::projections::search::index::document::{DocumentBatch, Inverters};
use crate::projections::search::index::files::{IndexFiles, IndexPosition};
use crate::projections::search::index::schema::IndexFields;
use crate::projections::search::reader::terms::TermTable;
use crate::projections::search::reader::visibility::SegmentData;
use crate::projections::search::searcher::{IndexSnapshot, Search, SearchState};
use crate::store::changes::{self, LogRow};
use crate::store::{Store, documents};

/// Insights that are read and indexed together.
const BATCH: usize = 100;
const BUILD_BATCH: i64 = 200;

/// Rows of the log that come in together while somebody imports.
const MANY: usize = 100;
/// While somebody imports here, a commit of the index takes so many texts if nobody waits for them, or those of so long: what a commit costs
/// hardly depends on how many it takes.
const GATHERED: usize = 4_000;
const LONGEST_GATHERING: Duration = Duration::from_secs(2);

/// What is in the index, and not committed yet.
struct UncommittedBatch {
    since: Instant,
    position: IndexPosition,
    texts: usize,
    /// Whether many rows came in at a time.
    many: bool,
    /// Whether another process wrote it: whoever waits for it waits there.
    of_others: bool,
    /// Whether it is more than drafts.
    concerns_readers: bool,
}

impl UncommittedBatch {
    fn since(now: Instant) -> Self {
        Self { since: now, position: IndexPosition::default(), texts: 0, many: false, of_others: false, concerns_readers: false }
    }

    fn can_wait(&self) -> bool {
        self.many && !self.of_others && self.texts < GATHERED && self.since.elapsed() < LONGEST_GATHERING
    }
}

/// The writing end.
pub struct SearchProjection {
    folder: PathBuf,
    aside: IndexingPool,
    cutting: Arc<Inverters>,
    shared: Arc<SearchState>,
    files: Option<Arc<Mutex<IndexFiles>>>,
    terms: Arc<TermTable>,
    segments: HashMap<SegmentId, Arc<SegmentData>>,
    pending: Option<UncommittedBatch>,
    /// The last row of the log that readers see.
    committed: Sequence,
    /// The last one that somebody waits for.
    wanted: watch::Receiver<Sequence>,
    public: PublicSequence,
    /// Until the log has been read up to here, the index is older than what readers have seen before.
    catch_up_to: Sequence,
}

impl SearchProjection {
    /// Both ends of search over an index in a folder, and where its progress is told. Indexing is done on the threads behind the handle.
    #[must_use]
    pub fn new(folder: PathBuf, aside: Handle) -> (Self, Search, watch::Sender<Sequence>) {
        let (sender, progress): (_, Progress) = watch::channel(Sequence::NOT_OPEN);
        let search = Search::new(progress);
        let projection = Self {
            folder,
            aside: IndexingPool(aside),
            cutting: Arc::new(Inverters::new()),
            wanted: search.shared.wanted.subscribe(),
            shared: search.shared.clone(),
            pending: None,
            committed: Sequence::default(),
            files: None,
            terms: Arc::default(),
            segments: HashMap::new(),
            public: PublicSequence::default(),
            catch_up_to: Sequence::default(),
        };
        (projection, search, sender)
    }

    /// The index that is there if it belongs to this log, else none.
    async fn existing(&self, store: &Store) -> anyhow::Result<Option<(IndexFiles, IndexPosition)>> {
        let folder = self.folder.clone();
        let Some((files, position)) = self.aside.run(move || IndexFiles::open(&folder)).await? else { return Ok(None) };
        let of_this_log = is_of_this_log(store, position).await?;
        Ok(Some((files, position)).filter(|_| of_this_log))
    }

    /// Makes the index anew from the database, for a service that does not run; says how many insights are in it, time and again.
    ///
    /// # Errors
    /// The database's and the disk's, and when a service runs.
    pub async fn remake(&self, store: &Store, told: impl FnMut(usize)) -> anyhow::Result<()> {
        self.build(store, told).await.map(|_| ())
    }

    async fn build(&self, store: &Store, mut told: impl FnMut(usize)) -> anyhow::Result<(IndexFiles, IndexPosition)> {
        tracing::info!(folder = %self.folder.display(), "making the search index");
        let newest = changes::newest(store.reader()).await?;
        let at = changes::find(store.reader(), newest).await?.map_or(0, |row| row.at);
        let folder = self.folder.clone();
        let mut files = self.aside.run(move || IndexFiles::create(&folder)).await?;
        let mut done = 0;
        let (mut ids, mut texts) = self.behind(store, Uuid::nil()).await?;
        while let Some(last) = ids.last() {
            done += ids.len();
            // The next ones are read and cut meanwhile.
            let (put, next) = join(self.aside.run(move || files.put(texts).map(|()| files)), self.behind(store, *last)).await;
            files = put?;
            (ids, texts) = next?;
            told(done);
        }
        let position = IndexPosition::new(newest, at);
        self.aside.run(move || files.commit(position, 0).and_then(|()| files.unite()).map(|()| files)).await?;
        // Opened again as it will be used: with the memory of a running service.
        let folder = self.folder.clone();
        let opened = self.aside.run(move || IndexFiles::open(&folder)).await?.context("the index that was made cannot be opened")?;
        tracing::info!(insights = done, "the search index is made");
        Ok(opened)
    }

    /// The live insights behind an id, with their texts.
    async fn behind(&self, store: &Store, after: Uuid) -> anyhow::Result<(Vec<Uuid>, DocumentBatch)> {
        let ids: Vec<Uuid> = documents::list_live(store.reader(), after, BUILD_BATCH).await?.into_iter().map(|row| row.id).collect();
        let texts = self.texts(store, &ids).await?;
        Ok((ids, texts))
    }

    /// The texts of some insights, cut into terms.
    async fn texts(&self, store: &Store, insights: &[Uuid]) -> anyhow::Result<DocumentBatch> {
        if insights.is_empty() {
            return Ok(DocumentBatch::default());
        }
        let rows = documents::find(store.reader(), insights).await?;
        let cutting = self.cutting.clone();
        self.aside.run(move || Ok(cutting.documents(&rows))).await
    }

    /// Puts the texts of some insights in. The next ones are read and cut meanwhile.
    async fn take_over(&self, store: &Store, files: &Arc<Mutex<IndexFiles>>, insights: &[Uuid]) -> anyhow::Result<()> {
        let mut parts = insights.chunks(BATCH);
        let mut part = parts.next().unwrap_or_default();
        let mut next = self.texts(store, part).await?;
        while !part.is_empty() {
            let (files, ids, now) = (files.clone(), part.to_vec(), next);
            part = parts.next().unwrap_or_default();
            let put = self.aside.run(move || files.lock().unwrap_or_else(PoisonError::into_inner).replace(&ids, now));
            let (done, found) = join(put, self.texts(store, part)).await;
            done?;
            next = found?;
        }
        Ok(())
    }

    /// Lets readers see the newest commit. What is known of segments that were there before is kept.
    async fn let_read(&mut self, searcher: Searcher, fields: IndexFields) -> anyhow::Result<()> {
        let mut known = std::mem::take(&mut self.segments);
        let (searcher, columns) = self
            .aside
            .run(move || {
                let mut columns = Vec::new();
                for reader in searcher.segment_readers() {
                    let there = known.remove(&reader.segment_id());
                    columns.push((reader.segment_id(), there.map_or_else(|| SegmentData::read(reader).map(Arc::new), Ok)?));
                }
                Ok((searcher, columns))
            })
            .await?;
        self.segments = columns.iter().cloned().collect();
        let columns: Vec<Arc<SegmentData>> = columns.into_iter().map(|(_, columns)| columns).collect();
        let editions = columns.iter().flat_map(|data| &data.columns.editions);
        let mut locales: Vec<String> =
            editions.map(|edition| crate::projections::search::index::document::locale_of(edition).to_owned()).collect();
        locales.sort();
        locales.dedup();
        let live = IndexSnapshot {
            searcher,
            fields,
            terms: self.terms.clone(),
            sequence: self.public,
            views: Mutex::new(HashMap::new()),
            columns,
            locales,
        };
        *self.shared.live.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(live));
        Ok(())
    }

    fn is_live(&self) -> bool {
        self.shared.live.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

impl Projection for SearchProjection {
    const NAME: &'static str = "search";

    async fn open(&mut self, store: &Store) -> anyhow::Result<Sequence> {
        self.files = None;
        self.pending = None;
        self.shared.taken.send_replace(Sequence::NOT_OPEN);
        *self.shared.live.write().unwrap_or_else(PoisonError::into_inner) = None;
        let (files, position) = match self.existing(store).await? {
            Some(existing) => existing,
            None => self.build(store, |_| {}).await?,
        };
        self.terms = Arc::new(TermTable::read(store.reader()).await?);
        self.public = changes::public_at(store.reader(), position.sequence).await?;
        self.catch_up_to = changes::newest(store.reader()).await?;
        if position.sequence >= self.catch_up_to {
            self.let_read(files.searcher(), files.fields).await?;
        }
        self.files = Some(Arc::new(Mutex::new(files)));
        self.committed = position.sequence;
        self.shared.taken.send_replace(position.sequence);
        Ok(position.sequence)
    }

    async fn apply(&mut self, store: &Store, rows: &[LogRow]) -> anyhow::Result<()> {
        let Some(files) = self.files.clone() else { anyhow::bail!("the index is not open") };
        let mut ids: Vec<Uuid> = rows.iter().filter(|row| concerns_texts(row)).filter_map(|row| row.resource_id).collect();
        ids.sort();
        ids.dedup();
        let terms_changed = rows.iter().any(|row| row.resource.is_term());
        if terms_changed {
            self.terms = Arc::new(TermTable::read(store.reader()).await?);
        }
        self.take_over(store, &files, &ids).await?;
        self.public = rows.iter().filter_map(|row| row.public_sequence).fold(self.public, Ord::max);
        let concerns_readers = !ids.is_empty() || terms_changed || rows.iter().any(|row| row.public_sequence.is_some());
        if let Some(last) = rows.last() {
            let pending = self.pending.get_or_insert_with(|| UncommittedBatch::since(Instant::now()));
            pending.position = IndexPosition::new(last.sequence, last.at);
            pending.many |= rows.len() >= MANY;
            pending.of_others |= last.sequence > store.committed().sequence;
            pending.texts += ids.len();
            pending.concerns_readers |= concerns_readers;
            self.shared.taken.send_replace(last.sequence);
        }
        Ok(())
    }

    async fn show(&mut self) -> anyhow::Result<bool> {
        let Some(files) = self.files.clone() else { anyhow::bail!("the index is not open") };
        let nobody_waits = self.is_live() && *self.wanted.borrow() <= self.committed;
        let Some(pending) = self.pending.take_if(|pending| !(nobody_waits && pending.can_wait())) else {
            return Ok(self.pending.is_none());
        };
        let (searcher, fields) = self
            .aside
            .run(move || {
                let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
                if pending.texts > 0 {
                    files.commit(pending.position, pending.texts)?;
                }
                Ok((files.searcher(), files.fields))
            })
            .await?;
        self.committed = pending.position.sequence;
        if self.committed >= self.catch_up_to && (pending.concerns_readers || !self.is_live()) {
            self.let_read(searcher, fields).await?;
        }
        Ok(true)
    }

    fn heard(&self, readable: bool) {
        if !readable {
            // Nobody waits for an index that does not move.
            self.shared.taken.send_replace(Sequence::NOT_OPEN);
        }
    }

    async fn needed(&self) {
        let mut wanted = self.wanted.clone();
        match self.pending {
            Some(_) => drop(wanted.wait_for(|wanted| *wanted > self.committed).await),
            None => std::future::pending().await,
        }
    }

    async fn rest(&mut self) -> anyhow::Result<()> {
        let Some(files) = self.files.clone() else { return Ok(()) };
        let (other, searcher, fields) = self
            .aside
            .run(move || {
                let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
                Ok((files.tidy()?, files.searcher(), files.fields))
            })
            .await?;
        if other && self.is_live() { self.let_read(searcher, fields).await } else { Ok(()) }
    }
}

/// Whether a position is one of this database's log: the row is there, and as old as it was.
pub(super) async fn is_of_this_log(store: &Store, position: IndexPosition) -> anyhow::Result<bool> {
    let at = changes::find(store.reader(), position.sequence).await?.map_or(0, |row| row.at);
    Ok(position.at == at)
}

/// Whether a row of the log can have changed what is live. A draft cannot.
pub(super) fn concerns_texts(row: &LogRow) -> bool {
    row.resource == Resource::Insight && !row.is_draft() && !row.kind.is_by_clock()
}

/// Where work is done that keeps a processor busy.
struct IndexingPool(Handle);

impl IndexingPool {
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> anyhow::Result<T> {
        self.0.spawn_blocking(work).await.context("indexing was cut off")?
    }
}
