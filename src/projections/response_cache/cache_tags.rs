//! Cache tags: what a cached response depends on. A change in the log carries the tags that it invalidates.

use std::hash::BuildHasher as _;

/// The tags of a cache entry. Only their hashes are kept: a list has a hundred.
///
/// Two tags with one hash invalidate more than they should, and never less.
#[derive(Default)]
pub struct CacheTags {
    hashes: Vec<u64>,
    /// Reused to concatenate the parts of a tag.
    buffer: String,
}

impl CacheTags {
    /// Adds a tag in parts, without allocating it.
    pub fn add(&mut self, parts: &[&str]) {
        self.buffer.clear();
        self.buffer.extend(parts.iter().copied());
        self.hashes.push(hash_tag(&self.buffer));
    }

    /// The hashes, sorted and without duplicates.
    pub(super) fn into_hashes(mut self) -> Box<[u64]> {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.hashes.into()
    }
}

impl<T: AsRef<str>> Extend<T> for CacheTags {
    fn extend<I: IntoIterator<Item = T>>(&mut self, tags: I) {
        self.hashes.extend(tags.into_iter().map(|tag| hash_tag(tag.as_ref())));
    }
}

impl<T: AsRef<str>> FromIterator<T> for CacheTags {
    fn from_iter<I: IntoIterator<Item = T>>(tags: I) -> Self {
        let mut collected = Self::default();
        collected.extend(tags);
        collected
    }
}

pub(super) fn hash_tag(tag: &str) -> u64 {
    foldhash::quality::FixedState::default().hash_one(tag)
}
