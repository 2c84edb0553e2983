//! Phrases and exclusions of a plan as sets of documents.

use tantivy::postings::Postings as _;
use tantivy::{DocId, DocSet as _, TERMINATED};

use crate::projections::search::analysis::tokenizer::Token;
use crate::projections::search::query::plan::QueryPlan;
use crate::projections::search::reader::doc_set::DocSet;
use crate::projections::search::reader::segment::Segment;

/// The documents of a segment that have every phrase, and those that have an excluded phrase or term. `None` restricts nothing.
pub(crate) struct PhraseBounds {
    must: Option<DocSet>,
    must_not: Option<DocSet>,
}

impl PhraseBounds {
    pub(crate) fn new(segment: &Segment, plan: &QueryPlan) -> Self {
        let combine = |phrases: &'_ [Vec<Token>], merge: fn(&mut DocSet, &DocSet)| {
            phrases.iter().map(|phrase| docs_with_phrase(segment, phrase)).reduce(|mut combined, docs| {
                merge(&mut combined, &docs);
                combined
            })
        };
        let must = combine(&plan.phrases, DocSet::intersect_with);
        let mut must_not = combine(&plan.must_not_phrases, DocSet::union_with);
        for term in &plan.must_not {
            let docs = must_not.get_or_insert_with(|| DocSet::empty(segment.max_doc));
            segment.insert_docs(segment.field_of(term), &term.text, docs);
        }
        Self { must, must_not }
    }

    /// Restricts the matches of the window that starts at `first`.
    pub(crate) fn restrict(&self, window: &mut DocSet, first: DocId) {
        if let Some(must) = &self.must {
            window.intersect_window(first, must);
        }
        if let Some(must_not) = &self.must_not {
            window.subtract_window(first, must_not);
        }
    }
}

/// The documents that have the tokens at the same distances as in the phrase.
fn docs_with_phrase(segment: &Segment, phrase: &[Token]) -> DocSet {
    let mut docs = DocSet::empty(segment.max_doc);
    let first_position = phrase.iter().map(|token| token.position).min().unwrap_or(0);
    let mut terms = Vec::new();
    for token in phrase {
        let Some(postings) = segment.words.postings_with_positions(&token.text) else { return docs };
        terms.push((postings, u32::try_from(token.position - first_position).unwrap_or(u32::MAX)));
    }
    terms.sort_by_key(|(postings, _)| postings.doc_freq());
    let Some(((rarest, distance), others)) = terms.split_first_mut() else { return docs };
    let (mut starts, mut positions) = (Vec::new(), Vec::new());
    while rarest.doc() != TERMINATED {
        let doc = rarest.doc();
        if others.iter_mut().all(|(postings, _)| (postings.doc() >= doc || postings.seek(doc) >= doc) && postings.doc() == doc) {
            rarest.positions(&mut positions);
            starts.clear();
            starts.extend(positions.iter().filter_map(|position| position.checked_sub(*distance)));
            for (postings, distance) in others.iter_mut() {
                postings.positions(&mut positions);
                starts.retain(|start| positions.binary_search(&(start + *distance)).is_ok());
            }
            if !starts.is_empty() {
                docs.insert(doc);
            }
        }
        rarest.advance();
    }
    docs
}
