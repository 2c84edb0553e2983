//! The query parameters of insights.

use super::view::SELECTABLE_FIELDS;
use crate::domain::locale::Locale;
use crate::domain::page::Sort;
use crate::http::request::param_rules::{CURSOR, Flag, Group, Integer, LanguageTag, OneOf, PAGE_LIMIT, SomeOf, Unchecked, query_params};
use crate::http::request::params::FilterParams;

/// The statuses of the `status` parameter: those of insights, and `any` that is not in the trash.
const STATUSES: [&str; 6] = ["draft", "scheduled", "published", "expired", "deleted", "any"];

query_params! {
    pub(in crate::http) struct InsightListParams {
        filters: FilterParams = Group::<FilterParams>::new(),
        /// The locale of the texts (BCP 47); each item falls back along `it-CH → it → the site's default`.
        locale: Option<Locale> = LanguageTag.example("de"),
        /// Maximum number of insights on a page.
        limit: i64 = PAGE_LIMIT,
        /// `page.next_cursor` or `page.prev_cursor` of an earlier response for the same filters and sort.
        cursor: Option<String> = CURSOR,
        /// For editors: insights with this status instead of the visible ones; `any` is every insight that is not in the trash.
        status: Option<&'static str> = OneOf(&STATUSES),
        /// The order; a leading `-` is descending. Ties are ordered by id.
        sort: Option<&'static str> = OneOf(&Sort::NAMES),
        /// Only these properties of each item.
        fields: Vec<&'static str> = SomeOf(SELECTABLE_FIELDS),
        /// `body` adds the long text to each item, `related` up to three similar insights.
        include: Vec<&'static str> = SomeOf(&["body", "related"]),
        /// `exact` adds `meta.total`. Lists are not counted by default.
        count: Option<&'static str> = OneOf(&["exact"]),
    }
}

query_params! {
    pub(in crate::http) struct DetailParams {
        /// The locale of the texts (BCP 47); falls back along `it-CH → it → the site's default`.
        locale: Option<Locale> = LanguageTag.example("de"),
        /// `related` adds up to three similar insights to the JSON representation.
        include: Option<&'static str> = OneOf(&["related"]),
        /// `false`: a slug that the insight had before returns a pointer to the current address instead of a redirect.
        resolve: bool = Flag.or(true),
        /// A preview token: shows the revision that it is for, published or not.
        preview: Option<String> = Unchecked { max_length: None, pattern: Some("^insp_[0-9a-f]{56}$") },
    }
}

query_params! {
    pub(in crate::http) struct RelatedParams {
        /// Maximum number of insights.
        limit: i64 = Integer { min: 1, max: 20 }.or(5),
        /// The locale of the texts (BCP 47); falls back along `it-CH → it → the site's default`.
        locale: Option<Locale> = LanguageTag.example("de"),
    }
}

query_params! {
    pub(in crate::http) struct DiffParams {
        /// The revision to compare with; the previous one by default.
        against: Option<i64> = Integer { min: 1, max: 2_147_483_647 },
    }
}

query_params! {
    pub(in crate::http) struct DeletionParams {
        /// Remove it permanently; needs the scope `admin`.
        permanent: bool = Flag.or(false),
    }
}
