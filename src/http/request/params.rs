//! Parameters that operations of several features share.

use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::param_rules::{CURSOR, Flag, Integer, LanguageTag, Moment, PAGE_LIMIT, Slugs, query_params};
use crate::domain::clock::Timestamp;
use crate::domain::locale::Locale;
use crate::http::response::problem::Problem;
use crate::store::list_query::Filters;

const MAX_MINUTES: i64 = 100_000;

query_params! {
    pub(in crate::http) struct LocaleParam {
        /// The locale of the texts (BCP 47); falls back along `it-CH → it → the site's default`.
        locale: Option<Locale> = LanguageTag.example("de"),
    }
}

query_params! {
    /// Of every write; `openapi/writes.rs` adds it to the document.
    pub(in crate::http) struct DryRunParam {
        /// `true`: run every check, change nothing, and return what would be.
        validate_only: bool = Flag.or(false),
    }
}

query_params! {
    pub(in crate::http) struct PageParams {
        /// Maximum number of items on a page.
        limit: i64 = PAGE_LIMIT,
        /// `page.next_cursor` or `page.prev_cursor` of an earlier response.
        cursor: Option<String> = CURSOR,
    }
}

query_params! {
    /// What lists and searches are filtered by.
    pub(in crate::http) struct FilterParams {
        /// Slugs of categories, separated by commas: insights in any of them.
        category: Vec<String> = Slugs.example("data-engineering"),
        /// Slugs of tags, separated by commas: insights with any of them.
        tag: Vec<String> = Slugs.example("postgresql"),
        /// Slugs of authors, separated by commas: insights by any of them.
        author: Vec<String> = Slugs.example("zerone-engineering"),
        /// Only insights published after this moment (RFC 3339), or after the beginning of this day.
        published_after: Option<Timestamp> = Moment.example("2026-01-01T00:00:00Z"),
        /// Only insights published before this moment (RFC 3339), or before the beginning of this day.
        published_before: Option<Timestamp> = Moment,
        /// Only insights that take at least this many minutes to read.
        min_minutes: Option<i64> = Integer { min: 0, max: MAX_MINUTES },
        /// Only insights that take at most this many minutes to read.
        max_minutes: Option<i64> = Integer { min: 0, max: MAX_MINUTES },
    }
}

impl From<FilterParams> for Filters {
    fn from(params: FilterParams) -> Self {
        let FilterParams { category, tag, author, published_after, published_before, min_minutes, max_minutes } = params;
        Self { categories: category, tags: tag, authors: author, published_after, published_before, min_minutes, max_minutes }
    }
}

/// The id in a path.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct IdPath {
    #[param(value_type = Uuid)]
    id: String,
}

impl IdPath {
    /// The id. A text that is no id addresses nothing.
    pub(crate) fn parse(&self) -> Result<Uuid, Problem> {
        parse_id(&self.id)
    }
}

/// An id in a path. A text that is no id addresses nothing.
pub(crate) fn parse_id(text: &str) -> Result<Uuid, Problem> {
    Uuid::parse_str(text).map_err(|_e| Problem::not_found())
}

/// Describes a request header to the document. What reads it is named in the description of the type.
macro_rules! header_param {
    ($(#[$meta:meta])* $type:ident, $name:literal, $required:ident, $pattern:literal, $description:literal) => {
        $(#[$meta])*
        pub(in crate::http) enum $type {}

        impl utoipa::IntoParams for $type {
            fn into_params(
                _: impl Fn() -> Option<utoipa::openapi::path::ParameterIn>,
            ) -> Vec<utoipa::openapi::path::Parameter> {
                use utoipa::openapi::path::{ParameterBuilder, ParameterIn};
                use utoipa::openapi::schema::{ObjectBuilder, Type};
                let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some($pattern));
                let header = ParameterBuilder::new().name($name).parameter_in(ParameterIn::Header);
                let header = header.required(utoipa::openapi::Required::$required).description(Some($description));
                vec![header.schema(Some(schema)).build()]
            }
        }
    };
}
pub(in crate::http) use header_param;

header_param!(
    /// Read by [`super::preconditions::Preconditions::required`].
    IfMatchHeader,
    "If-Match",
    True,
    r#"^(\*|"[!#-~]*")$"#,
    "The `ETag` that you last read, or `*` to overwrite any state."
);
header_param!(
    /// Read by [`super::preconditions::Preconditions::optional`].
    OptionalIfMatchHeader,
    "If-Match",
    False,
    r#"^(\*|"[!#-~]*")$"#,
    "The `ETag` that you last read: the write is refused if the state has changed since."
);
header_param!(
    /// Read by [`super::preconditions::Preconditions::create_only`].
    IfNoneMatchHeader,
    "If-None-Match",
    False,
    r"^\*$",
    "`*` creates the insight under the slug in the path, and only if there is none."
);
