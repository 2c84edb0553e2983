//! The query parameters of searches.

use crate::domain::locale::Locale;
use crate::http::request::param_rules::{CURSOR, Flag, Group, Integer, LanguageTag, PAGE_LIMIT, RequiredText, query_params};
use crate::http::request::params::FilterParams;

/// The longest query, in characters.
const MAX_QUERY_LENGTH: usize = 2_000;

query_params! {
    pub(super) struct SearchParams {
        /// Words, `"phrases"` that must match word for word, `-excluded` and `-"excluded phrases"`. One of the words is enough; more words
        /// rank higher. The last word matches as a prefix unless a space follows it.
        q: String = RequiredText { max_length: MAX_QUERY_LENGTH }.example("thundering herd"),
        /// Maximum number of hits on a page.
        limit: i64 = PAGE_LIMIT,
        filters: FilterParams = Group::<FilterParams>::new(),
        /// The locale of the texts (BCP 47); each item falls back along `it-CH → it → the site's default`.
        locale: Option<Locale> = LanguageTag.example("de"),
        /// For editors: adds to each hit the parts of its score.
        explain: bool = Flag.or(false),
        /// `page.next_cursor` or `page.prev_cursor` of an earlier response for the same query.
        cursor: Option<String> = CURSOR,
    }
}

query_params! {
    pub(super) struct SuggestionParams {
        /// What has been typed so far.
        q: String = RequiredText { max_length: MAX_QUERY_LENGTH }.example("cache wi"),
        /// Maximum number of suggestions.
        limit: i64 = Integer { min: 1, max: 20 }.or(8),
        /// The locale of the texts (BCP 47); falls back along `it-CH → it → the site's default`.
        locale: Option<Locale> = LanguageTag.example("de"),
    }
}
