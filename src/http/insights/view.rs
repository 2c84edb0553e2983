//! An insight as the API shows it. The same row becomes the same bytes for every reader who may see it.
//!
//! [`InsightView`] is the one place of a member of the JSON: the `fields` parameter and the schemas of list items follow from it.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::clock::Timestamp;
use crate::domain::draft::Seo;
use crate::domain::markdown::TocEntry;
use crate::domain::publication_times::PublicationTimes;
use crate::domain::status::{Status, TRASH_SECONDS};
use crate::http::response::pagination::{ListMeta, PageInfo};
use crate::store::insight_rows::{BodyRow, InsightRow, SharedTerm};

/// A category, tag or author of an insight.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::http) struct TermReference {
    #[schema(max_length = 100, example = "data-engineering")]
    pub slug: String,
    #[schema(example = "Data Engineering")]
    pub name: String,
}

/// Metadata of the page for search engines and link previews.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::http) struct SeoView {
    #[schema(required = true)]
    pub title: Option<String>,
    #[schema(required = true)]
    pub description: Option<String>,
    #[schema(required = true, format = "uri")]
    pub image_url: Option<String>,
}

/// A heading of the body.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::http) struct TocEntryView {
    /// The anchor: `#id` on a page that shows `body.html`.
    pub id: String,
    #[schema(minimum = 1, maximum = 6)]
    pub level: i64,
    pub text: String,
}

/// The long text in every representation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::http) struct BodyView {
    /// What the author wrote, byte for byte.
    pub markdown: String,
    /// Sanitised: safe to put into a page.
    pub html: String,
    /// Without any markup.
    pub text: String,
    pub toc: Vec<TocEntryView>,
}

/// Who wrote a text that can be derived.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum TextSource {
    Author,
    Derived,
}

/// Computed from the pointers and the clock. The public only ever sees `published`.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum InsightStatus {
    Draft,
    Scheduled,
    Published,
    Expired,
    Deleted,
}

/// Declares the view of an insight, and `FIELDS`: the names of its members, in the order in which they are serialised.
macro_rules! insight_view {
    ($(#[$meta:meta])* $vis:vis struct $view:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        $vis struct $view {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $view {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),*];
        }
    };
}

insight_view! {
    /// One insight.
    #[derive(Clone, Debug, Serialize, ToSchema)]
    #[schema(as = Insight)]
    pub(in crate::http) struct InsightView {
        /// `UUIDv7`; never changes.
        pub id: Uuid,
        #[schema(max_length = 100)]
        pub slug: String,
        /// The locale of the texts below: the best match for the requested one.
        #[schema(example = "en")]
        pub locale: String,
        pub available_locales: Vec<String>,
        pub title: String,
        pub excerpt: String,
        /// Whether the author wrote the excerpt, or it is the body's first paragraph.
        pub excerpt_source: TextSource,
        pub category: TermReference,
        pub tags: Vec<TermReference>,
        pub authors: Vec<TermReference>,
        pub status: InsightStatus,
        #[schema(required = true, format = DateTime)]
        pub published_at: Option<String>,
        #[schema(required = true, format = DateTime)]
        pub unpublish_at: Option<String>,
        /// When the first publication began; null until then. It stays the same afterwards, also when the insight is unpublished.
        #[schema(required = true, format = DateTime)]
        pub first_published_at: Option<String>,
        #[schema(format = DateTime)]
        pub updated_at: String,
        #[schema(minimum = 1)]
        pub reading_minutes: i64,
        /// Whether the author set the minutes, or they are words ÷ 238 (Brysbaert 2019), rounded, at least 1.
        pub reading_minutes_source: TextSource,
        #[schema(minimum = 0)]
        pub word_count: i64,
        /// Where the text first appeared, when that is elsewhere.
        #[schema(required = true, format = "uri")]
        pub canonical_url: Option<String>,
        pub seo: SeoView,
        /// Free-form data of the editors.
        #[schema(value_type = Object)]
        pub extra: Map<String, Value>,
        /// The number of the revision that is shown.
        #[schema(minimum = 1)]
        pub revision: i64,
        /// When it was moved to the trash; only for insights in the trash.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false, format = DateTime)]
        pub deleted_at: Option<String>,
        /// When it is removed from the trash permanently; only for insights in the trash.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false, format = DateTime)]
        pub purge_at: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(required = true, nullable = false, value_type = BodyView)]
        pub body: Option<BodyView>,
        /// Similar insights; only with `include=related`.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false, value_type = Option<Vec<RelatedView>>)]
        pub related: Option<Vec<Value>>,
    }
}

/// What the `fields` parameter of a list can select: every member but `related`, the last one, which `include` adds.
pub(super) const SELECTABLE_FIELDS: &[&str] = match InsightView::FIELDS.split_last() {
    Some((_related, fields)) => fields,
    None => &[],
};

/// One insight in a list. The document derives it from [`InsightView`]: the body is there only with `include=body`.
#[derive(ToSchema)]
#[schema(as = InsightSummary)]
pub(in crate::http) struct InsightSummaryView {}

/// One insight in a list that was requested with `fields`. The document derives it from [`InsightView`]: every member is optional.
#[derive(ToSchema)]
#[schema(as = PartialInsight)]
pub(in crate::http) struct PartialInsightView {}

/// A page of insights.
#[derive(ToSchema)]
#[schema(as = InsightList)]
#[expect(dead_code, reason = "the list is written piece by piece; this describes it")]
pub(in crate::http) struct InsightListView {
    pub data: Vec<InsightSummaryView>,
    pub page: PageInfo,
    pub meta: ListMeta,
}

/// A page of insights that was requested with `fields`.
#[derive(ToSchema)]
#[schema(as = PartialInsightList)]
#[expect(dead_code, reason = "the list is written piece by piece; this describes it")]
pub(in crate::http) struct PartialInsightListView {
    pub data: Vec<PartialInsightView>,
    pub page: PageInfo,
    pub meta: ListMeta,
}

impl InsightView {
    pub(super) fn from_row(row: InsightRow, body: Option<BodyRow>, chain: &[String], now: Timestamp) -> Self {
        let pointers = row.pointers();
        let PublicationTimes { published_at, unpublish_at, first_published_at } = pointers.times.as_of(now);
        Self {
            id: row.id,
            slug: row.slug,
            locale: row.locale,
            available_locales: row.locales.0,
            title: row.title,
            excerpt: row.excerpt,
            excerpt_source: if row.excerpt_source == "author" { TextSource::Author } else { TextSource::Derived },
            category: TermReference::new(&row.category.0, chain),
            tags: row.tags.0.iter().map(|tag| TermReference::new(tag, chain)).collect(),
            authors: row.authors.0.iter().map(|author| TermReference::new(author, chain)).collect(),
            status: Status::from_pointers(&pointers, now).into(),
            published_at: published_at.map(Timestamp::rfc3339),
            unpublish_at: unpublish_at.map(Timestamp::rfc3339),
            first_published_at: first_published_at.map(Timestamp::rfc3339),
            updated_at: Timestamp(row.shown_updated_at).rfc3339(),
            reading_minutes: row.details.reading_minutes.unwrap_or(row.derived_minutes),
            reading_minutes_source: if row.details.reading_minutes.is_some() { TextSource::Author } else { TextSource::Derived },
            word_count: row.word_count,
            canonical_url: row.details.canonical_url,
            seo: row.details.seo.0.into(),
            extra: row.details.extra.0,
            revision: row.revision,
            deleted_at: pointers.deleted_at.map(Timestamp::rfc3339),
            purge_at: pointers.deleted_at.map(|at| at.plus_seconds(TRASH_SECONDS).rfc3339()),
            body: body.map(BodyView::from_row),
            related: None,
        }
    }

    /// The insight as a JSON object.
    pub(in crate::http) fn to_object(row: InsightRow, body: Option<BodyRow>, chain: &[String], now: Timestamp) -> Map<String, Value> {
        let Ok(Value::Object(object)) = serde_json::to_value(Self::from_row(row, body, chain, now)) else { return Map::new() };
        object
    }
}

impl From<Seo> for SeoView {
    fn from(Seo { title, description, image_url }: Seo) -> Self {
        Self { title, description, image_url }
    }
}

impl BodyView {
    fn from_row(body: BodyRow) -> Self {
        let BodyRow { markdown, html, plain, toc } = body;
        let toc = toc.0.into_iter().map(|TocEntry { id, level, text }| TocEntryView { id, level, text }).collect();
        Self { markdown, html, text: plain, toc }
    }
}

impl From<Status> for InsightStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Draft => Self::Draft,
            Status::Scheduled => Self::Scheduled,
            Status::Published => Self::Published,
            Status::Expired => Self::Expired,
            Status::Deleted => Self::Deleted,
        }
    }
}

impl TermReference {
    fn new(term: &SharedTerm, chain: &[String]) -> Self {
        Self { slug: term.slug.clone(), name: local_name(&term.translations, chain, &term.name).to_owned() }
    }
}

/// The name in the first locale of the chain that has one. `name` is the one in the default locale, which ends the chain.
pub(in crate::http) fn local_name<'n>(translations: &'n Map<String, Value>, chain: &[String], name: &'n str) -> &'n str {
    chain.iter().find_map(|locale| translations.get(locale)?.get("name")?.as_str()).unwrap_or(name)
}

/// A similar insight.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RelatedInsight)]
pub(in crate::http) struct RelatedView {
    #[schema(value_type = InsightSummaryView)]
    pub insight: Map<String, Value>,
    /// Similarity: larger is closer. Comparable within one response.
    pub score: f32,
    /// What contributes most: the words, the tags, or only the category.
    pub reason: RelatedReason,
    pub shared: SharedView,
}

/// What two insights share.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::http) struct SharedView {
    /// Significant words that both have, the most significant first.
    #[schema(max_items = 5)]
    pub words: Vec<String>,
    /// Slugs.
    pub tags: Vec<String>,
    /// Whether they are in the same category.
    pub category: bool,
}

/// What two insights have most in common.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum RelatedReason {
    Text,
    Tags,
    Category,
}
