//! What event streams may cost, and the pages that they share.

use crate::domain::change::PublicSequence;
use actix_web::web::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::time::Instant;
use tokio::sync::{OnceCell, Semaphore, watch};

/// What event streams may cost, and what they share.
#[derive(Debug)]
pub struct EventLimits {
    pub(crate) places: Arc<Semaphore>,
    most: usize,
    pub(crate) lifetime: Duration,
    pub(crate) pages: Mutex<SharedEventPages>,
    closing: watch::Sender<bool>,
}

impl EventLimits {
    /// The sending end says when the service stops: streams end then.
    #[must_use]
    pub fn new(most: usize, lifetime: Duration, closing: watch::Sender<bool>) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(most)), most, lifetime, pages: Mutex::default(), closing }
    }

    /// How many are open.
    pub(crate) fn open(&self) -> usize {
        self.most.saturating_sub(self.places.available_permits())
    }

    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }
}

pub(crate) type EventPageKey = (PublicSequence, PublicSequence, Option<String>);

pub(crate) type EventPageCell = Arc<OnceCell<Arc<EventPage>>>;

/// The pages that streams have asked for last, each read once.
#[derive(Debug, Default)]
pub(crate) struct SharedEventPages(VecDeque<(EventPageKey, Instant, EventPageCell)>);

impl SharedEventPages {
    const MOST: usize = 16;
    const SHARED_FOR: Duration = Duration::from_millis(500);

    pub(crate) fn cell(pages: &Mutex<Self>, key: EventPageKey) -> EventPageCell {
        let mut pages = pages.lock().unwrap_or_else(PoisonError::into_inner);
        // What a page shows may end by the clock: it is shared by those who come at once, and by nobody later.
        let young = |at: &Instant| at.elapsed() < Self::SHARED_FOR;
        if let Some((_, _, cell)) = pages.0.iter().find(|(there, at, _)| *there == key && young(at)) {
            return cell.clone();
        }
        let cell = EventPageCell::default();
        pages.0.push_back((key, Instant::now(), cell.clone()));
        if pages.0.len() > Self::MOST {
            pages.0.pop_front();
        }
        cell
    }
}

/// The last number of a page and its bytes; nothing when there is no page there.
pub(crate) type EventPage = Option<(PublicSequence, Bytes)>;
