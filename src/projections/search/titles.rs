//! As one types: titles that begin with what was typed come first, then titles that hold it word for word.

use std::collections::HashSet;
use std::hash::Hash;

use tantivy::DocId;

use super::bits::Bits;
use super::plan::Plan;
use super::schema::key;
use super::view::Segment;

/// How a title answers what was typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    #[default]
    Otherwise,
    Holds,
    Begins,
}

/// What was typed, as titles are compared with it.
pub(super) struct Typed {
    words: Vec<u32>,
    endings: HashSet<u32>,
}

impl Typed {
    pub(super) fn of(plan: &Plan) -> Self {
        Self { words: plan.typed.iter().map(|word| key(word)).collect(), endings: plan.endings.iter().map(|word| key(word)).collect() }
    }

    pub(super) fn answer(&self, segment: &Segment, doc: DocId) -> Answer {
        let title: Vec<u32> = segment.columns.title(doc).map(|(word, _)| word).collect();
        answer(&title, &self.words, &self.endings)
    }
}

/// How the words of a text answer those that were typed, the last of which may be any of the endings.
pub(super) fn answer<T: Eq + Hash>(text: &[T], typed: &[T], endings: &HashSet<T>) -> Answer {
    let Some((_, first)) = typed.split_last() else { return Answer::Otherwise };
    let here = |window: &[T]| window.starts_with(first) && window.last().is_some_and(|last| endings.contains(last));
    match text.windows(typed.len()).position(here) {
        Some(0) => Answer::Begins,
        Some(_) => Answer::Holds,
        None => Answer::Otherwise,
    }
}

/// The documents whose titles have all words that were typed, the last one finished in any way.
pub(super) fn candidates(segment: &Segment, plan: &Plan) -> Bits {
    let mut found = Bits::none(segment.size);
    let Some((_, first)) = plan.typed.split_last() else { return found };
    for ending in &plan.endings {
        segment.mark(&segment.title, ending, &mut found);
    }
    for word in first {
        let mut having = Bits::none(segment.size);
        segment.mark(&segment.title, word, &mut having);
        found.keep(&having);
    }
    found
}
