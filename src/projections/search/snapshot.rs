//! The index at one commit, as all searches share it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::Searcher;

use super::index::schema::IndexFields;
use super::reader::terms::TermTable;
use super::reader::view::View;
use super::reader::visibility::SegmentData;
use crate::domain::change::PublicSequence;
use crate::domain::clock::Timestamp;

/// A cache that reaches this number of views is cleared.
const MAX_CACHED_VIEWS: usize = 32;

pub(super) struct IndexSnapshot {
    pub(super) searcher: Searcher,
    pub(super) fields: IndexFields,
    pub(super) terms: Arc<TermTable>,
    /// The newest public sequence that the snapshot contains.
    pub(super) public_sequence: PublicSequence,
    /// One for each segment of the searcher.
    pub(super) segments: Vec<Arc<SegmentData>>,
    /// The locales that have texts.
    pub(super) locales: Vec<String>,
    /// The newest view for each fallback chain.
    pub(super) views: Mutex<HashMap<Vec<String>, Arc<View>>>,
}

impl IndexSnapshot {
    /// The documents that readers with this fallback chain can find now.
    pub(super) fn view(&self, chain: &[String], now: Timestamp) -> tantivy::Result<Arc<View>> {
        let chain: Vec<String> = chain.iter().filter(|locale| self.locales.contains(locale)).cloned().collect();
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = views.get(&chain).filter(|view| view.is_valid_at(now)) {
            return Ok(view.clone());
        }
        if views.len() >= MAX_CACHED_VIEWS && !views.contains_key(&chain) {
            views.clear();
        }
        let view = Arc::new(View::new(&self.searcher, &self.segments, &self.fields, &chain, now)?);
        views.insert(chain, view.clone());
        Ok(view)
    }
}
