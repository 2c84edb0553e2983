//! The matches of a plan, their BM25 scores over the stems, and their facet counts.
//!
//! Scores are accumulated term by term, always in the order of the query, so a document's score is the same to the last bit however the
//! documents are distributed over segments.

use std::cell::RefCell;
use std::collections::HashMap;

use tantivy::DocId;

use crate::projections::search::query::accumulator::{Scratch, TermScorer, WINDOW};
use crate::projections::search::query::bm25::{SaturationTable, idf};
use crate::projections::search::query::facets::{FacetCounter, FacetCounts, Filter};
use crate::projections::search::query::phrases::PhraseBounds;
use crate::projections::search::query::plan::QueryPlan;
use crate::projections::search::query::title_match;
use crate::projections::search::reader::segment::Segment;
use crate::projections::search::reader::term::ScoredTerm;
use crate::projections::search::reader::top_k::TopK;
use crate::projections::search::reader::view::{Match, View};

/// The best matches by BM25 that are reranked.
pub(crate) const RERANKED: usize = 200;

/// Title candidates, best first by BM25, whose titles are compared with the query.
pub(crate) const MAX_TITLE_CANDIDATES: usize = if cfg!(test) { 250 } else { 20_000 };

/// Which matches are returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MatchSelection {
    All,
    /// Those that can be on the first page, by score or by title.
    Top,
}

/// Scores documents with the statistics of a view.
pub(crate) struct Scorer<'v> {
    pub(crate) view: &'v View,
    pub(crate) stems: SaturationTable,
    pub(crate) words: SaturationTable,
    /// The idf of each term, computed once; the flag is [`ScoredTerm::exact`].
    idfs: RefCell<HashMap<(String, bool), f32>>,
}

impl<'v> Scorer<'v> {
    pub(crate) fn new(view: &'v View) -> Self {
        Self { view, stems: SaturationTable::new(view.avg_stems), words: SaturationTable::new(view.avg_words), idfs: RefCell::default() }
    }

    /// The idf of a term times its weight; zero for a term that no document has.
    pub(crate) fn weighted_idf(&self, term: &ScoredTerm) -> f32 {
        let key = (term.text.clone(), term.exact);
        let cached = self.idfs.borrow().get(&key).copied();
        let idf = cached.unwrap_or_else(|| {
            let doc_freq = self.view.doc_freq(|segment| segment.field_of(term), &term.text);
            let idf = if doc_freq == 0 { 0.0 } else { idf(self.view.doc_count, doc_freq) };
            self.idfs.borrow_mut().insert(key, idf);
            idf
        });
        term.weight * idf
    }

    /// The selected matches in no order, and the facet counts of all matches.
    pub(crate) fn collect_matches(
        &self,
        plan: &QueryPlan,
        filter: &Filter,
        selection: MatchSelection,
        scratch: &mut Scratch,
    ) -> (Vec<Match>, FacetCounts) {
        let idfs: Vec<Vec<f32>> =
            plan.groups.iter().map(|group| group.terms.iter().map(|term| self.weighted_idf(term)).collect()).collect();
        let by_score = |a: &Match, b: &Match| self.view.compare_by_score(a, b);
        let mut matches = Vec::new();
        let [mut top, mut top_titles] = [RERANKED, RERANKED + MAX_TITLE_CANDIDATES].map(|k| TopK::new(k, by_score));
        let mut counts = FacetCounts::default();
        for (index, segment) in (0..).zip(&self.view.segments) {
            let mut counter = FacetCounter::new(segment, filter);
            self.score_segment(segment, plan, &idfs, scratch, |doc, score, is_title_candidate| {
                if counter.count(doc) {
                    let hit = Match { score, segment: index, doc, is_title_candidate };
                    match selection {
                        MatchSelection::All => matches.push(hit),
                        MatchSelection::Top if is_title_candidate => top_titles.push(hit),
                        MatchSelection::Top => top.push(hit),
                    }
                }
            });
            counter.finish(&mut counts);
        }
        matches.extend(top.into_vec());
        matches.extend(top_titles.into_vec());
        (matches, counts)
    }

    /// Calls `sink` with each match of a segment, its score, and whether it is a title candidate.
    fn score_segment(
        &self,
        segment: &Segment,
        plan: &QueryPlan,
        idfs: &[Vec<f32>],
        scratch: &mut Scratch,
        mut sink: impl FnMut(DocId, f32, bool),
    ) {
        let title_candidates = title_match::candidates(segment, plan);
        let bounds = PhraseBounds::new(segment, plan);
        let mut groups: Vec<Vec<TermScorer<'_>>> =
            plan.groups.iter().zip(idfs).map(|(group, idfs)| self.term_scorers(segment, &group.terms, idfs)).collect();
        for first in (0..segment.max_doc).step_by(WINDOW as usize) {
            let end = segment.max_doc.min(first + WINDOW);
            scratch.start_window(end - first);
            for terms in &mut groups {
                scratch.add_group(terms, first, end);
            }
            scratch.add_matches(title_candidates.iter_range(first, end), first);
            if plan.only_excludes {
                scratch.add_matches(segment.visible.docs.iter_range(first, end), first);
            }
            bounds.restrict(&mut scratch.matched, first);
            for index in scratch.matched.iter() {
                let doc = first + index;
                sink(doc, scratch.scores[index as usize], title_candidates.contains(doc));
            }
        }
    }

    fn term_scorers<'s>(&'s self, segment: &'s Segment, terms: &[ScoredTerm], idfs: &[f32]) -> Vec<TermScorer<'s>> {
        let scoring = terms.iter().zip(idfs).filter(|(_, idf)| **idf > 0.0);
        let scorers = scoring.filter_map(|(term, weighted_idf)| {
            let (text, saturation) = (segment.field_of(term), if term.exact { &self.words } else { &self.stems });
            let postings = segment.postings_cursor(text, &term.text)?;
            Some(TermScorer { weighted_idf: *weighted_idf, saturation, norms: &text.norms, postings })
        });
        scorers.collect()
    }
}
