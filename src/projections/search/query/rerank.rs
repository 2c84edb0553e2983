//! The order of the best matches.
//!
//! score = (stems + 0.2 × spellings + 0.1 × neighbours) × (1 + 0.5 × share of the query in the title × share of the title it fills)
//! × (1 + 0.05 × 2^(−age / year)), for the first matches by stems; titles that answer what is typed come before all others.

use crate::projections::search::query::bm25::LOOKED_AT;
use crate::projections::search::query::bm25::MOST_TITLED;
use std::cmp::Ordering;

use uuid::Uuid;

use crate::domain::clock::Timestamp;
use crate::projections::search::index::schema::key;
use crate::projections::search::query::bm25::{Scorer, count, places, rarity, times};
use crate::projections::search::query::plan::{QueryPlan, TermGroup};
use crate::projections::search::query::title_match::{TitleMatch, TypedTitle};
use crate::projections::search::reader::term::ScoredTerm;
use crate::projections::search::reader::view::{Match, Segment};

const SPELLING: f32 = 0.2;
const NEIGHBOURS: f32 = 0.1;
const TITLE: f32 = 0.5;
const RECENCY: f32 = 0.05;
/// Neighbours in the query are neighbours in the text if no more than this many words are between them.
const SLOP: u32 = 4;
const YEAR_MILLIS: i64 = 31_557_600_000;
const DAY_MILLIS: i64 = 86_400_000;

/// Why a hit stands where it does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    pub stems: f32,
    pub spellings: f32,
    pub neighbours: f32,
    pub title: f32,
    pub recency: f32,
    pub title_answer: TitleMatch,
}

#[derive(Clone, Debug)]
pub(crate) struct RankedHit {
    pub(crate) answer: TitleMatch,
    pub(crate) score: f32,
    pub(crate) id: Uuid,
    pub(crate) explanation: Explanation,
}

impl RankedHit {
    /// Best first; the newer id on a tie, so that the order is total.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        other.answer.cmp(&self.answer).then_with(|| other.score.total_cmp(&self.score)).then_with(|| other.id.cmp(&self.id))
    }
}

impl Scorer<'_> {
    /// The first matches in their final order, and the rest in no order.
    pub(crate) fn first(&self, plan: &QueryPlan, mut matches: Vec<Match>, now: Timestamp) -> (Vec<RankedHit>, Vec<Match>) {
        let typed = TypedTitle::of(plan);
        let mut rest = Vec::new();
        if matches.len() > LOOKED_AT {
            matches.select_nth_unstable_by(LOOKED_AT, |a, b| self.view.by_score(a, b));
            rest = matches;
            matches = rest.drain(..LOOKED_AT).collect();
            let titled = rest.extract_if(.., |found| found.titled).collect();
            matches.extend(self.answering(titled, &typed, &mut rest));
        }
        matches.sort_unstable_by_key(|found| (found.segment, found.doc));
        let title = TitleShare::new(self, plan);
        let mut ranked: Vec<RankedHit> = Vec::with_capacity(matches.len());
        for group in matches.chunk_by(|a, b| a.segment == b.segment) {
            self.look_closely(plan, (&typed, &title), group, now, &mut ranked);
        }
        ranked.sort_unstable_by(RankedHit::order);
        (ranked, rest)
    }

    /// Of matches whose titles have all words that were typed, the first whose titles answer: those that begin before those that hold, each by
    /// its stems. The others are left where their stems put them.
    fn answering(&self, mut titled: Vec<Match>, typed: &TypedTitle, others: &mut Vec<Match>) -> Vec<Match> {
        if titled.len() > MOST_TITLED {
            titled.select_nth_unstable_by(MOST_TITLED, |a, b| self.view.by_score(a, b));
            others.extend(titled.drain(MOST_TITLED..));
        }
        let answer = |found: &Match| typed.answer(self.view.segment(found), found.doc);
        let mut answers: Vec<(TitleMatch, Match)> = titled.into_iter().map(|found| (answer(&found), found)).collect();
        answers.sort_unstable_by(|(a, x), (b, y)| b.cmp(a).then_with(|| self.view.by_score(x, y)));
        let first = answers.iter().take(LOOKED_AT).take_while(|(answer, _)| *answer > TitleMatch::Otherwise).count();
        others.extend(answers.drain(first..).map(|(_, found)| found));
        answers.into_iter().map(|(_, found)| found).collect()
    }

    fn look_closely(
        &self,
        plan: &QueryPlan,
        (typed, title): (&TypedTitle, &TitleShare),
        matches: &[Match],
        now: Timestamp,
        ranked: &mut Vec<RankedHit>,
    ) {
        let Some(segment) = matches.first().map(|found| self.view.segment(found)) else { return };
        let docs: Vec<u32> = matches.iter().map(|found| found.doc).collect();
        let spellings = self.spellings(plan, segment, &docs);
        let neighbours = self.neighbours(plan, segment, &docs);
        for (place, found) in matches.iter().enumerate() {
            let title = TITLE * title.of(segment, found.doc);
            let recency = RECENCY * recency(segment.data.columns.published(found.doc), now);
            let answer = typed.answer(segment, found.doc);
            let first = found.score + SPELLING * spellings[place] + NEIGHBOURS * neighbours[place];
            let score = rounded(first * (1.0 + title) * (1.0 + recency));
            let explanation = Explanation {
                stems: rounded(found.score),
                spellings: rounded(SPELLING * spellings[place]),
                neighbours: rounded(NEIGHBOURS * neighbours[place]),
                title: rounded(title),
                recency: rounded(recency),
                title_answer: answer,
            };
            ranked.push(RankedHit { answer, score, id: segment.id(found.doc), explanation });
        }
    }

    fn spellings(&self, plan: &QueryPlan, segment: &Segment, docs: &[u32]) -> Vec<f32> {
        let mut sums = vec![0.0; docs.len()];
        for group in &plan.groups {
            let mut best = vec![0.0_f32; docs.len()];
            for (place, spelling) in group.spellings.iter().enumerate() {
                let weight = group.terms.get(place).or(group.terms.first()).map_or(1.0, |term| term.weight);
                let worth = self.worth(&ScoredTerm { text: spelling.clone(), exactly: true, weight });
                times(&segment.words, spelling, docs, |place, times| {
                    let gain = worth * self.words.of(count(times), segment.words.lengths.fieldnorm_id(docs[place]));
                    best[place] = best[place].max(gain);
                });
            }
            for (sum, best) in sums.iter_mut().zip(best) {
                *sum += best;
            }
        }
        sums
    }

    /// For each two neighbouring words of prose in the query: how often they stand close to each other.
    fn neighbours(&self, plan: &QueryPlan, segment: &Segment, docs: &[u32]) -> Vec<f32> {
        let mut sums = vec![0.0; docs.len()];
        let prose: Vec<&TermGroup> = plan.groups.iter().filter(|group| group.prose && !group.terms.is_empty()).collect();
        if prose.len() < 2 {
            return sums;
        }
        let mut standing: Vec<Vec<Vec<u32>>> = Vec::new();
        for group in &prose {
            let mut list = vec![Vec::new(); docs.len()];
            // The first term is the word itself in the view's first language; the same word has another stem in the next.
            for term in group.terms.iter().filter(|term| !term.exactly) {
                places(&segment.stems, &term.text, docs, |place, positions| list[place].extend_from_slice(positions));
            }
            if group.terms.len() > 1 {
                for positions in &mut list {
                    positions.sort_unstable();
                }
            }
            standing.push(list);
        }
        let worth = |group: &TermGroup| group.terms.iter().map(|term| self.worth(term)).fold(0.0, f32::max);
        for (pair, groups) in standing.windows(2).zip(prose.windows(2)) {
            let worth = worth(groups[0]) + worth(groups[1]);
            for (place, sum) in sums.iter_mut().enumerate() {
                let close = close(&pair[0][place], &pair[1][place]);
                if close > 0 {
                    *sum += worth * self.stems.of(count(close), segment.stems.lengths.fieldnorm_id(docs[place]));
                }
            }
        }
        sums
    }
}

/// How many of the first places have one of the second ones near.
fn close(first: &[u32], second: &[u32]) -> u32 {
    let mut times = 0;
    for at in first {
        let next = second.partition_point(|other| other.saturating_add(SLOP + 1) < *at);
        times += u32::from(second.get(next).is_some_and(|other| other.abs_diff(*at) <= SLOP + 1));
    }
    times
}

/// How much of the query the title has, and how much of the title that is.
struct TitleShare {
    words: Vec<(Vec<u32>, f32)>,
    all: f32,
}

impl TitleShare {
    fn new(scorer: &Scorer<'_>, plan: &QueryPlan) -> Self {
        let mut words = Vec::new();
        for group in plan.groups.iter().filter(|group| group.prose) {
            let worth = group.terms.iter().map(|term| scorer.worth(term)).fold(0.0, f32::max);
            // A word that no text has says that the query asks for more than there is.
            let worth = if worth > 0.0 { worth } else { rarity(scorer.view.documents, 0) };
            words.push((group.terms.iter().map(|term| key(&term.text)).collect(), worth));
        }
        let all = words.iter().map(|(_, worth): &(Vec<u32>, f32)| worth).sum();
        Self { words, all }
    }

    fn of(&self, segment: &Segment, doc: u32) -> f32 {
        let title: Vec<u32> = segment.data.columns.title(doc).map(|(_, stem)| stem).collect();
        if title.is_empty() || self.all <= 0.0 {
            return 0.0;
        }
        let there: f32 = self.words.iter().filter(|(keys, _)| keys.iter().any(|key| title.contains(key))).map(|(_, worth)| worth).sum();
        let asked = |word: &&u32| self.words.iter().any(|(keys, _)| keys.contains(word));
        let filled = crate::projections::search::reader::view::ratio(title.iter().filter(asked).count() as u64, title.len() as u64);
        there / self.all * filled
    }
}

/// 1 for what is new, half of it a year later. By the day, so that pages of one list agree.
#[expect(clippy::cast_precision_loss, reason = "a factor between 1 and 1.05 needs few digits")]
fn recency(published: i64, now: Timestamp) -> f32 {
    let today = now.0 - now.0.rem_euclid(DAY_MILLIS);
    let age = (today - published).max(0) as f32 / YEAR_MILLIS as f32;
    0.5_f32.powf(age)
}

/// Scores are shown and compared with four digits behind the point.
pub(crate) fn rounded(score: f32) -> f32 {
    (score * 10_000.0).round() / 10_000.0
}
