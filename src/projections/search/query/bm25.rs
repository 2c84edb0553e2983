//! Which documents match, how well (BM25 over the stems: k1 1.2, b 0.75; Robertson and Zaragoza, 2009), and how many there are of each kind.
//!
//! Postings are added up one term after the other into one place for each document, always in the order of the query: the sums are the same to
//! the last bit however the documents are spread over segments.

use crate::projections::search::query::plan::QueryPlan;
use crate::projections::search::reader::view::{Match, Segment};
use std::cell::RefCell;
use std::collections::HashMap;

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::{Postings as _, SegmentPostings};
use tantivy::{DocId, DocSet as _, TERMINATED};

use crate::projections::search::analysis::tokenizer::Token;
use crate::projections::search::query::facets::{FacetCounter, FacetCounts, Filter};
use crate::projections::search::reader::term::ScoredTerm;

use crate::projections::search::reader::doc_set::DocSet;
use crate::projections::search::reader::top_k::TopK;
use crate::projections::search::reader::view::{PostingsCursor, TextField, View, ratio};

const K1: f32 = 1.2;
const B: f32 = 0.75;

/// Which matches are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MatchSelection {
    All,
    /// Those that can be among the first, by score or by title.
    First,
}

/// Documents that are added up at a time: the place for their sums does not grow with the index, and fits the processor's cache.
/// A multiple of 64, and a small one where tests need several windows.
const WINDOW: u32 = if cfg!(test) { 128 } else { 1 << 16 };

/// What is put aside between queries. Documents are counted from the beginning of a window.
#[derive(Default)]
pub(crate) struct Scratch {
    scores: Vec<f32>,
    best: Vec<f32>,
    touched: DocSet,
    in_group: DocSet,
}

/// A term of a group: what it is worth, and where its documents are.
struct TermSum<'s> {
    worth: f32,
    saturation: &'s SaturationTable,
    lengths: &'s FieldNormReader,
    walk: PostingsCursor<'s>,
}

/// How rare a term is: BM25's inverse document frequency.
pub(crate) fn rarity(documents: u32, frequency: u32) -> f32 {
    let (n, f) = (f64::from(documents), f64::from(frequency));
    #[expect(clippy::cast_possible_truncation, reason = "a score needs no more digits")]
    let value = (1.0 + (n - f + 0.5).max(0.0) / (f + 0.5)).ln() as f32;
    value
}

/// What a term's count in a document is worth, for each of the 256 lengths the index tells apart.
pub(crate) struct SaturationTable([f32; 256]);

impl SaturationTable {
    pub(crate) fn new(average: f32) -> Self {
        let mut norms = [0.0; 256];
        for (id, norm) in (0_u8..=255).zip(&mut norms) {
            let length = tantivy::fieldnorm::FieldNormReader::id_to_fieldnorm(id);
            *norm = K1 * (1.0 - B + B * ratio(u64::from(length), 1) / average);
        }
        Self(norms)
    }

    pub(crate) fn of(&self, count: f32, length: u8) -> f32 {
        count * (K1 + 1.0) / (count + self.0[usize::from(length)])
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts within a document are small")]
pub(crate) fn count(times: u32) -> f32 {
    times as f32
}

/// Everything that ranks by the view's statistics.
pub(crate) struct Scorer<'v> {
    pub(crate) view: &'v View,
    pub(crate) stems: SaturationTable,
    pub(crate) words: SaturationTable,
    /// What terms are worth, each counted once.
    worths: RefCell<HashMap<(String, bool), f32>>,
}

impl<'v> Scorer<'v> {
    pub(crate) fn new(view: &'v View) -> Self {
        Self {
            view,
            stems: SaturationTable::new(view.stems_length),
            words: SaturationTable::new(view.words_length),
            worths: RefCell::default(),
        }
    }

    /// The rarity of a term times its weight.
    pub(crate) fn worth(&self, term: &ScoredTerm) -> f32 {
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
    pub(crate) fn matches(
        &self,
        plan: &QueryPlan,
        filter: &Filter,
        wanted: MatchSelection,
        scratch: &mut Scratch,
    ) -> (Vec<Match>, FacetCounts) {
        let worths: Vec<Vec<f32>> = plan.groups.iter().map(|group| group.terms.iter().map(|term| self.worth(term)).collect()).collect();
        let by_score = |a: &Match, b: &Match| self.view.by_score(a, b);
        let mut all = Vec::new();
        let [mut best, mut best_titled] = [LOOKED_AT, LOOKED_AT + MOST_TITLED].map(|most| TopK::new(most, by_score));
        let mut counts = FacetCounts::default();
        for (place, segment) in (0..).zip(&self.view.segments) {
            let mut counter = FacetCounter::new(segment, filter);
            self.matching(segment, plan, &worths, scratch, |doc, score, titled| {
                if counter.take(doc) {
                    let found = Match { score, segment: place, doc, titled };
                    match wanted {
                        MatchSelection::All => all.push(found),
                        MatchSelection::First if titled => best_titled.push(found),
                        MatchSelection::First => best.push(found),
                    }
                }
            });
            counter.finish(&mut counts);
        }
        all.extend(best.finish());
        all.extend(best_titled.finish());
        (all, counts)
    }

    /// Calls back with each document of a segment that matches, what it scores, and whether its title has all words that were typed.
    fn matching(
        &self,
        segment: &Segment,
        plan: &QueryPlan,
        worths: &[Vec<f32>],
        scratch: &mut Scratch,
        mut take: impl FnMut(DocId, f32, bool),
    ) {
        let titled = crate::projections::search::query::title_match::candidates(segment, plan);
        let bounds = PhraseBounds::of(segment, plan);
        let mut groups: Vec<Vec<TermSum<'_>>> =
            plan.groups.iter().zip(worths).map(|(group, worths)| self.sums(segment, &group.terms, worths)).collect();
        for first in (0..segment.size).step_by(WINDOW as usize) {
            let end = segment.size.min(first + WINDOW);
            scratch.begin(end - first);
            for sums in &mut groups {
                scratch.add_group(sums, first, end);
            }
            scratch.put_in(titled.between(first, end), first);
            if plan.only_excludes {
                scratch.put_in(segment.seen.docs.between(first, end), first);
            }
            bounds.restrict(&mut scratch.touched, first);
            for at in scratch.touched.iter() {
                take(first + at, scratch.scores[at as usize], titled.has(first + at));
            }
        }
    }

    fn sums<'s>(&'s self, segment: &'s Segment, terms: &[ScoredTerm], worths: &[f32]) -> Vec<TermSum<'s>> {
        let worth_something = terms.iter().zip(worths).filter(|(_, worth)| **worth > 0.0);
        let sums = worth_something.filter_map(|(term, worth)| {
            let (text, saturation) = (segment.text_of(term), if term.exactly { &self.words } else { &self.stems });
            Some(TermSum { worth: *worth, saturation, lengths: &text.lengths, walk: segment.walk(text, &term.text)? })
        });
        sums.collect()
    }
}

impl Scratch {
    fn begin(&mut self, size: u32) {
        self.touched.clear(size);
        self.scores.resize(self.scores.len().max(size as usize), 0.0);
    }

    /// Adds the best of a group's terms to each document of a window.
    fn add_group(&mut self, sums: &mut [TermSum<'_>], first: DocId, end: DocId) {
        let Self { scores, best, touched, in_group } = self;
        let alone = sums.len() == 1;
        if !alone {
            in_group.clear(end - first);
            best.resize(scores.len(), 0.0);
        }
        for TermSum { worth, saturation, lengths, walk } in sums {
            walk.until(end, |doc, times| {
                let gain = *worth * saturation.of(count(times), lengths.fieldnorm_id(doc));
                let doc = doc - first;
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

    /// Documents that match whatever words they have.
    fn put_in(&mut self, docs: impl Iterator<Item = DocId>, first: DocId) {
        for at in docs.map(|doc| doc - first) {
            if self.touched.insert(at) {
                self.scores[at as usize] = 0.0;
            }
        }
    }
}

/// Which documents of a segment have every phrase, and which have anything that was excluded. None is no bound.
struct PhraseBounds {
    with: Option<DocSet>,
    without: Option<DocSet>,
}

impl PhraseBounds {
    fn of(segment: &Segment, plan: &QueryPlan) -> Self {
        let having = |phrases: &'_ [Vec<Token>], join: fn(&mut DocSet, &DocSet)| {
            phrases.iter().map(|phrase| with_phrase(segment, phrase)).reduce(|mut all, one| {
                join(&mut all, &one);
                all
            })
        };
        let (with, mut without) = (having(&plan.phrases, DocSet::keep), having(&plan.without_phrases, DocSet::put_all));
        for term in &plan.without {
            segment.mark(segment.text_of(term), &term.text, without.get_or_insert_with(|| DocSet::none(segment.size)));
        }
        Self { with, without }
    }

    fn restrict(&self, found: &mut DocSet, first: DocId) {
        if let Some(with) = &self.with {
            found.keep_from(first, with);
        }
        if let Some(without) = &self.without {
            found.remove_from(first, without);
        }
    }
}

/// The documents that have the pieces at the same distances as in the phrase.
fn with_phrase(segment: &Segment, phrase: &[Token]) -> DocSet {
    let mut found = DocSet::none(segment.size);
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
pub(crate) fn places(text: &TextField, term: &str, docs: &[DocId], mut take: impl FnMut(usize, &[u32])) {
    let Some(postings) = text.postings(term) else { return };
    let mut positions = Vec::new();
    meet(postings, docs, |place, postings| {
        postings.positions(&mut positions);
        take(place, &positions);
    });
}

/// How often each of the documents (rising) has the term.
pub(crate) fn times(text: &TextField, term: &str, docs: &[DocId], mut take: impl FnMut(usize, u32)) {
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

/// How many of the first matches are looked at closely.
pub(crate) const LOOKED_AT: usize = 200;

/// How many titles that have all words that were typed are looked at: those of the best matches.
pub(crate) const MOST_TITLED: usize = if cfg!(test) { 250 } else { 20_000 };
