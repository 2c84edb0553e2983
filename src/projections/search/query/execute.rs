//! Executes a search on one view: parse, plan, match, rerank, and cut out a page of ids.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::domain::change::PublicSequence;
use crate::domain::clock::Timestamp;
use crate::domain::term::TermKind;
use crate::projections::search::query::accumulator::Scratch;
use crate::projections::search::query::facets::{FacetCounts, Filter};
use crate::projections::search::query::highlight::Highlighter;
use crate::projections::search::query::page::{Hit, PreviousPage, RankedMatches, SearchPosition};
use crate::projections::search::query::parser;
use crate::projections::search::query::planner;
use crate::projections::search::query::scorer::{MatchSelection, RERANKED, Scorer};
use crate::projections::search::reader::terms::TermTable;
use crate::projections::search::reader::view::View;
use crate::store::list_query::Filters;

/// A search as the API receives it.
#[derive(Clone, Debug, Default)]
pub struct SearchRequest {
    pub query: String,
    pub filters: Filters,
    pub limit: usize,
    /// The last hit of the previous page; `None` is the first page.
    pub after: Option<SearchPosition>,
}

/// One value of a facet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetCount {
    pub value: String,
    pub name: String,
    /// The names in other locales.
    pub translations: Map<String, Value>,
    pub count: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Facets {
    pub categories: Vec<FacetCount>,
    pub tags: Vec<FacetCount>,
    pub years: Vec<FacetCount>,
}

/// A page of hits.
#[derive(Clone, Debug)]
pub struct SearchPage {
    pub hits: Vec<Hit>,
    pub next: Option<SearchPosition>,
    pub previous: PreviousPage,
    pub facets: Facets,
    pub total: u64,
    pub corrected: Option<String>,
    pub highlighter: Highlighter,
    /// The newest public sequence that the page takes into account.
    pub public_sequence: PublicSequence,
}

/// Values listed in one facet.
const MAX_FACET_VALUES: usize = 100;

pub(crate) fn search(view: &View, terms: &TermTable, request: &SearchRequest, now: Timestamp, scratch: &mut Scratch) -> SearchPage {
    let parsed = parser::parse(&request.query);
    let plan = planner::plan(view, &request.query, &parsed);
    let highlighter = Highlighter::new(&plan);
    let scorer = Scorer::new(view);
    // The first page needs only the top matches; a later one can start anywhere.
    let is_top = request.after.is_none() && request.limit < RERANKED;
    let selection = if is_top { MatchSelection::Top } else { MatchSelection::All };
    let (matches, counts) = scorer.collect_matches(&plan, &filter(terms, &request.filters), selection, scratch);
    let (ranked, rest) = scorer.rerank(&plan, matches, now);
    let list = RankedMatches { ranked, rest, total: usize::try_from(counts.total).unwrap_or(usize::MAX), view };
    let page = list.into_page(request.after.as_ref(), request.limit);
    SearchPage {
        hits: page.hits,
        next: page.next,
        previous: page.previous,
        total: counts.total,
        facets: facets(terms, counts),
        corrected: plan.corrected,
        highlighter,
        public_sequence: PublicSequence::default(),
    }
}

fn filter(terms: &TermTable, filters: &Filters) -> Filter {
    let Filters { categories, tags, authors, published_after, published_before, min_minutes, max_minutes } = filters;
    let keys = |kind, slugs: &[String]| (!slugs.is_empty()).then(|| terms.keys_of(kind, slugs));
    Filter {
        categories: keys(TermKind::Category, categories),
        tags: keys(TermKind::Tag, tags),
        authors: keys(TermKind::Author, authors),
        published_after: published_after.map(|at| at.0),
        published_before: published_before.map(|at| at.0),
        min_minutes: *min_minutes,
        max_minutes: *max_minutes,
    }
}

fn facets(terms: &TermTable, counts: FacetCounts) -> Facets {
    let term_counts = |counts: HashMap<String, u64>| {
        let counted = counts.into_iter().filter_map(|(key, count)| {
            let term = terms.get(&key)?;
            Some(FacetCount { value: term.slug.clone(), name: term.name.clone(), translations: term.translations.0.clone(), count })
        });
        let mut values: Vec<FacetCount> = counted.collect();
        values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        values.truncate(MAX_FACET_VALUES);
        values
    };
    let year_count =
        |(year, count): (i32, u64)| FacetCount { value: year.to_string(), name: year.to_string(), translations: Map::new(), count };
    Facets {
        categories: term_counts(counts.categories),
        tags: term_counts(counts.tags),
        years: counts.years.into_iter().rev().map(year_count).collect(),
    }
}
