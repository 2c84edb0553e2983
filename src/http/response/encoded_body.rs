//! A body and its encodings, each computed at most once.
//!
//! Invariant: no body longer than [`MAX_INLINE_BYTES`] is compressed where requests are processed, which would block every other request of
//! the worker. Such a body is sent as it is until a blocking thread has compressed it.

use std::sync::{Arc, OnceLock};

use actix_web::web::Bytes;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::http::response::encoding::Encoding;

/// Longer bodies are compressed on another thread, or not at all.
const MAX_INLINE_BYTES: usize = 64 * 1024;

/// Compresses long bodies on blocking threads, one at a time: requests that make many long responses do not occupy every processor.
#[derive(Debug)]
pub(crate) struct BackgroundCompressor(Arc<Semaphore>);

impl Default for BackgroundCompressor {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

/// See the module.
pub(crate) struct EncodedBody {
    plain: Bytes,
    compressed: Arc<CompressedForms>,
}

/// Brotli and gzip.
type CompressedForms = [OnceLock<Bytes>; 2];

fn index(encoding: Encoding) -> Option<usize> {
    match encoding {
        Encoding::Identity => None,
        Encoding::Brotli => Some(0),
        Encoding::Gzip => Some(1),
    }
}

impl EncodedBody {
    pub(crate) fn new(plain: Bytes) -> Self {
        Self { plain, compressed: Arc::default() }
    }

    pub(crate) fn len(&self) -> usize {
        self.plain.len()
    }

    /// The preferred encoding if the body has it or is short enough to get it now, else the body as it is.
    pub(crate) fn available(&self, preferred: Encoding) -> Encoding {
        let Some(index) = index(preferred) else { return Encoding::Identity };
        let can_be_sent = self.plain.len() <= MAX_INLINE_BYTES || self.compressed[index].get().is_some();
        if can_be_sent { preferred } else { Encoding::Identity }
    }

    /// The bytes in an encoding that is [available](EncodedBody::available).
    pub(crate) fn bytes(&self, encoding: Encoding) -> Bytes {
        let Some(index) = index(encoding) else { return self.plain.clone() };
        self.compressed[index].get_or_init(|| encoding.encode(&self.plain).into()).clone()
    }

    /// Starts to compress the body for later requests. Does nothing while another body is being compressed: a later request starts it.
    pub(crate) fn prepare(&self, encoding: Encoding, compressor: &BackgroundCompressor) {
        let Some(index) = index(encoding) else { return };
        let (Ok(runtime), Ok(permit)) = (Handle::try_current(), compressor.0.clone().try_acquire_owned()) else { return };
        let (plain, compressed) = (self.plain.clone(), self.compressed.clone());
        // Detached: it ends by itself, and its result is in the body.
        drop(runtime.spawn_blocking(move || {
            compressed[index].get_or_init(|| encoding.encode(&plain).into());
            drop(permit);
        }));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_short_body_is_compressed_at_once() {
        let body = EncodedBody::new(Bytes::from(vec![b'x'; MAX_INLINE_BYTES]));
        assert_eq!(body.available(Encoding::Gzip), Encoding::Gzip);
        assert!(body.bytes(Encoding::Gzip).len() < 1_000);
    }

    /// Without a runtime there is no other thread: nothing compresses it.
    #[test]
    fn a_long_body_is_never_compressed_in_the_request_path() {
        let body = EncodedBody::new(Bytes::from(vec![b'x'; MAX_INLINE_BYTES + 1]));
        for encoding in [Encoding::Brotli, Encoding::Gzip] {
            body.prepare(encoding, &BackgroundCompressor::default());
            assert_eq!(body.available(encoding), Encoding::Identity);
        }
        assert!(body.compressed.iter().all(|form| form.get().is_none()));
    }

    #[tokio::test]
    async fn a_long_body_is_compressed_once_in_the_background() {
        let body = EncodedBody::new(Bytes::from(vec![b'x'; MAX_INLINE_BYTES + 1]));
        let compressor = BackgroundCompressor::default();
        body.prepare(Encoding::Gzip, &compressor);
        assert!(compressor.0.try_acquire().is_err(), "one at a time");
        tokio::time::timeout(Duration::from_secs(30), compressor.0.acquire()).await.unwrap().unwrap().forget();
        assert_eq!(body.available(Encoding::Gzip), Encoding::Gzip);
        assert_eq!(body.available(Encoding::Brotli), Encoding::Identity);
        assert_eq!(body.bytes(Encoding::Gzip).as_ptr(), body.bytes(Encoding::Gzip).as_ptr(), "the same bytes each time");
    }
}
