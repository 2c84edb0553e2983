//! The final order: the best matches by BM25 are rescored with spellings, proximity, title coverage and recency.
//!
//! score = (stems + 0.2 × spellings + 0.1 × neighbours) × (1 + 0.5 × share of the query in the title × share of the title in the query)
//! × (1 + 0.05 × 2^(−age / year)). Titles that match the query word for word come before all others.

use std::cmp::Ordering;

use uuid::Uuid;

use crate::domain::clock::Timestamp;
use crate::projections::search::index::schema::word_hash;
use crate::projections::search::query::bm25::{as_float, idf};
use crate::projections::search::query::plan::{QueryPlan, TermGroup};
use crate::projections::search::query::postings::{for_each_positions, for_each_term_freq};
use crate::projections::search::query::scorer::{MAX_TITLE_CANDIDATES, RERANKED, Scorer};
use crate::projections::search::query::title_match::{TitleMatch, TypedTitle};
use crate::projections::search::reader::segment::Segment;
use crate::projections::search::reader::term::ScoredTerm;
use crate::projections::search::reader::view::{Match, ratio};

const SPELLING_WEIGHT: f32 = 0.2;
const NEIGHBOURS_WEIGHT: f32 = 0.1;
const TITLE_WEIGHT: f32 = 0.5;
const RECENCY_WEIGHT: f32 = 0.05;
/// Neighbours in the query count as neighbours in the text if at most this many words are between them.
const MAX_SLOP: u32 = 4;
const YEAR_MILLIS: i64 = 31_557_600_000;
const DAY_MILLIS: i64 = 86_400_000;

/// The parts of a score. All but the title match are products with their weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    pub stems: f32,
    pub spellings: f32,
    pub neighbours: f32,
    pub title: f32,
    pub recency: f32,
    pub title_match: TitleMatch,
}

#[derive(Clone, Debug)]
pub(crate) struct RankedHit {
    pub(crate) title_match: TitleMatch,
    pub(crate) score: f32,
    pub(crate) id: Uuid,
    pub(crate) explanation: Explanation,
}

impl RankedHit {
    /// Best first; the newer id first on a tie, so that the order is total.
    fn compare(&self, other: &Self) -> Ordering {
        other.title_match.cmp(&self.title_match).then_with(|| other.score.total_cmp(&self.score)).then_with(|| other.id.cmp(&self.id))
    }
}

/// What titles are compared with.
struct TitleQuery {
    typed: TypedTitle,
    coverage: TitleCoverage,
}

impl Scorer<'_> {
    /// The best matches in their final order, and the other matches in no order.
    pub(crate) fn rerank(&self, plan: &QueryPlan, mut matches: Vec<Match>, now: Timestamp) -> (Vec<RankedHit>, Vec<Match>) {
        let title_query = TitleQuery { typed: TypedTitle::new(plan), coverage: TitleCoverage::new(self, plan) };
        let mut rest = Vec::new();
        if matches.len() > RERANKED {
            matches.select_nth_unstable_by(RERANKED, |a, b| self.view.compare_by_score(a, b));
            rest = matches;
            matches = rest.drain(..RERANKED).collect();
            let candidates = rest.extract_if(.., |matched| matched.is_title_candidate).collect();
            matches.extend(self.extract_title_matches(candidates, &title_query.typed, &mut rest));
        }
        matches.sort_unstable_by_key(|matched| (matched.segment, matched.doc));
        let mut ranked: Vec<RankedHit> = Vec::with_capacity(matches.len());
        for group in matches.chunk_by(|a, b| a.segment == b.segment) {
            self.rerank_segment(plan, &title_query, group, now, &mut ranked);
        }
        ranked.sort_unstable_by(RankedHit::compare);
        (ranked, rest)
    }

    /// The best title candidates whose titles match the query: prefixes first, each kind by BM25. The others go to `rest`.
    fn extract_title_matches(&self, mut candidates: Vec<Match>, typed: &TypedTitle, rest: &mut Vec<Match>) -> Vec<Match> {
        if candidates.len() > MAX_TITLE_CANDIDATES {
            candidates.select_nth_unstable_by(MAX_TITLE_CANDIDATES, |a, b| self.view.compare_by_score(a, b));
            rest.extend(candidates.drain(MAX_TITLE_CANDIDATES..));
        }
        let title_match = |matched: &Match| typed.match_title(self.view.segment_of(matched), matched.doc);
        let mut titles: Vec<(TitleMatch, Match)> = candidates.into_iter().map(|matched| (title_match(&matched), matched)).collect();
        titles.sort_unstable_by(|(a, x), (b, y)| b.cmp(a).then_with(|| self.view.compare_by_score(x, y)));
        let matching = titles.iter().take(RERANKED).take_while(|(title_match, _)| *title_match > TitleMatch::None).count();
        rest.extend(titles.drain(matching..).map(|(_, matched)| matched));
        titles.into_iter().map(|(_, matched)| matched).collect()
    }

    /// Rescores matches of one segment, in ascending order of documents.
    fn rerank_segment(&self, plan: &QueryPlan, title_query: &TitleQuery, matches: &[Match], now: Timestamp, ranked: &mut Vec<RankedHit>) {
        let Some(segment) = matches.first().map(|matched| self.view.segment_of(matched)) else { return };
        let docs: Vec<u32> = matches.iter().map(|matched| matched.doc).collect();
        let spellings = self.spelling_scores(plan, segment, &docs);
        let neighbours = self.neighbour_scores(plan, segment, &docs);
        for (index, matched) in matches.iter().enumerate() {
            let spellings = SPELLING_WEIGHT * spellings[index];
            let neighbours = NEIGHBOURS_WEIGHT * neighbours[index];
            let title = TITLE_WEIGHT * title_query.coverage.score(segment, matched.doc);
            let recency = RECENCY_WEIGHT * recency(segment.data.columns.published_at(matched.doc), now);
            let title_match = title_query.typed.match_title(segment, matched.doc);
            let score = round_score((matched.score + spellings + neighbours) * (1.0 + title) * (1.0 + recency));
            let explanation = Explanation {
                stems: round_score(matched.score),
                spellings: round_score(spellings),
                neighbours: round_score(neighbours),
                title: round_score(title),
                recency: round_score(recency),
                title_match,
            };
            ranked.push(RankedHit { title_match, score, id: segment.id(matched.doc), explanation });
        }
    }

    /// BM25 of the words as they are spelled: of each group the best spelling.
    fn spelling_scores(&self, plan: &QueryPlan, segment: &Segment, docs: &[u32]) -> Vec<f32> {
        let mut sums = vec![0.0; docs.len()];
        for group in &plan.groups {
            let mut best = vec![0.0_f32; docs.len()];
            for (index, spelling) in group.spellings.iter().enumerate() {
                let weight = group.terms.get(index).or(group.terms.first()).map_or(1.0, |term| term.weight);
                let weighted_idf = self.weighted_idf(&ScoredTerm { text: spelling.clone(), exact: true, weight });
                for_each_term_freq(&segment.words, spelling, docs, |index, term_freq| {
                    let score = weighted_idf * self.words.score(as_float(term_freq), segment.words.norms.fieldnorm_id(docs[index]));
                    best[index] = best[index].max(score);
                });
            }
            for (sum, best) in sums.iter_mut().zip(best) {
                *sum += best;
            }
        }
        sums
    }

    /// For each two neighbouring words of prose in the query: BM25 of how often they are close to each other.
    fn neighbour_scores(&self, plan: &QueryPlan, segment: &Segment, docs: &[u32]) -> Vec<f32> {
        let mut sums = vec![0.0; docs.len()];
        let prose: Vec<&TermGroup> = plan.groups.iter().filter(|group| group.is_prose && !group.terms.is_empty()).collect();
        if prose.len() < 2 {
            return sums;
        }
        let positions: Vec<Vec<Vec<u32>>> = prose.iter().map(|group| stem_positions(group, segment, docs)).collect();
        let best_idf = |group: &TermGroup| group.terms.iter().map(|term| self.weighted_idf(term)).fold(0.0, f32::max);
        for (pair, groups) in positions.windows(2).zip(prose.windows(2)) {
            let idf = best_idf(groups[0]) + best_idf(groups[1]);
            for (index, sum) in sums.iter_mut().enumerate() {
                let close_pairs = count_close_pairs(&pair[0][index], &pair[1][index]);
                if close_pairs > 0 {
                    *sum += idf * self.stems.score(as_float(close_pairs), segment.stems.norms.fieldnorm_id(docs[index]));
                }
            }
        }
        sums
    }
}

/// The positions of a group's stems in each of the documents, in ascending order.
fn stem_positions(group: &TermGroup, segment: &Segment, docs: &[u32]) -> Vec<Vec<u32>> {
    let mut positions_of_docs = vec![Vec::new(); docs.len()];
    // The same word has a different stem in each language of the view.
    for term in group.terms.iter().filter(|term| !term.exact) {
        for_each_positions(&segment.stems, &term.text, docs, |index, positions| positions_of_docs[index].extend_from_slice(positions));
    }
    if group.terms.len() > 1 {
        for positions in &mut positions_of_docs {
            positions.sort_unstable();
        }
    }
    positions_of_docs
}

/// How many of the first positions have one of the second positions close to them.
fn count_close_pairs(first: &[u32], second: &[u32]) -> u32 {
    let mut count = 0;
    for position in first {
        let next = second.partition_point(|other| other.saturating_add(MAX_SLOP + 1) < *position);
        count += u32::from(second.get(next).is_some_and(|other| other.abs_diff(*position) <= MAX_SLOP + 1));
    }
    count
}

/// How much of the query is in a title, and how much of the title is in the query.
struct TitleCoverage {
    words: Vec<WeightedWord>,
    total_idf: f32,
}

/// A word of the query as the hashes of its stems.
struct WeightedWord {
    stem_hashes: Vec<u32>,
    idf: f32,
}

impl TitleCoverage {
    fn new(scorer: &Scorer<'_>, plan: &QueryPlan) -> Self {
        let mut words = Vec::new();
        for group in plan.groups.iter().filter(|group| group.is_prose) {
            let best_idf = group.terms.iter().map(|term| scorer.weighted_idf(term)).fold(0.0, f32::max);
            // A word that no document has is the part of the query that no title covers.
            let idf = if best_idf > 0.0 { best_idf } else { idf(scorer.view.doc_count, 0) };
            words.push(WeightedWord { stem_hashes: group.terms.iter().map(|term| word_hash(&term.text)).collect(), idf });
        }
        let total_idf = words.iter().map(|word| word.idf).sum();
        Self { words, total_idf }
    }

    /// 1 for a title that is exactly the query, 0 for one without a word of it.
    fn score(&self, segment: &Segment, doc: u32) -> f32 {
        let title: Vec<u32> = segment.data.columns.title_hashes(doc).map(|(_, stem)| stem).collect();
        if title.is_empty() || self.total_idf <= 0.0 {
            return 0.0;
        }
        let is_in_title = |word: &&WeightedWord| word.stem_hashes.iter().any(|hash| title.contains(hash));
        let idf_in_title: f32 = self.words.iter().filter(is_in_title).map(|word| word.idf).sum();
        let is_in_query = |hash: &&u32| self.words.iter().any(|word| word.stem_hashes.contains(hash));
        let share_in_query = ratio(title.iter().filter(is_in_query).count() as u64, title.len() as u64);
        idf_in_title / self.total_idf * share_in_query
    }
}

/// 1 for a new text, 0.5 a year later. By whole days, so that the pages of one list agree.
#[expect(clippy::cast_precision_loss, reason = "a factor between 1 and 1.05 needs few digits")]
fn recency(published_at: i64, now: Timestamp) -> f32 {
    let today = now.0 - now.0.rem_euclid(DAY_MILLIS);
    let age = (today - published_at).max(0) as f32 / YEAR_MILLIS as f32;
    0.5_f32.powf(age)
}

/// Scores are compared and shown with four decimal places.
pub(crate) fn round_score(score: f32) -> f32 {
    (score * 10_000.0).round() / 10_000.0
}
