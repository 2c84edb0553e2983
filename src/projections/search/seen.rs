//! Which documents of one segment readers see at one moment, and what they come to. It stays beside the segment: what a commit changes of a
//! segment that was there before is that some are removed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::DocId;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::index::SegmentReader;

use super::bits::Bits;
use super::columns::Columns;
use super::documents::NEVER;
use crate::domain::clock::Timestamp;

/// More kinds of readers than this are not remembered.
const MOST_KEPT: usize = 32;

/// A segment as it is now.
pub(super) struct Source<'s> {
    pub(super) reader: &'s SegmentReader,
    pub(super) columns: &'s Columns,
    pub(super) stems: &'s FieldNormReader,
    pub(super) words: &'s FieldNormReader,
}

#[derive(Clone)]
pub(super) struct Seen {
    pub(super) docs: Bits,
    pub(super) count: u32,
    pub(super) stems_length: u64,
    pub(super) words_length: u64,
    by_edition: Vec<u32>,
    /// How many documents of the segment had been removed.
    removed: u32,
    /// It is right from one moment to another, unless more are removed.
    since: i64,
    pub(super) until: i64,
}

/// What was seen last, by readers who are shown these editions.
#[derive(Default)]
pub(super) struct SeenBefore(Mutex<HashMap<Vec<bool>, Arc<Seen>>>);

impl SeenBefore {
    /// What readers see now who are shown the editions that are marked.
    pub(super) fn at(&self, source: &Source<'_>, shown: Vec<bool>, now: Timestamp) -> Arc<Seen> {
        let removed = source.reader.num_deleted_docs();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = match kept.get(&shown).filter(|seen| seen.since <= now.0 && now.0 < seen.until) {
            Some(seen) if seen.removed == removed => return seen.clone(),
            Some(seen) if seen.removed < removed => Seen::without_removed(seen, source),
            _ => Seen::of(source, &shown, now),
        };
        let seen = Arc::new(seen);
        // Who still reads an older commit does not make the newer ones look again.
        if kept.get(&shown).is_none_or(|there| there.removed <= removed) {
            if kept.len() >= MOST_KEPT {
                kept.clear();
            }
            kept.insert(shown, seen.clone());
        }
        seen
    }
}

impl Seen {
    fn of(source: &Source<'_>, shown: &[bool], now: Timestamp) -> Self {
        let Source { reader, columns, .. } = *source;
        let mut seen = Self {
            docs: Bits::none(reader.max_doc()),
            count: 0,
            stems_length: 0,
            words_length: 0,
            by_edition: vec![0; shown.len()],
            removed: reader.num_deleted_docs(),
            since: now.0,
            until: NEVER,
        };
        for doc in 0..reader.max_doc() {
            let edition = columns.edition.at(doc as usize) as usize;
            if !shown.get(edition).copied().unwrap_or(false) || reader.is_deleted(doc) {
                continue;
            }
            let (from, to) = (columns.published(doc), columns.ends(doc));
            // What is over does not come back, whenever it began.
            for change in [from, to] {
                if change > now.0 && to > now.0 {
                    seen.until = seen.until.min(change);
                }
            }
            if from <= now.0 && now.0 < to {
                seen.docs.insert(doc);
                seen.count += 1;
                seen.by_edition[edition] += 1;
                let (stems, words) = source.lengths(doc);
                seen.stems_length += stems;
                seen.words_length += words;
            }
        }
        seen
    }

    fn without_removed(&self, source: &Source<'_>) -> Self {
        let mut seen = Self { removed: source.reader.num_deleted_docs(), ..self.clone() };
        for doc in self.docs.iter().filter(|doc| source.reader.is_deleted(*doc)) {
            seen.docs.take_out(doc);
            seen.count -= 1;
            seen.by_edition[source.columns.edition.at(doc as usize) as usize] -= 1;
            let (stems, words) = source.lengths(doc);
            seen.stems_length -= stems;
            seen.words_length -= words;
        }
        seen
    }

    /// The numbers of the editions that are seen.
    pub(super) fn editions(&self) -> impl Iterator<Item = usize> + '_ {
        self.by_edition.iter().enumerate().filter(|(_, count)| **count > 0).map(|(number, _)| number)
    }
}

impl Source<'_> {
    fn lengths(&self, doc: DocId) -> (u64, u64) {
        (u64::from(self.stems.fieldnorm(doc)), u64::from(self.words.fieldnorm(doc)))
    }
}
