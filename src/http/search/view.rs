//! A page of hits as the API shows it.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::domain::change::PublicSequence;
use crate::http::insights::view::{InsightSummaryView, local_name};
use crate::http::response::pagination::PageInfo;
use crate::projections::search::{Explanation, FacetCount, TitleMatch};

/// The hit's texts as HTML: matches in `<mark>`, everything else escaped. Safe to put into a page.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Highlights {
    #[schema(example = "Cache without a lock is <mark>thundering</mark> <mark>herd</mark>")]
    pub title: String,
    pub excerpt: String,
    /// The passage of the body that matches best; its beginning if no word of the query is in the body.
    pub body: String,
}

/// The parts of a score: (`stems` + `spellings` + `neighbours`) × (1 + `title`) × (1 + `recency`).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ScoreExplanation {
    /// BM25 (k1 1.2, b 0.75) of the stemmed words; the title counts three times.
    pub stems: f32,
    /// 0.2 × BM25 of the exact spellings.
    pub spellings: f32,
    /// 0.1 × BM25 of neighbouring words of the query that are close together in the text.
    pub neighbours: f32,
    /// 0.5 × the share of the query in the title × the share of the title it fills.
    pub title: f32,
    /// 0.05 × 2^(−age in years).
    pub recency: f32,
    /// Whether the title begins with the query, contains it, or neither. Hits are ordered by this first.
    pub title_answer: TitleAnswer,
}

/// How a title matches the query.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum TitleAnswer {
    Begins,
    Holds,
    Otherwise,
}

impl From<&Explanation> for ScoreExplanation {
    fn from(explanation: &Explanation) -> Self {
        let Explanation { stems, spellings, neighbours, title, recency, title_match } = *explanation;
        let title_answer = match title_match {
            TitleMatch::Prefix => TitleAnswer::Begins,
            TitleMatch::Contains => TitleAnswer::Holds,
            TitleMatch::None => TitleAnswer::Otherwise,
        };
        Self { stems, spellings, neighbours, title, recency, title_answer }
    }
}

/// An insight that matches.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct SearchHit {
    #[schema(value_type = InsightSummaryView)]
    pub insight: Map<String, Value>,
    /// Relevance: larger is better. Comparable within one response. Hits whose title matches come first whatever their score.
    pub score: f32,
    pub highlights: Highlights,
    /// Only with `explain=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub explanation: Option<ScoreExplanation>,
}

/// A value and the number of hits that have it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct FacetValue {
    /// The slug to filter by; or the year, for which `published_after` and `published_before` filter.
    pub value: String,
    pub name: String,
    #[schema(minimum = 1)]
    pub count: u64,
}

/// The number of hits of each value, highest first (years newest first). Each facet respects all filters but the one on itself.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct FacetsView {
    pub category: Vec<FacetValue>,
    /// The hundred most frequent.
    pub tag: Vec<FacetValue>,
    /// Of publication, UTC; respects all filters but `published_after` and `published_before`.
    pub year: Vec<FacetValue>,
}

/// Metadata of the result.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct SearchMeta {
    /// The number of the newest change that the response takes into account.
    #[schema(value_type = i64, minimum = 0)]
    pub sequence: PublicSequence,
    /// The number of hits on all pages together.
    #[schema(minimum = 0)]
    pub total: u64,
    /// Duration of the search in milliseconds.
    #[schema(minimum = 0)]
    pub took_ms: u64,
    /// The query as it was corrected, if it has words that no insight contains.
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
