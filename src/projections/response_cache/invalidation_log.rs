//! The invalidation log: which cache tags have changed since which public sequence, and whether an entry is still valid.
//!
//! The projection writes it with [`InvalidationLog::apply`]; every lookup reads it with [`InvalidationLog::validate`].
//!
//! Invariant: an entry is valid only if no row of the change log after its sequence carries one of its tags. What cannot be decided,
//! because a row is corrupt (the follower then opens the log again, after it) or because too many tags have changed, invalidates every
//! older entry.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{PoisonError, RwLock};

use super::cache_tags::{CacheTags, hash_tag};
use crate::domain::change::{AtomicPublicSequence, AtomicSequence, PublicSequence, Resource, Sequence};
use crate::domain::clock::Timestamp;
use crate::store::changes::LogRow;

/// With more changed tags than this, all are forgotten and every older entry is invalid.
const MAX_TAGS: usize = 50_000;

/// What the validity of an entry depends on.
pub(super) struct EntryMeta {
    /// The public sequence at which the response was computed, raised whenever it is found valid later.
    valid_at: AtomicPublicSequence,
    computed_at: Timestamp,
    /// When the clock changes it, as far as was planned when it was computed.
    expires_at: Option<Timestamp>,
    tags: Box<[u64]>,
}

impl EntryMeta {
    pub(super) fn new(sequence: PublicSequence, computed_at: Timestamp, expires_at: Option<Timestamp>, tags: CacheTags) -> Self {
        Self { valid_at: AtomicPublicSequence::new(sequence), computed_at, expires_at, tags: tags.into_hashes() }
    }
}

/// Which tags have changed since when.
#[derive(Default)]
struct InvalidatedTags {
    /// The newest public sequence that changed a tag.
    changed_at: HashMap<u64, PublicSequence>,
    /// Entries below this public sequence are invalid.
    floor: PublicSequence,
}

impl InvalidatedTags {
    fn invalidate_all(&mut self, sequence: PublicSequence) {
        *self = Self { floor: sequence, ..Self::default() };
    }
}

/// See the module.
pub(super) struct InvalidationLog {
    invalidated: RwLock<InvalidatedTags>,
    /// The newest public sequence that was applied.
    public: AtomicPublicSequence,
    /// The newest row that was applied; below zero until the log was opened.
    applied: AtomicSequence,
    /// When the clock changes content next. A planned transition changes no response yet, and has no public sequence.
    next_transition: AtomicI64,
    /// The newest row that a write was answered for before it was applied: until it is, no entry is valid.
    acknowledged: AtomicSequence,
    /// The change log cannot be read: other nodes may have written since.
    is_unreadable: AtomicBool,
}

impl InvalidationLog {
    pub(super) fn new() -> Self {
        Self {
            invalidated: RwLock::default(),
            public: AtomicPublicSequence::default(),
            applied: AtomicSequence::new(Sequence::NOT_OPEN),
            next_transition: AtomicI64::new(i64::MAX),
            acknowledged: AtomicSequence::default(),
            is_unreadable: AtomicBool::new(false),
        }
    }

    /// Starts at a row of the log. Which tags changed before is unknown, so every older entry is invalid.
    pub(super) fn open(&self, row: Sequence, public: PublicSequence, next_transition: Option<Timestamp>) {
        self.invalidated.write().unwrap_or_else(PoisonError::into_inner).invalidate_all(public);
        self.public.store(public, Ordering::SeqCst);
        self.set_next_transition(next_transition);
        self.applied.store(row, Ordering::SeqCst);
    }

    pub(super) fn set_next_transition(&self, next: Option<Timestamp>) {
        self.next_transition.store(to_millis(next), Ordering::SeqCst);
    }

    /// Lowers the time of the next transition; never raises it.
    pub(super) fn lower_next_transition(&self, next: Option<Timestamp>) {
        self.next_transition.fetch_min(to_millis(next), Ordering::SeqCst);
    }

    pub(super) fn next_transition(&self) -> Option<Timestamp> {
        Some(self.next_transition.load(Ordering::SeqCst)).filter(|at| *at < i64::MAX).map(Timestamp)
    }

    pub(super) fn set_readable(&self, readable: bool) {
        self.is_unreadable.store(!readable, Ordering::Relaxed);
    }

    pub(super) fn is_unreadable(&self) -> bool {
        self.is_unreadable.load(Ordering::Relaxed)
    }

    pub(super) fn applied(&self) -> Sequence {
        self.applied.load(Ordering::SeqCst)
    }

    /// Notes that a write was answered before its row was applied.
    pub(super) fn acknowledge(&self, row: Sequence) {
        self.acknowledged.fetch_max(row, Ordering::SeqCst);
    }

    /// Whether every write that was answered is applied.
    pub(super) fn is_current(&self) -> bool {
        let applied = self.applied();
        applied.is_open() && applied >= self.acknowledged.load(Ordering::SeqCst)
    }

    /// Whether the clock has changed nothing since the entry was computed.
    pub(super) fn is_before_transition(&self, entry: &EntryMeta, now: Timestamp) -> bool {
        let next = self.next_transition.load(Ordering::SeqCst);
        entry.expires_at.is_none_or(|expires_at| now < expires_at) && (now.0 < next || entry.computed_at.0 >= next)
    }

    /// The public sequence at which an entry is valid now; None if it is not.
    pub(super) fn validate(&self, entry: &EntryMeta, now: Timestamp) -> Option<PublicSequence> {
        if !self.is_current() || !self.is_before_transition(entry, now) {
            return None;
        }
        let public = self.public.load(Ordering::SeqCst);
        let valid_at = entry.valid_at.load(Ordering::Relaxed);
        if valid_at >= public {
            return Some(valid_at);
        }
        let invalidated = self.invalidated.read().unwrap_or_else(PoisonError::into_inner);
        let changed_at = |tag| invalidated.changed_at.get(tag).copied().unwrap_or_default();
        let is_valid = valid_at >= invalidated.floor && entry.tags.iter().all(|tag| changed_at(tag) <= valid_at);
        is_valid.then(|| entry.valid_at.fetch_max(public, Ordering::Relaxed).max(public))
    }

    /// Applies rows of the change log, oldest first.
    pub(super) fn apply(&self, rows: &[LogRow]) {
        let mut invalidated = self.invalidated.write().unwrap_or_else(PoisonError::into_inner);
        let mut newest = PublicSequence::default();
        for row in rows {
            let Some(public) = row.public_sequence else { continue };
            newest = public;
            invalidated.changed_at.extend(invalidated_tags(row).iter().map(|tag| (hash_tag(tag), public)));
            if row.resource == Resource::Site {
                invalidated.floor = public;
            }
            if invalidated.changed_at.len() > MAX_TAGS {
                invalidated.invalidate_all(public);
            }
        }
        self.public.fetch_max(newest, Ordering::SeqCst);
        drop(invalidated);
        if let Some(last) = rows.last() {
            self.applied.fetch_max(last.sequence, Ordering::SeqCst);
        }
    }
}

fn to_millis(at: Option<Timestamp>) -> i64 {
    at.map_or(i64::MAX, |at| at.0)
}

/// The tags that a change invalidates. A change of a term concerns the responses that show it, and the lists of its kind; a change of an
/// insight concerns its own responses, those of its slug, and the lists that contain it.
fn invalidated_tags(row: &LogRow) -> Vec<String> {
    let row_tags = row.cache_tags.0.iter();
    let mut tags = vec!["changes".to_owned()];
    if row.resource == Resource::Insight {
        tags.extend(row.slug.as_ref().map(|slug| format!("slug:{slug}")));
        tags.extend(row_tags.cloned());
    } else {
        tags.push("terms".to_owned());
        tags.extend(row_tags.filter(|tag| *tag != "insights").cloned());
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::ChangeKind;
    use crate::store::json_column::Json;

    const NOW: Timestamp = Timestamp(0);

    fn opened_at(sequence: i64) -> InvalidationLog {
        let log = InvalidationLog::new();
        log.open(Sequence(sequence), PublicSequence(sequence), None);
        log
    }

    fn published(sequence: i64, tag: &str) -> LogRow {
        LogRow {
            sequence: Sequence(sequence),
            at: 0,
            kind: ChangeKind::Published,
            resource: Resource::Insight,
            resource_id: None,
            slug: None,
            public_sequence: Some(PublicSequence(sequence)),
            cache_tags: Json(vec![tag.to_owned()]),
        }
    }

    fn entry_of(tag: &str, sequence: i64) -> EntryMeta {
        EntryMeta::new(PublicSequence(sequence), NOW, None, [tag].into_iter().collect())
    }

    #[test]
    fn a_change_invalidates_entries_with_its_tags_only() {
        let log = opened_at(1);
        let [changed, unrelated] = [entry_of("insight:a", 1), entry_of("insight:b", 1)];
        log.apply(&[published(2, "insight:a")]);
        assert_eq!(log.validate(&changed, NOW), None);
        assert_eq!(log.validate(&unrelated, NOW), Some(PublicSequence(2)));
    }

    #[test]
    fn opening_the_log_again_invalidates_every_older_entry() {
        let log = opened_at(1);
        let [older, newer] = [entry_of("insight:a", 1), entry_of("insight:a", 2)];
        log.open(Sequence(2), PublicSequence(2), None);
        assert_eq!(log.validate(&older, NOW), None);
        assert_eq!(log.validate(&newer, NOW), Some(PublicSequence(2)));
    }

    #[test]
    fn no_entry_is_valid_until_an_acknowledged_write_is_applied() {
        let log = opened_at(1);
        let entry = entry_of("insight:b", 1);
        log.acknowledge(Sequence(2));
        assert_eq!(log.validate(&entry, NOW), None);
        log.apply(&[published(2, "insight:a")]);
        assert_eq!(log.validate(&entry, NOW), Some(PublicSequence(2)));
    }
}
