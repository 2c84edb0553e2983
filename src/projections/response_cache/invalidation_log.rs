//! What has changed since when, read from the log, and whether an answer of some age is still true.

use std::collections::HashMap;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::change::{AtomicPublicSequence, AtomicSequence, PublicSequence, Resource, Sequence};
use crate::domain::clock::Timestamp;
use crate::projections::follower::Projection;
use crate::store::changes::{self, LogRow};
use crate::store::transitions::Upcoming;
use crate::store::{Store, transitions};

/// Names that are remembered one by one; beyond, everything that is older is given up.
const MOST_NAMES: usize = 50_000;

/// What an answer was made of, and when.
pub(super) struct EntryMeta {
    /// The public number that it was true at, raised whenever it was found to be true later.
    made_at: AtomicPublicSequence,
    /// When it was made, and when the clock changes it as far as was known then.
    since: Timestamp,
    until: Option<Timestamp>,
    names: Box<[u64]>,
}

impl EntryMeta {
    pub(super) fn new(made_at: PublicSequence, (since, until): (Timestamp, Option<Timestamp>), names: CacheTags) -> Self {
        let CacheTags { mut numbers, .. } = names;
        numbers.sort_unstable();
        numbers.dedup();
        Self { made_at: AtomicPublicSequence::new(made_at), since, until, names: numbers.into() }
    }
}

/// The names that an answer is dropped by, as they are remembered: a list has a hundred.
#[derive(Default)]
pub struct CacheTags {
    numbers: Vec<u64>,
    /// Where a name is put together.
    room: String,
}

impl CacheTags {
    /// A name in parts.
    pub fn add(&mut self, parts: &[&str]) {
        self.room.clear();
        self.room.extend(parts.iter().copied());
        self.numbers.push(number(&self.room));
    }
}

impl<N: AsRef<str>> Extend<N> for CacheTags {
    fn extend<I: IntoIterator<Item = N>>(&mut self, names: I) {
        self.numbers.extend(names.into_iter().map(|name| number(name.as_ref())));
    }
}

impl<N: AsRef<str>> FromIterator<N> for CacheTags {
    fn from_iter<I: IntoIterator<Item = N>>(of: I) -> Self {
        let mut names = Self::default();
        names.extend(of);
        names
    }
}

/// A name as it is remembered. Two names that share a number drop more than they should, and never less.
fn number(name: &str) -> u64 {
    foldhash::quality::FixedState::default().hash_one(name)
}

/// What has changed since when.
#[derive(Default)]
struct TouchedTags {
    /// The newest public number of each name.
    names: HashMap<u64, PublicSequence>,
    /// What is older is given up.
    floor: PublicSequence,
}

/// What the follower tells the readers.
pub(super) struct InvalidationLog {
    touched: RwLock<TouchedTags>,
    /// The newest public number that is remembered, and the newest row of the log; below zero until the log was looked at.
    pub(super) public: AtomicPublicSequence,
    pub(super) reached: AtomicSequence,
    /// When the clock changes content next. What is planned changes no answer yet, and has no public number.
    pub(super) next: AtomicI64,
    /// The newest row that a write was answered for without waiting for it any longer.
    pub(super) owed: AtomicSequence,
    /// The log cannot be read: others may have written since.
    pub(super) cut_off: AtomicBool,
}

impl InvalidationLog {
    pub(super) fn new() -> Self {
        Self {
            touched: RwLock::default(),
            public: AtomicPublicSequence::default(),
            reached: AtomicSequence::new(Sequence::NOT_OPEN),
            next: AtomicI64::new(i64::MAX),
            owed: AtomicSequence::default(),
            cut_off: AtomicBool::new(false),
        }
    }

    /// Whether the clock has changed nothing since.
    pub(super) fn is_before_transition(&self, life: &EntryMeta, now: Timestamp) -> bool {
        let next = self.next.load(Ordering::SeqCst);
        life.until.is_none_or(|until| now < until) && (now.0 < next || life.since.0 >= next)
    }

    /// Whether all that was answered is remembered.
    pub(super) fn is_current(&self) -> bool {
        let reached = self.reached.load(Ordering::SeqCst);
        reached.is_open() && reached >= self.owed.load(Ordering::SeqCst)
    }

    /// The public number that an answer is true at, if it is.
    pub(super) fn holds(&self, life: &EntryMeta, now: Timestamp) -> Option<PublicSequence> {
        if !self.is_current() || !self.is_before_transition(life, now) {
            return None;
        }
        let public = self.public.load(Ordering::SeqCst);
        let made_at = life.made_at.load(Ordering::Relaxed);
        if made_at >= public {
            return Some(made_at);
        }
        let touched = self.touched.read().unwrap_or_else(PoisonError::into_inner);
        let since = |name| touched.names.get(name).copied().unwrap_or_default();
        let holds = made_at >= touched.floor && life.names.iter().all(|name| since(name) <= made_at);
        holds.then(|| life.made_at.fetch_max(public, Ordering::Relaxed).max(public))
    }
}

/// The writing end: it reads from the log what changed.
pub struct ResponseCacheProjection {
    known: Arc<InvalidationLog>,
    /// What the clock does next was not known to the newest row.
    look_again: bool,
}

impl ResponseCacheProjection {
    pub(super) fn new(known: Arc<InvalidationLog>) -> Self {
        Self { known, look_again: false }
    }
}

impl Projection for ResponseCacheProjection {
    const NAME: &'static str = "response cache";

    async fn open(&mut self, store: &Store) -> anyhow::Result<Sequence> {
        let Upcoming { at: next, newest: position } = transitions::find_upcoming(store).await?;
        let public = changes::public_at(store.reader(), position).await?;
        // What changed while nobody looked is not known by name.
        *self.known.touched.write().unwrap_or_else(PoisonError::into_inner) = TouchedTags { floor: public, ..TouchedTags::default() };
        self.known.public.store(public, Ordering::SeqCst);
        self.known.next.store(millis(next), Ordering::SeqCst);
        self.known.reached.store(position, Ordering::SeqCst);
        Ok(position)
    }

    fn on_log_readable(&self, readable: bool) {
        self.known.cut_off.store(!readable, Ordering::Relaxed);
    }

    async fn apply(&mut self, store: &Store, rows: &[LogRow]) -> anyhow::Result<()> {
        let moves = |row: &LogRow| row.resource == Resource::Insight && !row.is_draft();
        if !self.look_again && !rows.iter().any(moves) {
            self.known.take(rows);
            return Ok(());
        }
        let Upcoming { at: next, newest } = transitions::find_upcoming(store).await?;
        self.known.next.fetch_min(millis(next), Ordering::SeqCst);
        self.known.take(rows);
        // What the clock has done is taken out of the plan and put into the log at once: the plan is that of this row only when none came behind it.
        self.look_again = rows.last().is_none_or(|last| last.sequence < newest);
        if !self.look_again {
            self.known.next.store(millis(next), Ordering::SeqCst);
        }
        Ok(())
    }
}

fn millis(at: Option<Timestamp>) -> i64 {
    at.map_or(i64::MAX, |at| at.0)
}

impl InvalidationLog {
    fn take(&self, rows: &[LogRow]) {
        let mut touched = self.touched.write().unwrap_or_else(PoisonError::into_inner);
        let mut newest = PublicSequence::default();
        for row in rows {
            let Some(public) = row.public_sequence else { continue };
            newest = public;
            if row.resource == Resource::Site {
                touched.floor = public;
            }
            for name in names(row) {
                touched.names.insert(number(&name), public);
            }
            if touched.names.len() > MOST_NAMES {
                *touched = TouchedTags { floor: public, ..TouchedTags::default() };
            }
        }
        self.public.fetch_max(newest, Ordering::SeqCst);
        drop(touched);
        if let Some(last) = rows.last() {
            self.reached.fetch_max(last.sequence, Ordering::SeqCst);
        }
    }
}

/// The names of the answers that a change can have changed. A term concerns the answers that show it, and the lists of its kind; what is said of
/// an insight concerns it, whoever leads to it, and the lists that it is in.
fn names(row: &LogRow) -> Vec<String> {
    let tags = row.cache_tags.0.iter();
    let mut names = vec!["changes".to_owned()];
    if row.resource == Resource::Insight {
        names.extend(row.slug.as_ref().map(|slug| format!("slug:{slug}")));
        names.extend(tags.cloned());
    } else {
        names.push("terms".to_owned());
        names.extend(tags.filter(|tag| *tag != "insights").cloned());
    }
    names
}
