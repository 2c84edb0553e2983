//! What is derived from the change log: it may lag, but never lies, and can always be made anew. Nothing here changes content.

pub mod follower;
pub mod response_cache;
pub mod search;
pub mod stream;
