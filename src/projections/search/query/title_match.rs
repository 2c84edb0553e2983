//! Title matches: while a query is typed, titles that start with it come first, then titles that contain it word for word.

use std::collections::HashSet;
use std::hash::Hash;

use tantivy::DocId;

use crate::projections::search::index::schema::word_hash;
use crate::projections::search::query::plan::QueryPlan;
use crate::projections::search::reader::doc_set::DocSet;
use crate::projections::search::reader::segment::Segment;

/// How a title matches the words of a query. The greater, the better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TitleMatch {
    #[default]
    None,
    Contains,
    Prefix,
}

/// The words of a query as hashes, as titles are indexed.
pub(crate) struct TypedTitle {
    words: Vec<u32>,
    last_expansions: HashSet<u32>,
}

impl TypedTitle {
    pub(crate) fn new(plan: &QueryPlan) -> Self {
        Self {
            words: plan.original_terms.iter().map(|word| word_hash(word)).collect(),
            last_expansions: plan.last_expansions.iter().map(|word| word_hash(word)).collect(),
        }
    }

    pub(crate) fn match_title(&self, segment: &Segment, doc: DocId) -> TitleMatch {
        let title: Vec<u32> = segment.data.columns.title_hashes(doc).map(|(word, _)| word).collect();
        match_words(&title, &self.words, &self.last_expansions)
    }
}

/// How a text matches words in a row, the last of which may be any of its expansions.
pub(crate) fn match_words<T: Eq + Hash>(text: &[T], words: &[T], last_expansions: &HashSet<T>) -> TitleMatch {
    let Some((_, first_words)) = words.split_last() else { return TitleMatch::None };
    let matches = |window: &[T]| window.starts_with(first_words) && window.last().is_some_and(|last| last_expansions.contains(last));
    match text.windows(words.len()).position(matches) {
        Some(0) => TitleMatch::Prefix,
        Some(_) => TitleMatch::Contains,
        None => TitleMatch::None,
    }
}

/// The documents whose titles have all words of the query in any order, the last one as any of its expansions.
pub(crate) fn candidates(segment: &Segment, plan: &QueryPlan) -> DocSet {
    let mut candidates = DocSet::empty(segment.max_doc);
    let Some((_, first_words)) = plan.original_terms.split_last() else { return candidates };
    for expansion in &plan.last_expansions {
        segment.insert_docs(&segment.title, expansion, &mut candidates);
    }
    for word in first_words {
        let mut with_word = DocSet::empty(segment.max_doc);
        segment.insert_docs(&segment.title, word, &mut with_word);
        candidates.intersect_with(&with_word);
    }
    candidates
}
