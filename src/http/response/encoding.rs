//! Content encodings (RFC 9110, section 12.5.3): which one a client prefers, and compression into it.

use std::cell::RefCell;
use std::io::Write as _;

use actix_web::http::header::{self, HeaderMap};

use crate::http::request::negotiation;
use crate::http::request::negotiation::combined_header;

/// Shorter bodies do not gain what the header of an encoding costs.
const MIN_ENCODED_BYTES: usize = 1_024;

/// The content encoding of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Brotli,
    Gzip,
}

thread_local! {
    /// The last `Accept-Encoding` and its outcome. Most clients send the same; negotiating each time adds 4 % to the instructions of a
    /// cache hit.
    static LAST_NEGOTIATED: RefCell<(String, Encoding)> = const { RefCell::new((String::new(), Encoding::Identity)) };
}

/// Whether compressing a body pays.
pub(crate) fn is_compressible(length: usize, content_type: &str) -> bool {
    let text_like = ["text/", "application/json", "application/vnd.", "application/yaml", "application/problem", "image/svg"];
    length >= MIN_ENCODED_BYTES && text_like.iter().any(|prefix| content_type.starts_with(prefix))
}

impl Encoding {
    /// The best encoding that the client accepts.
    pub(crate) fn negotiate(headers: &HeaderMap) -> Self {
        let Some(accepted) = combined_header(headers, &header::ACCEPT_ENCODING) else { return Self::Identity };
        LAST_NEGOTIATED.with_borrow_mut(|(last, chosen)| {
            if *last != accepted {
                (*accepted).clone_into(last);
                *chosen = Self::preferred(&accepted);
            }
            *chosen
        })
    }

    fn preferred(accepted: &str) -> Self {
        // An empty list accepts nothing but the body as it is.
        let accepted = if accepted.trim().is_empty() { "identity" } else { accepted };
        match negotiation::choose(Some(accepted), &["br", "gzip"]) {
            Some("br") => Self::Brotli,
            Some(_) => Self::Gzip,
            None => Self::Identity,
        }
    }

    /// The value of `Content-Encoding`, if there is one.
    pub(crate) fn token(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
        }
    }

    /// Each encoding has a strong validator of its own.
    pub(crate) fn etag_suffix(self) -> &'static str {
        match self {
            Self::Identity => "",
            Self::Brotli => "-br",
            Self::Gzip => "-gzip",
        }
    }

    pub(crate) fn encode(self, body: &[u8]) -> Vec<u8> {
        match self {
            Self::Identity => body.to_vec(),
            Self::Brotli => {
                let mut out = brotli::CompressorWriter::new(Vec::with_capacity(body.len() / 4), 4096, 4, 20);
                let _ = out.write_all(body);
                out.into_inner()
            }
            Self::Gzip => {
                let mut out = flate2::write::GzEncoder::new(Vec::with_capacity(body.len() / 4), flate2::Compression::new(5));
                let _ = out.write_all(body);
                // Writing into memory does not fail.
                out.finish().unwrap_or_default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_with_the_highest_quality_wins() {
        for (accepted, expected) in [
            ("gzip, br", Encoding::Brotli),
            ("br;q=0.1, gzip;q=0.5", Encoding::Gzip),
            ("deflate", Encoding::Identity),
            ("", Encoding::Identity),
            ("*;q=0", Encoding::Identity),
        ] {
            assert_eq!(Encoding::preferred(accepted), expected, "{accepted}");
        }
    }

    #[test]
    fn repetitive_bodies_compress_in_every_encoding() {
        let body = b"insight ".repeat(500);
        for encoding in [Encoding::Brotli, Encoding::Gzip] {
            let compressed = encoding.encode(&body);
            assert!(compressed.len() < body.len() / 10, "{encoding:?}");
        }
    }
}
