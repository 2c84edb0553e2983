//! An insight as the API shows it. The same row gives the same bytes to everybody who may see it.

use crate::store::insight_rows::InsightRow;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::clock::Timestamp;
use crate::domain::draft::Seo;
use crate::domain::markdown::TocEntry;
use crate::domain::status::{Status, TRASH_SECONDS};
use crate::http::response::pagination::{ListMeta, PageInfo};
use crate::store::insight_rows::{BodyRow, SharedTerm};

/// A category, tag or author, as an insight names it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::http) struct TermReference {
    #[schema(max_length = 100, example = "data-engineering")]
    pub slug: String,
    #[schema(example = "Data Engineering")]
    pub name: String,
}

/// What the page says about itself to search engines and link previews.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes an answer to the document")]
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

/// The long text in every form.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::http) struct BodyView {
    /// What the author wrote, byte for byte.
    pub markdown: String,
    /// Sanitised: safe to put into a page.
    pub html: String,
    /// The words alone.
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

/// One insight.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Insight)]
pub(in crate::http) struct InsightView {
    /// `UUIDv7`; never changes.
    pub id: Uuid,
    #[schema(max_length = 100)]
    pub slug: String,
    /// The locale of the texts below; the best there is for the one that was asked for.
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
    #[schema(format = DateTime)]
    pub updated_at: String,
    #[schema(minimum = 1)]
    pub reading_minutes: i64,
    /// Whether the author gave the minutes, or they are words ÷ 238 (Brysbaert 2019), rounded, at least 1.
    pub reading_minutes_source: TextSource,
    #[schema(minimum = 0)]
    pub word_count: i64,
    /// Where the text first appeared, when that is elsewhere.
    #[schema(required = true, format = "uri")]
    pub canonical_url: Option<String>,
    #[schema(value_type = SeoView)]
    pub seo: Seo,
    /// Whatever the editors keep with it.
    #[schema(value_type = Object)]
    pub extra: Map<String, Value>,
    /// The number of the revision that is shown.
    #[schema(minimum = 1)]
    pub revision: i64,
    /// When it was put into the trash; only there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub deleted_at: Option<String>,
    /// When the trash is emptied of it; only there.
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

/// One insight in a list. The document makes it of [`InsightView`]: everything, the body only when it was asked for.
#[derive(ToSchema)]
#[schema(as = InsightSummary)]
pub(in crate::http) struct InsightSummaryView {}

/// One insight in a list that was asked for with `fields`. The document makes it of [`InsightView`]: nothing is sure to be there.
#[derive(ToSchema)]
#[schema(as = PartialInsight)]
pub(in crate::http) struct PartialInsightView {}

/// A page of insights.
#[derive(ToSchema)]
#[schema(as = InsightList)]
#[expect(dead_code, reason = "describes an answer to the document")]
pub(in crate::http) struct InsightListView {
    pub data: Vec<InsightSummaryView>,
    pub page: PageInfo,
    pub meta: ListMeta,
}

/// A page of insights that was asked for with `fields`.
#[derive(ToSchema)]
#[schema(as = PartialInsightList)]
#[expect(dead_code, reason = "describes an answer to the document")]
pub(in crate::http) struct PartialInsightListView {
    pub data: Vec<PartialInsightView>,
    pub page: PageInfo,
    pub meta: ListMeta,
}

impl InsightView {
    pub(super) fn of(row: InsightRow, body: Option<BodyRow>, chain: &[String], now: Timestamp) -> Self {
        let pointers = row.pointers();
        let given_minutes = row.details.reading_minutes;
        Self {
            id: row.id,
            slug: row.slug,
            locale: row.locale,
            available_locales: row.locales.0,
            title: row.title,
            excerpt: row.excerpt,
            excerpt_source: if row.excerpt_source == "author" { TextSource::Author } else { TextSource::Derived },
            category: reference(&row.category.0, chain),
            tags: row.tags.0.iter().map(|tag| reference(tag, chain)).collect(),
            authors: row.authors.0.iter().map(|author| reference(author, chain)).collect(),
            status: InsightStatus::of(Status::from_pointers(&pointers, now)),
            published_at: pointers.published_at.map(Timestamp::rfc3339),
            unpublish_at: pointers.unpublish_at.map(Timestamp::rfc3339),
            updated_at: Timestamp(row.shown_updated_at).rfc3339(),
            reading_minutes: given_minutes.unwrap_or(row.derived_minutes),
            reading_minutes_source: if given_minutes.is_some() { TextSource::Author } else { TextSource::Derived },
            word_count: row.word_count,
            canonical_url: row.details.canonical_url,
            seo: row.details.seo.0,
            extra: row.details.extra.0,
            revision: row.revision,
            deleted_at: pointers.deleted_at.map(Timestamp::rfc3339),
            purge_at: pointers.deleted_at.map(|at| at.plus_seconds(TRASH_SECONDS).rfc3339()),
            body: body.map(BodyView::of),
            related: None,
        }
    }

    /// The insight as an object.
    pub(in crate::http) fn item(row: InsightRow, body: Option<BodyRow>, chain: &[String], now: Timestamp) -> Map<String, Value> {
        let Ok(Value::Object(item)) = serde_json::to_value(Self::of(row, body, chain, now)) else { return Map::new() };
        item
    }
}

impl BodyView {
    fn of(body: BodyRow) -> Self {
        let BodyRow { markdown, html, plain, toc } = body;
        let toc = toc.0.into_iter().map(|TocEntry { id, level, text }| TocEntryView { id, level, text }).collect();
        Self { markdown, html, text: plain, toc }
    }
}

impl InsightStatus {
    fn of(status: Status) -> Self {
        match status {
            Status::Draft => Self::Draft,
            Status::Scheduled => Self::Scheduled,
            Status::Published => Self::Published,
            Status::Expired => Self::Expired,
            Status::Deleted => Self::Deleted,
        }
    }
}

fn reference(term: &SharedTerm, chain: &[String]) -> TermReference {
    TermReference { slug: term.slug.clone(), name: local_name(&term.translations, chain, &term.name).to_owned() }
}

/// The name in the first locale of the chain that has one. The name itself is the default locale's, which ends the chain.
pub(in crate::http) fn local_name<'n>(translations: &'n Map<String, Value>, chain: &[String], name: &'n str) -> &'n str {
    chain.iter().find_map(|locale| translations.get(locale)?.get("name")?.as_str()).unwrap_or(name)
}

/// A similar insight.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RelatedInsight)]
pub(in crate::http) struct RelatedView {
    #[schema(value_type = InsightSummaryView)]
    pub insight: Map<String, Value>,
    /// How similar: larger is closer. Comparable within one answer.
    pub score: f32,
    /// What counts most: the words, the tags, or only the category.
    pub reason: RelatedReason,
    pub shared: SharedView,
}

/// What two insights share.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::http) struct SharedView {
    /// Telling words of the one that are in the other too, most telling first.
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
