//! The query parameters of reads, as the document describes them. [`super::list`] and [`super::read`] read them; a test compares the two.

use utoipa::{IntoParams, ToSchema};

/// Orders of a list; a leading `-` is descending. Every order ends in the id.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes values to the document")]
pub(in crate::http) enum InsightSort {
    #[schema(rename = "-published_at")]
    PublishedAtDescending,
    PublishedAt,
    Title,
    #[schema(rename = "-title")]
    TitleDescending,
    UpdatedAt,
    #[schema(rename = "-updated_at")]
    UpdatedAtDescending,
    ReadingMinutes,
    #[schema(rename = "-reading_minutes")]
    ReadingMinutesDescending,
}

/// Which insights an editor's list shows: those of one status, or `any` that is not in the trash.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes values to the document")]
pub(in crate::http) enum StatusFilter {
    Draft,
    Scheduled,
    Published,
    Expired,
    Deleted,
    Any,
}

/// A property of a list item.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes values to the document")]
pub(in crate::http) enum InsightField {
    Id,
    Slug,
    Locale,
    AvailableLocales,
    Title,
    Excerpt,
    ExcerptSource,
    Category,
    Tags,
    Authors,
    Status,
    PublishedAt,
    UnpublishAt,
    UpdatedAt,
    ReadingMinutes,
    ReadingMinutesSource,
    WordCount,
    CanonicalUrl,
    Seo,
    Extra,
    Revision,
    DeletedAt,
    PurgeAt,
    Body,
}

/// The spellings of [`InsightField`].
pub(super) const FIELDS: [&str; 24] = [
    "id",
    "slug",
    "locale",
    "available_locales",
    "title",
    "excerpt",
    "excerpt_source",
    "category",
    "tags",
    "authors",
    "status",
    "published_at",
    "unpublish_at",
    "updated_at",
    "reading_minutes",
    "reading_minutes_source",
    "word_count",
    "canonical_url",
    "seo",
    "extra",
    "revision",
    "deleted_at",
    "purge_at",
    "body",
];

/// What a list item can carry beside its own properties.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes values to the document")]
pub(in crate::http) enum InsightInclude {
    Body,
    Related,
}

/// What a single insight can carry beside its own properties.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes values to the document")]
pub(in crate::http) enum DetailInclude {
    Related,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(in crate::http) struct DetailParams {
    /// `related` adds up to three similar insights; the JSON form has them.
    #[param(inline, nullable = false)]
    include: Option<DetailInclude>,
    /// `false`: a slug that the insight had before says where it leads, instead of leading there.
    #[param(inline, nullable = false)]
    resolve: Option<bool>,
    /// A preview token: shows the revision that it is for, published or not.
    #[param(pattern = "^insp_[0-9a-f]{56}$", nullable = false)]
    preview: Option<String>,
}

/// How exactly a list is counted.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes values to the document")]
pub(in crate::http) enum CountMode {
    Exact,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(in crate::http) struct InsightListParams {
    /// How many insights a page has at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
    /// `page.next_cursor` or `page.prev_cursor` of an earlier answer to the same filters and sort.
    #[param(max_length = 1000, nullable = false)]
    cursor: Option<String>,
    /// For editors: insights of this status instead of the visible ones.
    #[param(inline, nullable = false)]
    status: Option<StatusFilter>,
    /// The order.
    #[param(inline, nullable = false)]
    sort: Option<InsightSort>,
    /// Only these properties of each item.
    #[param(inline, style = Form, explode = false, nullable = false)]
    fields: Option<Vec<InsightField>>,
    /// `body` adds the long text to each item, `related` up to three similar insights.
    #[param(inline, style = Form, explode = false, nullable = false)]
    include: Option<Vec<InsightInclude>>,
    /// `exact` adds `meta.total`. Lists are not counted unasked.
    #[param(inline, nullable = false)]
    count: Option<CountMode>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(in crate::http) struct InsightPath {
    /// The insight's id, or its slug.
    #[param(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 100)]
    id_or_slug: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(in crate::http) struct ReadableInsightPath {
    /// The insight's id, or its slug; with `.md`, `.html`, `.txt` or `.json` behind it, that representation whatever `Accept` says.
    #[param(pattern = "^[a-z0-9]+(-[a-z0-9]+)*(\\.(md|html|txt|json))?$", max_length = 105, example = "expression-index-ignored")]
    id_or_slug: String,
}
