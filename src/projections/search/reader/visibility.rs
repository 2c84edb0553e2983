//! The visible documents of a segment: a bitset with its statistics, cached beside the segment.
//!
//! A segment is immutable, so only two things change the set: deletions in a later commit, and the clock (scheduled publications and
//! expirations). Both advance a cached set instead of computing it from all documents.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::fieldnorm::FieldNormReader;
use tantivy::index::SegmentReader;
use tantivy::{BitSet, DocId};

use crate::domain::clock::Timestamp;
use crate::projections::search::index::document::NEVER;
use crate::projections::search::reader::columns::Columns;
use crate::projections::search::reader::doc_set::DocSet;
use crate::projections::search::reader::top_k::TopK;

/// A cache that reaches this number of sets is cleared.
const MAX_CACHED_SETS: usize = 32;
/// The changes by the clock that a set knows in advance. After them it is computed from all documents again.
const MAX_UPCOMING: usize = if cfg!(test) { 5 } else { 10_000 };

/// What is kept in memory for each segment as long as it exists.
pub(crate) struct SegmentData {
    pub(crate) columns: Columns,
    pub(crate) visibility: VisibilityCache,
}

impl SegmentData {
    pub(crate) fn read(reader: &SegmentReader) -> tantivy::Result<Self> {
        Ok(Self { columns: Columns::read(reader)?, visibility: VisibilityCache::default() })
    }
}

/// A segment at one commit.
pub(crate) struct SegmentState<'s> {
    pub(crate) reader: &'s SegmentReader,
    pub(crate) columns: &'s Columns,
    pub(crate) stem_norms: &'s FieldNormReader,
    pub(crate) word_norms: &'s FieldNormReader,
}

#[derive(Clone)]
pub(crate) struct VisibleSet {
    pub(crate) docs: DocSet,
    pub(crate) count: u32,
    /// The number of tokens of all documents in the set.
    pub(crate) total_stems: u64,
    pub(crate) total_words: u64,
    count_by_variant: Vec<u32>,
    /// The number of deleted documents of the segment when the set was computed.
    deleted: u32,
    /// The last change by the clock, in Unix milliseconds.
    pub(crate) valid_from: i64,
    /// The next changes by the clock and their documents, the next one last; and the time from which on there can be others.
    upcoming: Vec<(i64, DocId)>,
    upcoming_until: i64,
}

/// The newest set for each selection of locale variants.
#[derive(Default)]
pub(crate) struct VisibilityCache(Mutex<HashMap<Vec<bool>, Arc<VisibleSet>>>);

impl VisibilityCache {
    /// The documents that are visible now, of the locale variants that are marked as shown.
    pub(crate) fn get(&self, state: &SegmentState<'_>, shown_variants: Vec<bool>, now: Timestamp) -> Arc<VisibleSet> {
        let deleted = state.reader.num_deleted_docs();
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let usable = |set: &&Arc<VisibleSet>| set.deleted <= deleted && set.valid_from <= now.0 && now.0 < set.upcoming_until;
        let set = match cache.get(&shown_variants).filter(usable) {
            Some(set) if set.deleted == deleted && now.0 < set.valid_until() => return set.clone(),
            Some(set) => set.advance(state, now),
            None => VisibleSet::compute(state, &shown_variants, now),
        };
        let set = Arc::new(set);
        // A reader of an older commit must not replace the set of a newer one.
        if cache.get(&shown_variants).is_none_or(|cached| cached.deleted <= deleted) {
            if cache.len() >= MAX_CACHED_SETS && !cache.contains_key(&shown_variants) {
                cache.clear();
            }
            cache.insert(shown_variants, set.clone());
        }
        set
    }
}

impl VisibleSet {
    fn compute(state: &SegmentState<'_>, shown_variants: &[bool], now: Timestamp) -> Self {
        let SegmentState { reader, columns, .. } = *state;
        let mut set = Self {
            docs: DocSet::empty(reader.max_doc()),
            count: 0,
            total_stems: 0,
            total_words: 0,
            count_by_variant: vec![0; shown_variants.len()],
            deleted: reader.num_deleted_docs(),
            valid_from: i64::MIN,
            upcoming: Vec::new(),
            upcoming_until: NEVER,
        };
        // One more than is kept: its time is where the kept ones end.
        let mut upcoming = TopK::new(MAX_UPCOMING + 1, |a: &(i64, DocId), b| a.cmp(b));
        for doc in 0..reader.max_doc() {
            let variant = columns.variant_ords.get(doc as usize) as usize;
            if !shown_variants.get(variant).copied().unwrap_or(false) || reader.is_deleted(doc) {
                continue;
            }
            let (published_at, unpublish_at) = (columns.published_at(doc), columns.unpublish_at(doc));
            for change in [published_at, unpublish_at].into_iter().filter(|change| *change < NEVER) {
                if change <= now.0 {
                    set.valid_from = set.valid_from.max(change);
                } else if unpublish_at > now.0 {
                    // What has expired stays so, whenever it was to be published.
                    upcoming.push((change, doc));
                }
            }
            if published_at <= now.0 && now.0 < unpublish_at {
                set.add(state, doc);
            }
        }
        set.upcoming = upcoming.into_vec();
        set.upcoming.sort_unstable_by(|a, b| b.cmp(a));
        if set.upcoming.len() > MAX_UPCOMING {
            set.upcoming_until = set.upcoming.first().map_or(NEVER, |(at, _)| *at);
            set.upcoming.retain(|(at, _)| *at < set.upcoming_until);
        }
        set
    }

    /// The set at a later commit or a later time.
    fn advance(&self, state: &SegmentState<'_>, now: Timestamp) -> Self {
        let mut set = self.clone();
        let deleted = state.reader.num_deleted_docs();
        if let Some(alive) = state.reader.alive_bitset().filter(|_| deleted != self.deleted) {
            let mut alive_docs = BitSet::with_max_value_and_full(state.reader.max_doc());
            alive_docs.intersect_update(alive.bitset());
            let newly_deleted = set.docs.difference(&alive_docs);
            newly_deleted.iter().for_each(|doc| set.remove(state, doc));
            set.deleted = deleted;
        }
        while let Some((at, doc)) = set.upcoming.pop_if(|(at, _)| *at <= now.0) {
            set.valid_from = at;
            let is_visible = state.columns.published_at(doc) <= now.0 && now.0 < state.columns.unpublish_at(doc);
            if is_visible && !state.reader.is_deleted(doc) {
                set.add(state, doc);
            } else {
                set.remove(state, doc);
            }
        }
        set
    }

    /// The next change by the clock, or the time from which on there can be one.
    pub(crate) fn valid_until(&self) -> i64 {
        self.upcoming.last().map_or(self.upcoming_until, |(at, _)| *at)
    }

    fn add(&mut self, state: &SegmentState<'_>, doc: DocId) {
        if self.docs.insert(doc) {
            let DocStats { variant, stems, words } = state.stats(doc);
            self.count += 1;
            self.count_by_variant[variant] += 1;
            self.total_stems += stems;
            self.total_words += words;
        }
    }

    fn remove(&mut self, state: &SegmentState<'_>, doc: DocId) {
        if self.docs.remove(doc) {
            let DocStats { variant, stems, words } = state.stats(doc);
            self.count -= 1;
            self.count_by_variant[variant] -= 1;
            self.total_stems -= stems;
            self.total_words -= words;
        }
    }

    /// The ordinals of the locale variants that have a visible document.
    pub(crate) fn variant_ords(&self) -> impl Iterator<Item = usize> + '_ {
        self.count_by_variant.iter().enumerate().filter(|(_, count)| **count > 0).map(|(ord, _)| ord)
    }
}

/// What a document adds to the statistics of a set.
struct DocStats {
    variant: usize,
    stems: u64,
    words: u64,
}

impl SegmentState<'_> {
    fn stats(&self, doc: DocId) -> DocStats {
        DocStats {
            variant: self.columns.variant_ords.get(doc as usize) as usize,
            stems: u64::from(self.stem_norms.fieldnorm(doc)),
            words: u64::from(self.word_norms.fieldnorm(doc)),
        }
    }
}
