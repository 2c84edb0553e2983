//! What every handler can reach.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::domain::clock::{Clock, Timestamp};
use crate::editorial::keys::KeyRing;
use crate::editorial::throttle::Throttle;
use crate::store::Store;
use crate::store::changes::Freshness;

/// The service behind the routes.
pub struct Api {
    pub store: Store,
    pub keys: KeyRing,
    pub throttle: Throttle,
    pub clock: Clock,
    /// The public address, without a slash at its end.
    pub base_url: String,
    pub limits: Limits,
    /// Requests that are being answered, those whose clients left included.
    pub in_flight: AtomicUsize,
    /// The newest public sequence this node has told anybody.
    pub sequence: AtomicI64,
}

/// What a request may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests at once; the next one is told to come back.
    pub requests: usize,
    pub body_bytes: usize,
    pub body_time: Duration,
    /// Whether `X-Forwarded-For` is believed: only behind a proxy that sets it.
    pub trust_forwarded: bool,
}

impl Api {
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How fresh public content is; remembered for answers that carry no content.
    pub(super) async fn freshness(&self, now: Timestamp) -> Result<Freshness, super::problem::Problem> {
        let freshness = crate::store::changes::freshness(self.store.reader(), now).await?;
        self.sequence.fetch_max(freshness.sequence, Ordering::Relaxed);
        Ok(freshness)
    }
}
