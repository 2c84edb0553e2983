//! Parameters that operations of several features share, as the OpenAPI document describes them.

use crate::http::response::problem::Problem;
use utoipa::IntoParams;
use uuid::Uuid;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(in crate::http) struct LocaleParam {
    /// The locale of the texts (BCP 47); falls back along `it-CH → it → the site's default`.
    #[param(pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", nullable = false, example = "de")]
    locale: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(in crate::http) struct IfMatchHeader {
    /// The `ETag` that you read, or `*` to overwrite any state.
    #[param(rename = "If-Match", pattern = "^(\\*|\"[!#-~]*\")$")]
    if_match: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(in crate::http) struct OptionalIfMatchHeader {
    /// The `ETag` that you read: the write is refused if the resource has changed since.
    #[param(rename = "If-Match", pattern = "^(\\*|\"[!#-~]*\")$", nullable = false)]
    if_match: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(in crate::http) struct IfNoneMatchHeader {
    /// `*` creates the insight with the slug in the path, only if there is none.
    #[param(rename = "If-None-Match", pattern = "^\\*$", nullable = false)]
    if_none_match: Option<String>,
}

/// The filters of lists and searches.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(in crate::http) struct FilterParams {
    /// Slugs of categories, separated by commas: insights in any of them.
    #[param(
        pattern = "^[a-z0-9]+(-[a-z0-9]+)*(,[a-z0-9]+(-[a-z0-9]+)*)*$",
        max_length = 1000,
        nullable = false,
        example = "data-engineering"
    )]
    category: Option<String>,
    /// Slugs of tags, separated by commas: insights with any of them.
    #[param(pattern = "^[a-z0-9]+(-[a-z0-9]+)*(,[a-z0-9]+(-[a-z0-9]+)*)*$", max_length = 1000, nullable = false, example = "postgresql")]
    tag: Option<String>,
    /// Slugs of authors, separated by commas: insights by any of them.
    #[param(
        pattern = "^[a-z0-9]+(-[a-z0-9]+)*(,[a-z0-9]+(-[a-z0-9]+)*)*$",
        max_length = 1000,
        nullable = false,
        example = "zerone-engineering"
    )]
    author: Option<String>,
    /// Only insights published after this time (RFC 3339), or after the beginning of this day.
    #[param(format = DateTime, nullable = false, example = "2026-01-01T00:00:00Z")]
    published_after: Option<String>,
    /// Only insights published before this time (RFC 3339), or before the beginning of this day.
    #[param(format = DateTime, nullable = false)]
    published_before: Option<String>,
    /// Only insights that take at least this many minutes to read.
    #[param(minimum = 0, maximum = 100_000, nullable = false)]
    min_minutes: Option<i64>,
    /// Only insights that take at most this many minutes to read.
    #[param(minimum = 0, maximum = 100_000, nullable = false)]
    max_minutes: Option<i64>,
    /// The locale of the texts (BCP 47); each item falls back along `it-CH → it → the site's default`.
    #[param(pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", nullable = false, example = "de")]
    locale: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(in crate::http) struct PageParams {
    /// The maximum number of items of a page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
    /// `page.next_cursor` or `page.prev_cursor` of an earlier response.
    #[param(max_length = 1000, nullable = false)]
    cursor: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(crate) struct IdPath {
    id: Uuid,
}

/// Parses an id in a path. Anything else than a UUID is a 404.
pub(crate) fn parse_id(path: &str) -> Result<Uuid, Problem> {
    Uuid::parse_str(path).map_err(|_e| Problem::not_found())
}
