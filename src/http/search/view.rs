//! A page of hits as the API shows it.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::change::PublicSequence;
use crate::http::insights::view::{InsightSummaryView, local_name};
use crate::http::response::pagination::PageInfo;
use crate::projections::search::{Explanation, FacetCount, TitleMatch};

/// The hit's texts as HTML: what was looked for in `<mark>`, everything else escaped. Safe to put into a page.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Highlights {
    #[schema(example = "Cache without a lock is <mark>thundering</mark> <mark>herd</mark>")]
    pub title: String,
    pub excerpt: String,
    /// The passage of the body that says most about the query; its beginning when the words are elsewhere.
    pub body: String,
}

/// What a score is made of: (`stems` + `spellings` + `neighbours`) × (1 + `title`) × (1 + `recency`).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ScoreExplanation {
    /// BM25 (k1 1.2, b 0.75) of the stemmed words; the title counts three times.
    pub stems: f32,
    /// 0.2 × BM25 of the words as they are written.
    pub spellings: f32,
    /// 0.1 × BM25 of neighbouring words that are close in the text.
    pub neighbours: f32,
    /// 0.5 × the share of the query in the title × the share of the title it fills.
    pub title: f32,
    /// 0.05 × 2^(−age in years).
    pub recency: f32,
    /// Whether the title begins with what was typed, holds it, or neither. Those that begin come first, then those that hold it.
    pub title_answer: TitleAnswer,
}

/// How a title answers what was typed.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum TitleAnswer {
    Begins,
    Holds,
    Otherwise,
}

impl ScoreExplanation {
    pub(super) fn of(explanation: &Explanation) -> Self {
        let Explanation { stems, spellings, neighbours, title, recency, title_match } = *explanation;
        let title_answer = match title_match {
            TitleMatch::Prefix => TitleAnswer::Begins,
            TitleMatch::Contains => TitleAnswer::Holds,
            TitleMatch::None => TitleAnswer::Otherwise,
        };
        Self { stems, spellings, neighbours, title, recency, title_answer }
    }
}

/// An insight that was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct SearchHit {
    #[schema(value_type = InsightSummaryView)]
    pub insight: Map<String, Value>,
    /// How well it answers: larger is better. Comparable within one answer. Titles that answer what was typed come first whatever their score.
    pub score: f32,
    pub highlights: Highlights,
    /// Only with `explain=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub explanation: Option<ScoreExplanation>,
}

/// A value and how many hits have it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct FacetValue {
    /// The slug to filter by; or the year, for which `published_after` and `published_before` filter.
    pub value: String,
    pub name: String,
    #[schema(minimum = 1)]
    pub count: u64,
}

/// How many hits there are of each kind, most first (years newest first). Each respects all filters but the one on itself.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct FacetsView {
    pub category: Vec<FacetValue>,
    /// The hundred most frequent.
    pub tag: Vec<FacetValue>,
    /// Of publication, UTC; respects all filters but `published_after` and `published_before`.
    pub year: Vec<FacetValue>,
}

/// What holds for all hits.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct SearchMeta {
    /// The number of the newest change that the answer takes into account.
    #[schema(value_type = i64, minimum = 0)]
    pub sequence: PublicSequence,
    /// How many hits all pages have together.
    #[schema(minimum = 0)]
    pub total: u64,
    /// How long the search took, in milliseconds.
    #[schema(minimum = 0)]
    pub took_ms: u64,
    /// The query as it was understood, when it has words that no insight has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub corrected_query: Option<String>,
    /// Whether unknown words were replaced by similar ones.
    pub fuzzy: bool,
}

/// A page of hits, best first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct SearchResult {
    pub data: Vec<SearchHit>,
    pub page: PageInfo,
    pub facets: FacetsView,
    pub meta: SearchMeta,
}

pub(super) fn facet(counts: Vec<FacetCount>, chain: &[String]) -> Vec<FacetValue> {
    let value = |FacetCount { value, name, translations, count }: FacetCount| FacetValue {
        value,
        name: local_name(&translations, chain, &name).to_owned(),
        count,
    };
    counts.into_iter().map(value).collect()
}
