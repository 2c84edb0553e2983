//! The words that visible texts hold: what a beginning can become, and what a typo was meant to be.

use std::collections::{BTreeMap, BTreeSet};

use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder, SINK_STATE};
use std::sync::LazyLock;
use tantivy::termdict::TermDictionary;

use crate::projections::search::reader::view::{Segment, TextField, View};

/// How many completions of a word are looked for in texts: the most frequent.
const COMPLETIONS: usize = 48;
/// How many of a title's dictionary.
const TITLE_COMPLETIONS: usize = 2_000;
/// Beginnings shorter than this are completed from titles alone: they begin too many words.
const SHORTEST_IN_TEXTS: usize = 2;
/// Words of the dictionary that are looked at for one beginning.
const LOOKED_AT: usize = 10_000;
/// How many of the nearest words stand in for a typo.
const NEAREST: usize = 3;

static ONE_EDIT: LazyLock<LevenshteinAutomatonBuilder> = LazyLock::new(|| LevenshteinAutomatonBuilder::new(1, true));
static TWO_EDITS: LazyLock<LevenshteinAutomatonBuilder> = LazyLock::new(|| LevenshteinAutomatonBuilder::new(2, true));

/// A known word near an unknown one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NearbyWord {
    pub(crate) word: String,
    pub(crate) edits: u8,
    frequency: u32,
}

/// What a beginning can become: the most frequent of the given words, which are its completions in titles, and of those in texts.
pub(crate) fn completions(view: &View, beginning: &str, in_titles: &[String]) -> Vec<String> {
    let mut found: Vec<String> = in_titles.iter().take(COMPLETIONS).cloned().collect();
    if beginning.chars().count() >= SHORTEST_IN_TEXTS {
        let new = most_frequent(view, |segment| &segment.words, beginning, COMPLETIONS);
        let new: Vec<String> = new.into_iter().filter(|word| !found.contains(word)).collect();
        found.extend(new);
    }
    found
}

/// The words of visible titles that begin like this, the word itself included.
pub(crate) fn title_completions(view: &View, beginning: &str) -> Vec<String> {
    beginnings(view, |segment| &segment.title, beginning)
}

/// The words of a field that begin like this and stand in a visible document, the most frequent first.
pub(crate) fn beginnings(view: &View, text: impl Fn(&Segment) -> &TextField + Copy, beginning: &str) -> Vec<String> {
    most_frequent(view, text, beginning, TITLE_COMPLETIONS)
}

fn most_frequent(view: &View, text: impl Fn(&Segment) -> &TextField, beginning: &str, most: usize) -> Vec<String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for segment in view.segments.iter().filter(|_| !beginning.is_empty()) {
        let text = text(segment);
        let Ok(mut stream) = text.index.terms().range().ge(beginning).into_stream() else { continue };
        let mut seen = 0;
        while stream.advance() && seen < LOOKED_AT {
            let Ok(word) = std::str::from_utf8(stream.key()) else { continue };
            if !word.starts_with(beginning) {
                break;
            }
            // What only invisible documents have is not there, and takes nobody's place.
            let frequency = segment.frequency_of(text, word, stream.value().doc_freq);
            if frequency > 0 {
                seen += 1;
                *counts.entry(word.to_owned()).or_default() += u64::from(frequency);
            }
        }
    }
    let mut list: Vec<(String, u64)> = counts.into_iter().collect();
    list.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    list.truncate(most);
    list.into_iter().map(|(word, _)| word).collect()
}

/// How many edits a typo in a word of this length may be: none in what may be an identifier or a number.
fn allowed_edits(word: &str) -> u8 {
    if !word.chars().all(char::is_alphabetic) {
        return 0;
    }
    match word.chars().count() {
        0..4 => 0,
        4..8 => 1,
        _ => 2,
    }
}

/// The known words nearest to an unknown one: the most frequent of those that are as near as any.
pub(crate) fn nearest(view: &View, word: &str) -> Vec<NearbyWord> {
    let allowed = allowed_edits(word);
    for edits in 1..=allowed {
        let builder = if edits == 1 { &*ONE_EDIT } else { &*TWO_EDITS };
        let mut found = near(view, |segment| &segment.words, &builder.build_dfa(word), edits);
        found.retain(|near| near.word.chars().all(char::is_alphabetic) && near.word.chars().count() > 2);
        if !found.is_empty() {
            found.sort_by(|a, b| b.frequency.cmp(&a.frequency).then_with(|| a.word.cmp(&b.word)));
            found.truncate(NEAREST);
            return found;
        }
    }
    Vec::new()
}

/// The words of a field that begin like this but for one edit behind the first two letters.
pub(crate) fn near_beginnings(view: &View, text: impl Fn(&Segment) -> &TextField + Copy, beginning: &str) -> Vec<String> {
    if allowed_edits(beginning) == 0 {
        return Vec::new();
    }
    let first: String = beginning.chars().take(2).collect();
    let found = near(view, text, &ONE_EDIT.build_prefix_dfa(beginning), 1);
    found.into_iter().map(|near| near.word).filter(|word| word.starts_with(&first)).take(TITLE_COMPLETIONS).collect()
}

fn near(view: &View, text: impl Fn(&Segment) -> &TextField + Copy, dfa: &DFA, edits: u8) -> Vec<NearbyWord> {
    let mut words = BTreeSet::new();
    for segment in &view.segments {
        search(text(segment).index.terms(), dfa, |word| {
            words.insert(word.to_owned());
        });
    }
    let counted = words.into_iter().map(|word| NearbyWord { frequency: view.frequency(text, &word), word, edits });
    counted.filter(|near| near.frequency > 0).collect()
}

fn search(terms: &TermDictionary, dfa: &DFA, mut take: impl FnMut(&str)) {
    let Ok(mut stream) = terms.search(TypoAutomaton(dfa)).into_stream() else { return };
    while stream.advance() {
        if let Ok(word) = std::str::from_utf8(stream.key()) {
            take(word);
        }
    }
}

/// The automaton as the dictionary walks it.
struct TypoAutomaton<'d>(&'d DFA);

impl tantivy_fst::Automaton for TypoAutomaton<'_> {
    type State = u32;

    fn start(&self) -> u32 {
        self.0.initial_state()
    }

    fn is_match(&self, state: &u32) -> bool {
        matches!(self.0.distance(*state), Distance::Exact(_))
    }

    fn can_match(&self, state: &u32) -> bool {
        *state != SINK_STATE
    }

    fn accept(&self, state: &u32, byte: u8) -> u32 {
        self.0.transition(*state, byte)
    }
}
