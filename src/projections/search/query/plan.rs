//! The plan of a query: which terms score, which must match, which must not, and how unknown words were corrected.

use std::collections::HashSet;

use crate::projections::search::analysis::tokenizer::Token;
use crate::projections::search::reader::term::ScoredTerm;

/// One word of the query as alternative terms, of which the best one counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TermGroup {
    pub(crate) word: String,
    pub(crate) terms: Vec<ScoredTerm>,
    /// The word as typed, or its corrections. They add a little to the score of their stems.
    pub(crate) spellings: Vec<String>,
    /// A word of prose, whose distance to its neighbours in the query counts.
    pub(crate) is_prose: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct QueryPlan {
    pub(crate) groups: Vec<TermGroup>,
    /// Every phrase must match.
    pub(crate) phrases: Vec<Vec<Token>>,
    /// None of these phrases and terms may match.
    pub(crate) must_not_phrases: Vec<Vec<Token>>,
    pub(crate) must_not: Vec<ScoredTerm>,
    /// The words of the query in order, with corrections: titles are compared with them.
    pub(crate) original_terms: Vec<String>,
    /// What the last of these words can become in titles, itself included.
    pub(crate) last_expansions: HashSet<String>,
    /// The query only excludes: every other document matches.
    pub(crate) only_excludes: bool,
    /// The query with its corrections.
    pub(crate) corrected: Option<String>,
}

impl QueryPlan {
    /// Adds a word. A repeated word is one group with the sum of the weights: long questions repeat what they are about.
    pub(super) fn push(&mut self, group: TermGroup) {
        let is_same = |other: &&mut TermGroup| other.word == group.word && other.terms.len() == group.terms.len();
        match self.groups.iter_mut().find(is_same) {
            Some(existing) => {
                for (term, repeated) in existing.terms.iter_mut().zip(&group.terms) {
                    term.weight += repeated.weight;
                }
            }
            None => self.groups.push(group),
        }
    }
}
