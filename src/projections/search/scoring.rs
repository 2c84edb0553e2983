//! Which documents match, how well (BM25 over the stems: k1 1.2, b 0.75; Robertson and Zaragoza, 2009), and how many there are of each kind.
//!
//! Postings are added up one term after the other into one place for each document, always in the order of the query: the sums are the same to
//! the last bit however the documents are spread over segments.

use std::cell::RefCell;
use std::collections::HashMap;

use tantivy::postings::{Postings as _, SegmentPostings};
use tantivy::{DocId, DocSet as _, TERMINATED};

use super::analysis::Piece;
use super::facets::{Counter, Counts, Filter};
use super::plan::{Plan, Term};
use super::ranking::LOOKED_AT;
use super::view::{Bits, Segment, Text, View, ratio};

const K1: f32 = 1.2;
const B: f32 = 0.75;

/// A document that matches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Match {
    pub(super) score: f32,
    pub(super) segment: usize,
    pub(super) doc: DocId,
}

/// Which matches are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    All,
    /// Those that can be among the first, by score or by title.
    First,
}

/// Matches, of which those are forgotten that so many better ones came before.
struct Kept {
    wanted: Wanted,
    list: Vec<Match>,
    titled: Vec<Match>,
    /// What is worse than this is not wanted.
    least: f32,
    prune_at: usize,
}

impl Kept {
    fn new(wanted: Wanted) -> Self {
        Self { wanted, list: Vec::new(), titled: Vec::new(), least: f32::MIN, prune_at: 20 * LOOKED_AT }
    }

    fn push(&mut self, found: Match, titled: bool) {
        if self.wanted == Wanted::All {
            self.list.push(found);
        } else if titled {
            self.titled.push(found);
        } else if found.score >= self.least {
            self.list.push(found);
            if self.list.len() >= self.prune_at {
                self.prune();
            }
        }
    }

    /// Equals of the last one that is wanted stay: which of them come first is decided by more than the score.
    fn prune(&mut self) {
        let (_, worst, _) = self.list.select_nth_unstable_by(LOOKED_AT, |a, b| b.score.total_cmp(&a.score));
        self.least = worst.score;
        self.list.retain(|found| found.score >= self.least);
        self.prune_at = self.prune_at.max(2 * self.list.len());
    }

    fn finish(mut self) -> Vec<Match> {
        self.list.append(&mut self.titled);
        self.list
    }
}

/// What matches, in no order; and in each segment the documents whose titles have all the words that were typed.
pub(super) struct Matches {
    pub(super) all: Vec<Match>,
    pub(super) titles: Vec<Bits>,
}

/// What is put aside between queries, so that none has to ask for memory in proportion to the index.
#[derive(Default)]
pub(super) struct Scratch {
    scores: Vec<f32>,
    best: Vec<f32>,
    touched: Bits,
    in_group: Bits,
}

/// How rare a term is: BM25's inverse document frequency.
pub(super) fn rarity(documents: u32, frequency: u32) -> f32 {
    let (n, f) = (f64::from(documents), f64::from(frequency));
    #[expect(clippy::cast_possible_truncation, reason = "a score needs no more digits")]
    let value = (1.0 + (n - f + 0.5).max(0.0) / (f + 0.5)).ln() as f32;
    value
}

/// What a term's count in a document is worth, for each of the 256 lengths the index tells apart.
pub(super) struct Saturation([f32; 256]);

impl Saturation {
    pub(super) fn new(average: f32) -> Self {
        let mut norms = [0.0; 256];
        for (id, norm) in (0_u8..=255).zip(&mut norms) {
            let length = tantivy::fieldnorm::FieldNormReader::id_to_fieldnorm(id);
            *norm = K1 * (1.0 - B + B * ratio(u64::from(length), 1) / average);
        }
        Self(norms)
    }

    pub(super) fn of(&self, count: f32, length: u8) -> f32 {
        count * (K1 + 1.0) / (count + self.0[usize::from(length)])
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts within a document are small")]
pub(super) fn count(times: u32) -> f32 {
    times as f32
}

/// Everything that ranks by the view's statistics.
pub(super) struct Scorer<'v> {
    pub(super) view: &'v View,
    pub(super) stems: Saturation,
    pub(super) words: Saturation,
    /// What terms are worth, each counted once.
    worths: RefCell<HashMap<(String, bool), f32>>,
}

impl<'v> Scorer<'v> {
    pub(super) fn new(view: &'v View) -> Self {
        Self { view, stems: Saturation::new(view.stems_length), words: Saturation::new(view.words_length), worths: RefCell::default() }
    }

    /// The rarity of a term times its weight.
    pub(super) fn worth(&self, term: &Term) -> f32 {
        let key = (term.text.clone(), term.exactly);
        let known = self.worths.borrow().get(&key).copied();
        let worth = known.unwrap_or_else(|| {
            let frequency = self.view.frequency(|segment| segment.text_of(term), &term.text);
            let worth = if frequency == 0 { 0.0 } else { rarity(self.view.documents, frequency) };
            self.worths.borrow_mut().insert(key, worth);
            worth
        });
        term.weight * worth
    }

    /// The matches in no order, and the counts of all of them.
    pub(super) fn matches(&self, plan: &Plan, filter: &Filter, wanted: Wanted, scratch: &mut Scratch) -> (Matches, Counts) {
        let worths: Vec<Vec<f32>> = plan.groups.iter().map(|group| group.terms.iter().map(|term| self.worth(term)).collect()).collect();
        let (mut kept, mut titles) = (Kept::new(wanted), Vec::new());
        let mut counts = Counts::default();
        for (place, segment) in self.view.segments.iter().enumerate() {
            scratch.touched.clear(segment.size);
            scratch.scores.resize(scratch.scores.len().max(segment.size as usize), 0.0);
            scratch.best.resize(scratch.scores.len(), 0.0);
            for (group, worths) in plan.groups.iter().zip(&worths) {
                self.add_group(segment, &group.terms, worths, scratch);
            }
            let candidates = super::titles::candidates(segment, plan);
            for doc in candidates.iter() {
                if scratch.touched.insert(doc) {
                    scratch.scores[doc as usize] = 0.0;
                }
            }
            if plan.only_excludes {
                for doc in segment.seen.iter().filter(|doc| scratch.touched.insert(*doc)) {
                    scratch.scores[doc as usize] = 0.0;
                }
            }
            restrict(segment, plan, &mut scratch.touched);
            let mut counter = Counter::new(segment, filter);
            for doc in scratch.touched.iter().filter(|doc| counter.take(*doc)) {
                kept.push(Match { score: scratch.scores[doc as usize], segment: place, doc }, candidates.has(doc));
            }
            counter.finish(&mut counts);
            titles.push(candidates);
        }
        (Matches { all: kept.finish(), titles }, counts)
    }

    /// Adds the best of a group's terms to each document.
    fn add_group(&self, segment: &Segment, terms: &[Term], worths: &[f32], scratch: &mut Scratch) {
        let Scratch { scores, best, touched, in_group } = scratch;
        let alone = terms.len() == 1;
        if !alone {
            in_group.clear(segment.size);
        }
        for (term, worth) in terms.iter().zip(worths).filter(|(_, worth)| **worth > 0.0) {
            let (text, saturation) = (segment.text_of(term), if term.exactly { &self.words } else { &self.stems });
            segment.each(text, &term.text, |doc, times| {
                let gain = worth * saturation.of(count(times), text.lengths.fieldnorm_id(doc));
                let at = doc as usize;
                if touched.insert(doc) {
                    scores[at] = 0.0;
                }
                if alone {
                    scores[at] += gain;
                } else if in_group.insert(doc) {
                    best[at] = gain;
                    scores[at] += gain;
                } else if gain > best[at] {
                    scores[at] += gain - best[at];
                    best[at] = gain;
                }
            });
        }
    }
}

/// Keeps what has every phrase, and nothing that was excluded.
fn restrict(segment: &Segment, plan: &Plan, found: &mut Bits) {
    for phrase in &plan.phrases {
        found.keep(&with_phrase(segment, phrase));
    }
    for phrase in &plan.without_phrases {
        found.remove(&with_phrase(segment, phrase));
    }
    let mut without = Bits::none(segment.size);
    for term in &plan.without {
        segment.mark(segment.text_of(term), &term.text, &mut without);
    }
    found.remove(&without);
}

/// The documents that have the pieces at the same distances as in the phrase.
fn with_phrase(segment: &Segment, phrase: &[Piece]) -> Bits {
    let mut found = Bits::none(segment.size);
    let first = phrase.iter().map(|piece| piece.position).min().unwrap_or(0);
    let mut lists = Vec::new();
    for piece in phrase {
        let Some(postings) = segment.words.postings(&piece.text) else { return found };
        lists.push((postings, u32::try_from(piece.position - first).unwrap_or(u32::MAX)));
    }
    lists.sort_by_key(|(postings, _)| postings.doc_freq());
    let Some(((rarest, distance), others)) = lists.split_first_mut() else { return found };
    let (mut starts, mut positions) = (Vec::new(), Vec::new());
    while rarest.doc() != TERMINATED {
        let doc = rarest.doc();
        if others.iter_mut().all(|(postings, _)| (postings.doc() >= doc || postings.seek(doc) >= doc) && postings.doc() == doc) {
            rarest.positions(&mut positions);
            starts.clear();
            starts.extend(positions.iter().filter_map(|at| at.checked_sub(*distance)));
            for (postings, distance) in others.iter_mut() {
                postings.positions(&mut positions);
                starts.retain(|start| positions.binary_search(&(start + *distance)).is_ok());
            }
            if !starts.is_empty() {
                found.insert(doc);
            }
        }
        rarest.advance();
    }
    found
}

/// Where each of the documents (rising) has the term.
pub(super) fn places(text: &Text, term: &str, docs: &[DocId], mut take: impl FnMut(usize, &[u32])) {
    let Some(postings) = text.postings(term) else { return };
    let mut positions = Vec::new();
    meet(postings, docs, |place, postings| {
        postings.positions(&mut positions);
        take(place, &positions);
    });
}

/// How often each of the documents (rising) has the term.
pub(super) fn times(text: &Text, term: &str, docs: &[DocId], mut take: impl FnMut(usize, u32)) {
    let Some(postings) = text.counted_postings(term) else { return };
    meet(postings, docs, |place, postings| take(place, postings.term_freq()));
}

fn meet(mut postings: SegmentPostings, docs: &[DocId], mut take: impl FnMut(usize, &mut SegmentPostings)) {
    for (place, doc) in docs.iter().enumerate() {
        if postings.doc() < *doc && postings.seek(*doc) == TERMINATED {
            return;
        }
        if postings.doc() == *doc {
            take(place, &mut postings);
        }
    }
}
