//! As one types: titles that begin with what was typed come first, then titles that hold it word for word.

use std::collections::HashSet;
use std::hash::Hash;

use tantivy::DocId;

use crate::projections::search::index::schema::key;
use crate::projections::search::query::plan::QueryPlan;
use crate::projections::search::reader::doc_set::DocSet;
use crate::projections::search::reader::view::Segment;

/// How a title answers what was typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TitleMatch {
    #[default]
    Otherwise,
    Holds,
    Begins,
}

/// What was typed, as titles are compared with it.
pub(crate) struct TypedTitle {
    words: Vec<u32>,
    endings: HashSet<u32>,
}

impl TypedTitle {
    pub(crate) fn of(plan: &QueryPlan) -> Self {
        Self { words: plan.typed.iter().map(|word| key(word)).collect(), endings: plan.endings.iter().map(|word| key(word)).collect() }
    }

    pub(crate) fn answer(&self, segment: &Segment, doc: DocId) -> TitleMatch {
        let title: Vec<u32> = segment.data.columns.title(doc).map(|(word, _)| word).collect();
        answer(&title, &self.words, &self.endings)
    }
}

/// How the words of a text answer those that were typed, the last of which may be any of the endings.
pub(crate) fn answer<T: Eq + Hash>(text: &[T], typed: &[T], endings: &HashSet<T>) -> TitleMatch {
    let Some((_, first)) = typed.split_last() else { return TitleMatch::Otherwise };
    let here = |window: &[T]| window.starts_with(first) && window.last().is_some_and(|last| endings.contains(last));
    match text.windows(typed.len()).position(here) {
        Some(0) => TitleMatch::Begins,
        Some(_) => TitleMatch::Holds,
        None => TitleMatch::Otherwise,
    }
}

/// The documents whose titles have all words that were typed, the last one finished in any way.
pub(crate) fn candidates(segment: &Segment, plan: &QueryPlan) -> DocSet {
    let mut found = DocSet::none(segment.size);
    let Some((_, first)) = plan.typed.split_last() else { return found };
    for ending in &plan.endings {
        segment.mark(&segment.title, ending, &mut found);
    }
    for word in first {
        let mut having = DocSet::none(segment.size);
        segment.mark(&segment.title, word, &mut having);
        found.keep(&having);
    }
    found
}
