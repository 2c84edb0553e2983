//! The change feed, pulled as pages and pushed as an event stream.

pub(crate) mod event_stream;
pub(crate) mod feed;
