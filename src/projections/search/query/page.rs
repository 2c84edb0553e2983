//! One page of the ranked list of matches, and the positions at which the next and the previous page start.

use uuid::Uuid;

use crate::projections::search::query::rerank::{Explanation, RankedHit, round_score};
use crate::projections::search::query::title_match::TitleMatch;
use crate::projections::search::reader::view::{Match, View};

/// A hit as a position in the list. It can be located again after scores have changed a little.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchPosition {
    /// Whether the hit was among the reranked ones, which come first.
    pub is_reranked: bool,
    /// How its title matched: 0 not, 1 contains the query, 2 starts with it.
    pub title_rank: u8,
    pub score: f32,
    pub id: Uuid,
}

#[derive(Clone, Debug)]
pub struct Hit {
    pub id: Uuid,
    pub score: f32,
    pub explanation: Explanation,
}

/// The start of the previous page.
#[derive(Clone, Debug, PartialEq)]
pub enum PreviousPage {
    /// This is the first page.
    None,
    First,
    After(SearchPosition),
}

/// All matches in their order, sorted only as far as a page needs.
pub(super) struct RankedMatches<'s> {
    pub(super) ranked: Vec<RankedHit>,
    pub(super) rest: Vec<Match>,
    /// The number of matches, including those that were dropped because they cannot be on the first page.
    pub(super) total: usize,
    pub(super) view: &'s View,
}

/// The hits of a page, and its neighbours.
pub(super) struct PageOfHits {
    pub(super) hits: Vec<Hit>,
    pub(super) next: Option<SearchPosition>,
    pub(super) previous: PreviousPage,
}

impl RankedMatches<'_> {
    pub(super) fn into_page(mut self, after: Option<&SearchPosition>, limit: usize) -> PageOfHits {
        let start = after.map_or(0, |position| self.index_after(position));
        let end = start + limit;
        // The page itself, and the start of the previous one.
        self.sort_rest(start.saturating_sub(limit + 1), end);
        let hits: Vec<Hit> = (start..end.min(self.total)).map(|index| self.hit(index)).collect();
        let next = (end < self.total && !hits.is_empty()).then(|| self.position_of(end - 1));
        let previous = match start.checked_sub(limit + 1) {
            _ if start == 0 => PreviousPage::None,
            Some(index) => PreviousPage::After(self.position_of(index)),
            None => PreviousPage::First,
        };
        PageOfHits { hits, next, previous }
    }

    /// The index of the first hit after a position.
    fn index_after(&self, position: &SearchPosition) -> usize {
        if let Some(index) = self.ranked.iter().position(|ranked| ranked.id == position.id) {
            return index + 1;
        }
        if let Some(hit) = self.rest.iter().find(|matched| self.view.id_of(matched) == position.id) {
            return self.ranked.len() + self.rest.iter().filter(|matched| self.view.compare_by_score(matched, hit).is_le()).count();
        }
        // The hit no longer matches: count those that would come before it.
        let SearchPosition { is_reranked, title_rank, score, id } = *position;
        let is_before = |ranked: &RankedHit| (rank_of(ranked.title_match), ranked.score, ranked.id) > (title_rank, score, id);
        let before_in_ranked = self.ranked.iter().filter(|ranked| !is_reranked || is_before(ranked)).count();
        let is_before_in_rest = |matched: &&Match| !is_reranked && (matched.score, self.view.id_of(matched)) > (score, id);
        before_in_ranked + self.rest.iter().filter(is_before_in_rest).count()
    }

    /// Sorts the part of `rest` that the range of the whole list covers.
    fn sort_rest(&mut self, start: usize, end: usize) {
        let by_score = |a: &Match, b: &Match| self.view.compare_by_score(a, b);
        let [start, end] = [start, end].map(|index| index.saturating_sub(self.ranked.len()).min(self.rest.len()));
        if start < end {
            if end < self.rest.len() {
                self.rest.select_nth_unstable_by(end, by_score);
            }
            self.rest[..end].select_nth_unstable_by(start, by_score);
            self.rest[start..end].sort_unstable_by(by_score);
        }
    }

    fn hit(&self, index: usize) -> Hit {
        if let Some(RankedHit { score, id, explanation, .. }) = self.ranked.get(index) {
            return Hit { id: *id, score: *score, explanation: explanation.clone() };
        }
        let matched = &self.rest[index - self.ranked.len()];
        // Scores must not rise along the list, so a hit that was not reranked has at most the lowest score of those that were.
        let lowest = self.ranked.iter().map(|ranked| ranked.score).fold(f32::MAX, f32::min);
        let score = round_score(matched.score);
        Hit { id: self.view.id_of(matched), score: score.min(lowest), explanation: Explanation { stems: score, ..Explanation::default() } }
    }

    fn position_of(&self, index: usize) -> SearchPosition {
        if let Some(ranked) = self.ranked.get(index) {
            return SearchPosition { is_reranked: true, title_rank: rank_of(ranked.title_match), score: ranked.score, id: ranked.id };
        }
        let matched = &self.rest[index - self.ranked.len()];
        SearchPosition { is_reranked: false, title_rank: 0, score: matched.score, id: self.view.id_of(matched) }
    }
}

fn rank_of(title_match: TitleMatch) -> u8 {
    match title_match {
        TitleMatch::None => 0,
        TitleMatch::Contains => 1,
        TitleMatch::Prefix => 2,
    }
}
