//! Where the event stream is: the newest public number, pushed to whoever waits for it.
//!
//! It holds no content. Readers of the stream read the log from where each of them is, so none can be told something that is no longer
//! visible, and none has a buffer that grows.

use tokio::sync::watch;

use super::follower::Projection;
use crate::domain::change::{PublicSequence, Sequence};
use crate::store::Store;
use crate::store::changes::{self, LogRow};

/// The writing end.
pub struct Stream {
    newest: watch::Sender<PublicSequence>,
}

impl Stream {
    #[must_use]
    pub fn new() -> (Self, watch::Receiver<PublicSequence>) {
        let (newest, receiver) = watch::channel(PublicSequence(0));
        (Self { newest }, receiver)
    }
}

impl Projection for Stream {
    const NAME: &'static str = "stream";

    async fn open(&mut self, store: &Store) -> anyhow::Result<Sequence> {
        let position = changes::newest(store.reader()).await?;
        self.newest.send_replace(changes::public_at(store.reader(), position).await?);
        Ok(position)
    }

    async fn apply(&mut self, _: &Store, rows: &[LogRow]) -> anyhow::Result<()> {
        if let Some(newest) = rows.iter().rev().find_map(|row| row.public_sequence) {
            self.newest.send_replace(newest);
        }
        Ok(())
    }
}
