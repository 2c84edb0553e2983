//! Completions and corrections from the dictionary: only words of visible documents, so invisible ones neither appear nor crowd out others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use levenshtein_automata::{DFA, Distance, LevenshteinAutomatonBuilder, SINK_STATE};
use tantivy::termdict::TermDictionary;

use crate::projections::search::reader::segment::{Segment, TextField};
use crate::projections::search::reader::view::View;

/// Completions of a prefix in all texts: the most frequent ones.
const MAX_COMPLETIONS: usize = 48;
/// Completions of a prefix in titles and headings.
const MAX_TITLE_COMPLETIONS: usize = 2_000;
/// Shorter prefixes are completed from titles only: in all texts they match too many words.
const MIN_PREFIX_CHARS: usize = 2;
/// Words that are counted for one prefix in one segment.
const MAX_SCANNED_WORDS: usize = 10_000;
/// Corrections of one word: the most frequent ones.
const MAX_CORRECTIONS: usize = 3;

static ONE_EDIT: LazyLock<LevenshteinAutomatonBuilder> = LazyLock::new(|| LevenshteinAutomatonBuilder::new(1, true));
static TWO_EDITS: LazyLock<LevenshteinAutomatonBuilder> = LazyLock::new(|| LevenshteinAutomatonBuilder::new(2, true));

/// An indexed word that is similar to an unknown one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SimilarWord {
    pub(crate) word: String,
    /// The Levenshtein distance; a transposition counts as one edit.
    pub(crate) edits: u8,
    frequency: u32,
}

/// The completions of a prefix: those in titles, which the caller has already, and the most frequent ones in all texts.
pub(crate) fn completions(view: &View, prefix: &str, in_titles: &[String]) -> Vec<String> {
    let mut completions: Vec<String> = in_titles.iter().take(MAX_COMPLETIONS).cloned().collect();
    if prefix.chars().count() >= MIN_PREFIX_CHARS {
        let in_texts = most_frequent(view, |segment| &segment.words, prefix, MAX_COMPLETIONS);
        let new: Vec<String> = in_texts.into_iter().filter(|word| !completions.contains(word)).collect();
        completions.extend(new);
    }
    completions
}

/// The words of visible titles with a prefix, the prefix itself included if it is a word.
pub(crate) fn title_completions(view: &View, prefix: &str) -> Vec<String> {
    prefixed_words(view, |segment| &segment.title, prefix)
}

/// The words of a field with a prefix, most frequent first.
pub(crate) fn prefixed_words(view: &View, text: impl Fn(&Segment) -> &TextField + Copy, prefix: &str) -> Vec<String> {
    most_frequent(view, text, prefix, MAX_TITLE_COMPLETIONS)
}

fn most_frequent(view: &View, text: impl Fn(&Segment) -> &TextField, prefix: &str, max: usize) -> Vec<String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for segment in view.segments.iter().filter(|_| !prefix.is_empty()) {
        let text = text(segment);
        let Ok(mut stream) = text.index.terms().range().ge(prefix).into_stream() else { continue };
        let mut counted = 0;
        while stream.advance() && counted < MAX_SCANNED_WORDS {
            let Ok(word) = std::str::from_utf8(stream.key()) else { continue };
            if !word.starts_with(prefix) {
                break;
            }
            // A word of invisible documents only does not count towards the maximum.
            let frequency = segment.doc_freq_or_indexed(text, word, stream.value().doc_freq);
            if frequency > 0 {
                counted += 1;
                *counts.entry(word.to_owned()).or_default() += u64::from(frequency);
            }
        }
    }
    let mut words: Vec<(String, u64)> = counts.into_iter().collect();
    words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    words.truncate(max);
    words.into_iter().map(|(word, _)| word).collect()
}

/// The edits that a typo in a word of this length may have. None where digits or symbols suggest an identifier or a number.
fn max_edits(word: &str) -> u8 {
    if !word.chars().all(char::is_alphabetic) {
        return 0;
    }
    match word.chars().count() {
        0..4 => 0,
        4..8 => 1,
        _ => 2,
    }
}

/// The indexed words with the fewest edits from an unknown word, most frequent first.
pub(crate) fn corrections(view: &View, word: &str) -> Vec<SimilarWord> {
    for edits in 1..=max_edits(word) {
        let builder = if edits == 1 { &*ONE_EDIT } else { &*TWO_EDITS };
        let mut similar = similar_words(view, |segment| &segment.words, &builder.build_dfa(word), edits);
        similar.retain(|similar| similar.word.chars().all(char::is_alphabetic) && similar.word.chars().count() > 2);
        if !similar.is_empty() {
            similar.sort_by(|a, b| b.frequency.cmp(&a.frequency).then_with(|| a.word.cmp(&b.word)));
            similar.truncate(MAX_CORRECTIONS);
            return similar;
        }
    }
    Vec::new()
}

/// The words of a field that have a prefix but for one edit after its first two letters.
pub(crate) fn fuzzy_prefixed_words(view: &View, text: impl Fn(&Segment) -> &TextField + Copy, prefix: &str) -> Vec<String> {
    if max_edits(prefix) == 0 {
        return Vec::new();
    }
    let first_letters: String = prefix.chars().take(2).collect();
    let similar = similar_words(view, text, &ONE_EDIT.build_prefix_dfa(prefix), 1);
    similar.into_iter().map(|similar| similar.word).filter(|word| word.starts_with(&first_letters)).take(MAX_TITLE_COMPLETIONS).collect()
}

fn similar_words(view: &View, text: impl Fn(&Segment) -> &TextField + Copy, dfa: &DFA, edits: u8) -> Vec<SimilarWord> {
    let mut words = BTreeSet::new();
    for segment in &view.segments {
        for_each_match(text(segment).index.terms(), dfa, |word| {
            words.insert(word.to_owned());
        });
    }
    let counted = words.into_iter().map(|word| SimilarWord { frequency: view.doc_freq(text, &word), word, edits });
    counted.filter(|similar| similar.frequency > 0).collect()
}

fn for_each_match(terms: &TermDictionary, dfa: &DFA, mut sink: impl FnMut(&str)) {
    let Ok(mut stream) = terms.search(TypoAutomaton(dfa)).into_stream() else { return };
    while stream.advance() {
        if let Ok(word) = std::str::from_utf8(stream.key()) {
            sink(word);
        }
    }
}

/// Adapts the automaton to the dictionary's stream.
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
