//! The query parameters of searches, as the document describes them.

use utoipa::IntoParams;

/// The longest query, in characters.
pub(super) const LONGEST: usize = 2_000;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(super) struct SearchParams {
    /// Words, `"phrases"` that must be there word for word, `-without` and `-"without this"`. Any of the words is enough, the more the better. The
    /// last word may be unfinished unless a space follows it.
    #[param(max_length = 2000, example = "thundering herd")]
    q: String,
    /// How many hits a page has at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
    /// `page.next_cursor` or `page.prev_cursor` of an earlier answer to the same query.
    #[param(max_length = 1000, nullable = false)]
    cursor: Option<String>,
    /// For editors: adds to each hit what its score is made of.
    explain: Option<bool>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(super) struct SuggestionParams {
    /// What has been typed so far.
    #[param(max_length = 2000, example = "cache wi")]
    q: String,
    /// How many suggestions at most.
    #[param(minimum = 1, maximum = 20, default = 8)]
    limit: Option<i64>,
}
