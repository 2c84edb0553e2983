//! One entity per table. The migrations are the schema; a test compares the two.

pub mod change;
pub mod insight;
pub mod link;
pub mod refresh_token;
pub mod revision;
pub mod revision_body;
pub mod revision_text;
pub mod session;
pub mod signing_key;
pub mod site;
pub mod slug;
pub mod token;
pub mod user;
