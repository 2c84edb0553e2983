//! As one types: titles that begin with what was typed come first, then titles that hold it word for word.

use std::collections::HashSet;

use tantivy::DocId;

use super::plan::Plan;
use super::schema::key;
use super::view::{Bits, Segment};

/// How a title answers what was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Answer {
    Otherwise,
    Holds,
    Begins,
}

/// What was typed, as titles are compared with it.
pub(super) struct Typed {
    words: Vec<u64>,
    endings: HashSet<u64>,
}

impl Typed {
    pub(super) fn of(plan: &Plan) -> Self {
        Self { words: plan.typed.iter().map(|word| key(word)).collect(), endings: plan.endings.iter().map(|word| key(word)).collect() }
    }

    pub(super) fn answer(&self, segment: &Segment, doc: DocId) -> Answer {
        let title: Vec<u64> = segment.columns.title_words.values_for_doc(doc).collect();
        let Some((_, first)) = self.words.split_last() else { return Answer::Otherwise };
        let here = |window: &[u64]| window.starts_with(first) && window.last().is_some_and(|last| self.endings.contains(last));
        match title.windows(self.words.len()).position(here) {
            Some(0) => Answer::Begins,
            Some(_) => Answer::Holds,
            None => Answer::Otherwise,
        }
    }
}

/// The documents whose titles have all words that were typed, the last one finished in any way.
pub(super) fn candidates(segment: &Segment, plan: &Plan) -> Bits {
    let mut found = Bits::none(segment.size);
    let Some((_, first)) = plan.typed.split_last() else { return found };
    for ending in &plan.endings {
        segment.each(&segment.title, ending, |doc, _| {
            found.insert(doc);
        });
    }
    for word in first {
        let mut having = Bits::none(segment.size);
        segment.each(&segment.title, word, |doc, _| {
            having.insert(doc);
        });
        found.keep(&having);
    }
    found
}
