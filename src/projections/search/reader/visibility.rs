//! Which documents of one segment readers see at one moment, and what they come to. It stays beside the segment: a commit changes of a segment
//! that was there before which documents are removed, and the clock changes those whose time has come.

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

/// More kinds of readers than this are not remembered.
const MOST_KEPT: usize = 32;
/// How many of the next changes by the clock are remembered; then all documents are looked at again.
const MOST_AHEAD: usize = if cfg!(test) { 5 } else { 10_000 };

/// What is kept beside a segment for as long as it lives: its columns, and which of its documents readers saw last.
pub(crate) struct SegmentData {
    pub(crate) columns: Columns,
    pub(crate) seen: VisibilityCache,
}

impl SegmentData {
    pub(crate) fn read(reader: &SegmentReader) -> tantivy::Result<Self> {
        Ok(Self { columns: Columns::read(reader)?, seen: VisibilityCache::default() })
    }
}

/// A segment as it is now.
pub(crate) struct SegmentState<'s> {
    pub(crate) reader: &'s SegmentReader,
    pub(crate) columns: &'s Columns,
    pub(crate) stems: &'s FieldNormReader,
    pub(crate) words: &'s FieldNormReader,
}

#[derive(Clone)]
pub(crate) struct VisibleSet {
    pub(crate) docs: DocSet,
    pub(crate) count: u32,
    pub(crate) stems_length: u64,
    pub(crate) words_length: u64,
    by_edition: Vec<u32>,
    /// How many documents of the segment had been removed.
    removed: u32,
    /// The last change by the clock.
    pub(crate) since: i64,
    /// The next changes and whose they are, the last one first; and from when on more are not known.
    ahead: Vec<(i64, DocId)>,
    unknown_from: i64,
}

/// What was seen last, by readers who are shown these editions.
#[derive(Default)]
pub(crate) struct VisibilityCache(Mutex<HashMap<Vec<bool>, Arc<VisibleSet>>>);

impl VisibilityCache {
    /// What readers see now who are shown the editions that are marked.
    pub(crate) fn at(&self, source: &SegmentState<'_>, shown: Vec<bool>, now: Timestamp) -> Arc<VisibleSet> {
        let removed = source.reader.num_deleted_docs();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = kept.get(&shown).filter(|seen| seen.removed <= removed && seen.since <= now.0 && now.0 < seen.unknown_from);
        let seen = match before {
            Some(seen) if seen.removed == removed && now.0 < seen.until() => return seen.clone(),
            Some(seen) => seen.followed(source, now),
            None => VisibleSet::of(source, &shown, now),
        };
        let seen = Arc::new(seen);
        // Who still reads an older commit does not make the newer ones look again.
        if kept.get(&shown).is_none_or(|there| there.removed <= removed) {
            if kept.len() >= MOST_KEPT && !kept.contains_key(&shown) {
                kept.clear();
            }
            kept.insert(shown, seen.clone());
        }
        seen
    }
}

impl VisibleSet {
    fn of(source: &SegmentState<'_>, shown: &[bool], now: Timestamp) -> Self {
        let SegmentState { reader, columns, .. } = *source;
        let mut seen = Self {
            docs: DocSet::none(reader.max_doc()),
            count: 0,
            stems_length: 0,
            words_length: 0,
            by_edition: vec![0; shown.len()],
            removed: reader.num_deleted_docs(),
            since: i64::MIN,
            ahead: Vec::new(),
            unknown_from: NEVER,
        };
        // One more than is remembered says from when on the others are not known.
        let mut ahead = TopK::new(MOST_AHEAD + 1, |a: &(i64, DocId), b| a.cmp(b));
        for doc in 0..reader.max_doc() {
            let edition = columns.edition.at(doc as usize) as usize;
            if !shown.get(edition).copied().unwrap_or(false) || reader.is_deleted(doc) {
                continue;
            }
            let (from, to) = (columns.published(doc), columns.ends(doc));
            for change in [from, to].into_iter().filter(|change| *change < NEVER) {
                if change <= now.0 {
                    seen.since = seen.since.max(change);
                } else if to > now.0 {
                    // What is over does not come back, whenever it began.
                    ahead.push((change, doc));
                }
            }
            if from <= now.0 && now.0 < to {
                seen.put_in(source, doc);
            }
        }
        seen.ahead = ahead.finish();
        seen.ahead.sort_unstable_by(|a, b| b.cmp(a));
        if seen.ahead.len() > MOST_AHEAD {
            seen.unknown_from = seen.ahead.first().map_or(NEVER, |(at, _)| *at);
            seen.ahead.retain(|(at, _)| *at < seen.unknown_from);
        }
        seen
    }

    /// The same a little later: without what was removed, and with what the clock has changed.
    fn followed(&self, source: &SegmentState<'_>, now: Timestamp) -> Self {
        let mut seen = self.clone();
        let removed = source.reader.num_deleted_docs();
        if let Some(alive) = source.reader.alive_bitset().filter(|_| removed != self.removed) {
            let mut left = BitSet::with_max_value_and_full(source.reader.max_doc());
            left.intersect_update(alive.bitset());
            let gone = seen.docs.lacking_in(&left);
            gone.iter().for_each(|doc| seen.take_out(source, doc));
            seen.removed = removed;
        }
        while let Some((at, doc)) = seen.ahead.pop_if(|(at, _)| *at <= now.0) {
            seen.since = at;
            let visible = source.columns.published(doc) <= now.0 && now.0 < source.columns.ends(doc);
            if visible && !source.reader.is_deleted(doc) {
                seen.put_in(source, doc);
            } else {
                seen.take_out(source, doc);
            }
        }
        seen
    }

    /// The next change by the clock, or when there may be one.
    pub(crate) fn until(&self) -> i64 {
        self.ahead.last().map_or(self.unknown_from, |(at, _)| *at)
    }

    fn put_in(&mut self, source: &SegmentState<'_>, doc: DocId) {
        if self.docs.insert(doc) {
            let (edition, stems, words) = source.counts(doc);
            self.count += 1;
            self.by_edition[edition] += 1;
            self.stems_length += stems;
            self.words_length += words;
        }
    }

    fn take_out(&mut self, source: &SegmentState<'_>, doc: DocId) {
        if self.docs.take_out(doc) {
            let (edition, stems, words) = source.counts(doc);
            self.count -= 1;
            self.by_edition[edition] -= 1;
            self.stems_length -= stems;
            self.words_length -= words;
        }
    }

    /// The numbers of the editions that are seen.
    pub(crate) fn editions(&self) -> impl Iterator<Item = usize> + '_ {
        self.by_edition.iter().enumerate().filter(|(_, count)| **count > 0).map(|(number, _)| number)
    }
}

impl SegmentState<'_> {
    /// What a document adds to: its edition, and the lengths of its texts.
    fn counts(&self, doc: DocId) -> (usize, u64, u64) {
        let edition = self.columns.edition.at(doc as usize) as usize;
        (edition, u64::from(self.stems.fieldnorm(doc)), u64::from(self.words.fieldnorm(doc)))
    }
}
