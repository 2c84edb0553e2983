//! Feeds the invalidation log from the change log.

use std::sync::Arc;

use super::invalidation_log::InvalidationLog;
use crate::domain::change::{Resource, Sequence};
use crate::projections::follower::Projection;
use crate::store::changes::{self, LogRow};
use crate::store::transitions::Upcoming;
use crate::store::{Store, transitions};

/// The writing end of the response cache, run by the follower.
pub struct ResponseCacheProjection {
    log: Arc<InvalidationLog>,
    /// The plan of transitions was newer than the last applied row: read it again with the next rows.
    must_reread_plan: bool,
}

impl ResponseCacheProjection {
    pub(super) fn new(log: Arc<InvalidationLog>) -> Self {
        Self { log, must_reread_plan: false }
    }
}

impl Projection for ResponseCacheProjection {
    const NAME: &'static str = "response cache";

    async fn open(&mut self, store: &Store) -> anyhow::Result<Sequence> {
        let Upcoming { at: next, newest: position } = transitions::find_upcoming(store).await?;
        let public = changes::public_at(store.reader(), position).await?;
        self.log.open(position, public, next);
        Ok(position)
    }

    fn on_log_readable(&self, readable: bool) {
        self.log.set_readable(readable);
    }

    async fn apply(&mut self, store: &Store, rows: &[LogRow]) -> anyhow::Result<()> {
        let may_change_plan = |row: &LogRow| row.resource == Resource::Insight && !row.is_draft();
        if !self.must_reread_plan && !rows.iter().any(may_change_plan) {
            self.log.apply(rows);
            return Ok(());
        }
        let Upcoming { at: next, newest } = transitions::find_upcoming(store).await?;
        self.log.lower_next_transition(next);
        self.log.apply(rows);
        // One transaction removes a transition from the plan and appends it to the log: the plan is that of the last row only if no row
        // came after it.
        self.must_reread_plan = rows.last().is_none_or(|last| last.sequence < newest);
        if !self.must_reread_plan {
            self.log.set_next_transition(next);
        }
        Ok(())
    }
}
