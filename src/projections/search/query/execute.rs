//! A search from the words of a query to a page of ids: pure reading of one view.

use uuid::Uuid;

use serde_json::{Map, Value};

use crate::domain::change::PublicSequence;
use crate::domain::clock::Timestamp;
use crate::domain::term::TermKind;
use crate::projections::search::query::bm25::LOOKED_AT;
use crate::projections::search::query::bm25::{MatchSelection, Scorer, Scratch};
use crate::projections::search::query::facets::{FacetCounts, Filter};
use crate::projections::search::query::highlight::Marks;
use crate::projections::search::query::parser;
use crate::projections::search::query::plan;
use crate::projections::search::query::rerank::{Explanation, RankedHit, rounded};
use crate::projections::search::query::title_match::TitleMatch;
use crate::projections::search::reader::terms::TermTable;
use crate::projections::search::reader::view::{Match, View};
use crate::store::list_query::Filters;

/// What is looked for, in the words of the API.
#[derive(Clone, Debug, Default)]
pub struct SearchRequest {
    pub query: String,
    pub filters: Filters,
    pub limit: usize,
    /// The last hit of the page before; none is the beginning.
    pub after: Option<SearchPosition>,
}

/// A place between two hits, which is found again when scores have moved a little meanwhile.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchPosition {
    /// Whether the hit was looked at closely, how its title answered, and its score: what the order is made of.
    pub rank: (bool, u8, f32),
    pub id: Uuid,
}

#[derive(Clone, Debug)]
pub struct Hit {
    pub id: Uuid,
    pub score: f32,
    pub explanation: Explanation,
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

/// Where the page before begins.
#[derive(Clone, Debug, PartialEq)]
pub enum PreviousPage {
    /// There is none.
    None,
    First,
    Behind(SearchPosition),
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
    pub marks: Marks,
    /// The newest public number that is in it.
    pub sequence: PublicSequence,
}

/// No facet lists more values than this.
const MOST_VALUES: usize = 100;

pub(crate) fn search(view: &View, terms: &TermTable, request: &SearchRequest, now: Timestamp, scratch: &mut Scratch) -> SearchPage {
    let syntax = parser::parse(&request.query);
    let plan = plan::plan(view, &request.query, &syntax);
    let marks = Marks::of(&plan);
    let scorer = Scorer::new(view);
    // The first page needs the first matches; one further on may lie anywhere.
    let wanted = if request.after.is_none() && request.limit < LOOKED_AT { MatchSelection::First } else { MatchSelection::All };
    let (matches, counts) = scorer.matches(&plan, &filter(terms, &request.filters), wanted, scratch);
    let (ranked, rest) = scorer.first(&plan, matches, now);
    let list = RankedMatches { ranked, rest, total: usize::try_from(counts.total).unwrap_or(usize::MAX), view };
    let (hits, next, previous) = list.page(request);
    SearchPage {
        hits,
        next,
        previous,
        total: counts.total,
        facets: facets(terms, counts),
        corrected: plan.corrected,
        marks,
        sequence: PublicSequence::default(),
    }
}

fn filter(terms: &TermTable, filters: &Filters) -> Filter {
    let Filters { categories, tags, authors, published_after, published_before, min_minutes, max_minutes } = filters;
    let keys = |kind, slugs: &[String]| (!slugs.is_empty()).then(|| terms.keys(kind, slugs));
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

/// All matches in their order, of which only as much is made as a page needs.
struct RankedMatches<'s> {
    ranked: Vec<RankedHit>,
    rest: Vec<Match>,
    /// How many there are, kept or not.
    total: usize,
    view: &'s View,
}

impl RankedMatches<'_> {
    fn page(mut self, request: &SearchRequest) -> (Vec<Hit>, Option<SearchPosition>, PreviousPage) {
        let from = match &request.after {
            Some(place) => self.behind(place),
            None => 0,
        };
        let to = from + request.limit;
        // The page, and where the page before begins.
        self.sort_rest(from.saturating_sub(request.limit + 1), to);
        let all = self.total;
        let hits: Vec<Hit> = (from..to.min(all)).map(|at| self.hit(at)).collect();
        let next = (to < all && !hits.is_empty()).then(|| self.place(to - 1));
        let previous = match from.checked_sub(request.limit + 1) {
            _ if from == 0 => PreviousPage::None,
            Some(at) => PreviousPage::Behind(self.place(at)),
            None => PreviousPage::First,
        };
        (hits, next, previous)
    }

    /// The number of the first hit behind a place.
    fn behind(&self, place: &SearchPosition) -> usize {
        if let Some(at) = self.ranked.iter().position(|ranked| ranked.id == place.id) {
            return at + 1;
        }
        if let Some(there) = self.rest.iter().find(|found| self.view.id(found) == place.id) {
            return self.ranked.len() + self.rest.iter().filter(|found| self.view.by_score(found, there).is_le()).count();
        }
        // It is gone: behind whatever stands before where it stood.
        let (close, answer, score) = place.rank;
        let before = |ranked: &RankedHit| (number(ranked.answer), ranked.score, ranked.id) > (answer, score, place.id);
        let within = self.ranked.iter().filter(|ranked| !close || before(ranked)).count();
        let beyond = self.rest.iter().filter(|found| !close && (found.score, self.view.id(found)) > (score, place.id)).count();
        within + beyond
    }

    /// Puts those of the rest in order that stand from one place of the list to before another.
    fn sort_rest(&mut self, from: usize, to: usize) {
        let by_score = |a: &Match, b: &Match| self.view.by_score(a, b);
        let [from, to] = [from, to].map(|at| at.saturating_sub(self.ranked.len()).min(self.rest.len()));
        if from < to {
            if to < self.rest.len() {
                self.rest.select_nth_unstable_by(to, by_score);
            }
            self.rest[..to].select_nth_unstable_by(from, by_score);
            self.rest[from..to].sort_unstable_by(by_score);
        }
    }

    fn hit(&self, at: usize) -> Hit {
        if let Some(RankedHit { score, id, explanation, .. }) = self.ranked.get(at) {
            return Hit { id: *id, score: *score, explanation: explanation.clone() };
        }
        let found = &self.rest[at - self.ranked.len()];
        // Scores fall along the list: what was not looked at closely is never better than what was.
        let worst = self.ranked.iter().map(|ranked| ranked.score).fold(f32::MAX, f32::min);
        let explanation = Explanation { stems: rounded(found.score), ..Explanation::default() };
        Hit { id: self.view.id(found), score: rounded(found.score).min(worst), explanation }
    }

    fn place(&self, at: usize) -> SearchPosition {
        if let Some(ranked) = self.ranked.get(at) {
            return SearchPosition { rank: (true, number(ranked.answer), ranked.score), id: ranked.id };
        }
        let found = &self.rest[at - self.ranked.len()];
        SearchPosition { rank: (false, 0, found.score), id: self.view.id(found) }
    }
}

fn number(answer: TitleMatch) -> u8 {
    match answer {
        TitleMatch::Otherwise => 0,
        TitleMatch::Holds => 1,
        TitleMatch::Begins => 2,
    }
}

fn facets(terms: &TermTable, counts: FacetCounts) -> Facets {
    let named = |counts: std::collections::HashMap<String, u64>| {
        let named = counts.into_iter().filter_map(|(key, count)| {
            let term = terms.name(&key)?;
            Some(FacetCount { value: term.slug.clone(), name: term.name.clone(), translations: term.translations.0.clone(), count })
        });
        let mut list: Vec<FacetCount> = named.collect();
        list.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        list.truncate(MOST_VALUES);
        list
    };
    let year = |(year, count): (i32, u64)| FacetCount { value: year.to_string(), name: year.to_string(), translations: Map::new(), count };
    Facets { categories: named(counts.categories), tags: named(counts.tags), years: counts.years.into_iter().rev().map(year).collect() }
}
