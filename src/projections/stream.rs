//! The position of the event stream: the newest public sequence, pushed to every connection that waits for it.
//!
//! Subscribe to the receiver that [`Stream::new`] returns, then read the log from your own position. The stream holds no content: a
//! connection can neither receive what is no longer visible nor grow a buffer.

use tokio::sync::watch;

use super::follower::Projection;
use crate::domain::change::{PublicSequence, Sequence};
use crate::store::Store;
use crate::store::changes::{self, LogRow};

/// The sender of the newest public sequence.
pub struct Stream {
    newest_public: watch::Sender<PublicSequence>,
}

impl Stream {
    #[must_use]
    pub fn new() -> (Self, watch::Receiver<PublicSequence>) {
        let (newest_public, receiver) = watch::channel(PublicSequence(0));
        (Self { newest_public }, receiver)
    }
}

impl Projection for Stream {
    const NAME: &'static str = "stream";

    async fn open(&mut self, store: &Store) -> anyhow::Result<Sequence> {
        let row_sequence = changes::newest(store.reader()).await?;
        self.newest_public.send_replace(changes::public_at(store.reader(), row_sequence).await?);
        Ok(row_sequence)
    }

    async fn apply(&mut self, _: &Store, rows: &[LogRow]) -> anyhow::Result<()> {
        if let Some(public_sequence) = rows.iter().rev().find_map(|row| row.public_sequence) {
            self.newest_public.send_replace(public_sequence);
        }
        Ok(())
    }
}
