//! The limits of event streams, and the pages of events that they share.

use actix_web::web::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::time::Instant;
use tokio::sync::{OnceCell, Semaphore, watch};

use crate::domain::change::PublicSequence;

/// The limits of event streams, and what they share.
#[derive(Debug)]
pub struct EventLimits {
    pub(crate) permits: Arc<Semaphore>,
    max_streams: usize,
    pub(crate) lifetime: Duration,
    pub(crate) pages: Mutex<SharedEventPages>,
    shutdown: watch::Sender<bool>,
}

impl EventLimits {
    /// `shutdown` becomes true when the service stops: streams end then.
    #[must_use]
    pub fn new(max_streams: usize, lifetime: Duration, shutdown: watch::Sender<bool>) -> Self {
        let max_streams = max_streams.min(Semaphore::MAX_PERMITS);
        Self { permits: Arc::new(Semaphore::new(max_streams)), max_streams, lifetime, pages: Mutex::default(), shutdown }
    }

    /// The number of open streams.
    pub(crate) fn open_streams(&self) -> usize {
        self.max_streams.saturating_sub(self.permits.available_permits())
    }

    pub(crate) fn shutdown(&self) -> watch::Receiver<bool> {
        self.shutdown.subscribe()
    }
}

/// A page is the same for streams at the same position, with the same newest sequence and the same locale.
pub(crate) type EventPageKey = (PublicSequence, PublicSequence, Option<String>);

pub(crate) type EventPageCell = Arc<OnceCell<Arc<EventPage>>>;

/// The pages that streams read last; streams that need the same page share one read.
#[derive(Debug, Default)]
pub(crate) struct SharedEventPages(VecDeque<SharedEventPage>);

#[derive(Debug)]
struct SharedEventPage {
    key: EventPageKey,
    created: Instant,
    cell: EventPageCell,
}

impl SharedEventPages {
    const MAX_PAGES: usize = 16;
    /// The clock may end what a page shows: only streams that need it at the same time share it.
    const MAX_PAGE_AGE: Duration = Duration::from_millis(500);

    pub(crate) fn get_or_insert(pages: &Mutex<Self>, key: EventPageKey) -> EventPageCell {
        let mut pages = pages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(page) = pages.0.iter().find(|page| page.key == key && page.created.elapsed() < Self::MAX_PAGE_AGE) {
            return page.cell.clone();
        }
        let cell = EventPageCell::default();
        pages.0.push_back(SharedEventPage { key, created: Instant::now(), cell: cell.clone() });
        if pages.0.len() > Self::MAX_PAGES {
            pages.0.pop_front();
        }
        cell
    }
}

/// The last sequence of a page and its bytes; None when there is no event.
pub(crate) type EventPage = Option<(PublicSequence, Bytes)>;
