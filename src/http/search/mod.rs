//! `/v1/search` and `/v1/search/suggestions`: hits as lists show them, with the matches highlighted.

mod params;
pub(super) mod query;
pub(super) mod suggestions;
mod view;
