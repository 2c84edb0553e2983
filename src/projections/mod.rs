//! Data derived from the change log: the search index, the response cache, the event stream.
//!
//! A projection implements `follower::Projection` and runs under `follower::follow`. It may lag behind the log, it can be rebuilt from
//! the database at any time, and it never changes content.

pub mod follower;
pub mod response_cache;
pub mod search;
pub mod stream;
