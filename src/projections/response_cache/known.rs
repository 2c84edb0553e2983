//! What has changed since when, read from the log, and whether an answer of some age is still true.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::clock::Timestamp;
use crate::projections::follower::Projection;
use crate::store::changes::{self, LogRow};
use crate::store::error::StoreError;
use crate::store::{Store, transitions};

/// Names that are remembered one by one; beyond, everything that is older is given up.
const MOST_NAMES: usize = 50_000;

/// What an answer was made of, and when.
pub(super) struct Life {
    /// The public number that it was true at, raised whenever it was found to be true later.
    made_at: AtomicI64,
    /// When it was made, and when the clock changes it as far as was known then.
    since: Timestamp,
    until: Option<Timestamp>,
    names: Box<[u64]>,
}

impl Life {
    pub(super) fn new(made_at: i64, (since, until): (Timestamp, Option<Timestamp>), names: &[String]) -> Self {
        Self { made_at: AtomicI64::new(made_at), since, until, names: names.iter().map(|name| number(name)).collect() }
    }
}

/// A name as it is remembered. Two names that share a number drop more than they should, and never less.
fn number(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// What has changed since when.
#[derive(Default)]
struct Touched {
    /// The newest public number of each name.
    names: HashMap<u64, i64>,
    /// What is older is given up.
    floor: i64,
}

/// What the follower tells the readers.
pub(super) struct Known {
    touched: RwLock<Touched>,
    /// The newest public number that is remembered, and the newest row of the log; below zero until the log was looked at.
    pub(super) public: AtomicI64,
    pub(super) reached: AtomicI64,
    /// When the clock changes content next. What is planned changes no answer yet, and has no public number.
    pub(super) next: AtomicI64,
    /// The newest row that a write was answered for without waiting for it any longer.
    pub(super) owed: AtomicI64,
}

impl Known {
    pub(super) fn new() -> Self {
        let [public, reached, next, owed] = [0, -1, i64::MAX, 0].map(AtomicI64::new);
        Self { touched: RwLock::default(), public, reached, next, owed }
    }

    pub(super) fn holds(&self, life: &Life, now: Timestamp) -> bool {
        let reached = self.reached.load(Ordering::SeqCst);
        let next = self.next.load(Ordering::SeqCst);
        let over = life.until.is_some_and(|until| now >= until) || now.0 >= next && life.since.0 < next;
        if over || reached < 0 || reached < self.owed.load(Ordering::SeqCst) {
            return false;
        }
        let public = self.public.load(Ordering::SeqCst);
        let made_at = life.made_at.load(Ordering::Relaxed);
        if made_at >= public {
            return true;
        }
        let touched = self.touched.read().unwrap_or_else(PoisonError::into_inner);
        let since = |name| touched.names.get(name).copied().unwrap_or(0);
        let holds = made_at >= touched.floor && life.names.iter().all(|name| since(name) <= made_at);
        if holds {
            life.made_at.fetch_max(public, Ordering::Relaxed);
        }
        holds
    }
}

/// The writing end: it reads from the log what changed.
pub struct ResponseCacheProjection {
    known: Arc<Known>,
}

impl ResponseCacheProjection {
    pub(super) fn new(known: Arc<Known>) -> Self {
        Self { known }
    }
}

impl Projection for ResponseCacheProjection {
    const NAME: &'static str = "response cache";

    async fn open(&mut self, store: &Store) -> anyhow::Result<i64> {
        let position = changes::newest(store.reader()).await?;
        let public = changes::public_at(store.reader(), position).await?;
        // What changed while nobody looked is not known by name.
        *self.known.touched.write().unwrap_or_else(PoisonError::into_inner) = Touched { floor: public, ..Touched::default() };
        self.known.public.store(public, Ordering::SeqCst);
        self.known.look_ahead(store).await?;
        self.known.reached.store(position, Ordering::SeqCst);
        Ok(position)
    }

    async fn apply(&mut self, store: &Store, rows: &[LogRow]) -> anyhow::Result<()> {
        if rows.iter().any(|row| row.resource == "insight" && !matches!(row.kind.as_str(), "created" | "revised")) {
            self.known.look_ahead(store).await?;
        }
        self.known.take(rows);
        Ok(())
    }
}

impl Known {
    async fn look_ahead(&self, store: &Store) -> Result<(), StoreError> {
        let next = transitions::next(store).await?;
        self.next.store(next.map_or(i64::MAX, |at| at.0), Ordering::SeqCst);
        Ok(())
    }

    fn take(&self, rows: &[LogRow]) {
        let mut touched = self.touched.write().unwrap_or_else(PoisonError::into_inner);
        let mut newest = 0;
        for row in rows {
            let Some(public) = row.public_sequence else { continue };
            newest = public;
            if row.resource == "site" {
                touched.floor = public;
            }
            for name in names(row) {
                touched.names.insert(number(&name), public);
            }
            if touched.names.len() > MOST_NAMES {
                *touched = Touched { floor: public, ..Touched::default() };
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
    let tags: Vec<String> = serde_json::from_str(&row.cache_tags).unwrap_or_default();
    let mut names = vec!["changes".to_owned()];
    if row.resource == "insight" {
        names.extend(row.slug.as_ref().map(|slug| format!("slug:{slug}")));
        names.extend(tags);
    } else {
        names.push("terms".to_owned());
        names.extend(tags.into_iter().filter(|tag| tag != "insights"));
    }
    names
}
