//! What a query asks of a view: which terms score, which must be there, which must not, and how an unknown word was understood.
//!
//! A word that a visible text holds is never corrected; identifiers and numbers never are.

use crate::projections::search::reader::term::ScoredTerm;
use std::collections::HashSet;

use crate::projections::search::analysis::language::Language;
use crate::projections::search::analysis::tokenizer::{Token, TokenKind};
use crate::projections::search::query::expansion;
use crate::projections::search::query::parser::{ParsedQuery, QueryClause};
use crate::projections::search::reader::view::View;

/// A corrected word counts this much for each edit.
const EDIT_COUNTS: f32 = 0.7;
/// The parts of an identifier that is known whole, and a compound word of prose beside its parts.
const PART_COUNTS: f32 = 0.4;
const COMPOUND_COUNTS: f32 = 0.5;
/// So many unknown words are understood as others: looking for what is near costs more than looking up.
const MOST_CORRECTIONS: usize = 10;
/// What the last word may become, beside what it is.
const COMPLETION_COUNTS: f32 = 0.1;

/// One word of the query: any of the terms will do, the best one counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TermGroup {
    pub(crate) word: String,
    pub(crate) terms: Vec<ScoredTerm>,
    /// The word as it is written, or the words it was understood as: they count a little more than their stems alone.
    pub(crate) spellings: Vec<String>,
    /// A word of prose, which its neighbours in the query may stand near to.
    pub(crate) prose: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct QueryPlan {
    pub(crate) groups: Vec<TermGroup>,
    /// Each must be there, word for word.
    pub(crate) phrases: Vec<Vec<Token>>,
    /// None may be there: a phrase, or the terms of a word.
    pub(crate) without_phrases: Vec<Vec<Token>>,
    pub(crate) without: Vec<ScoredTerm>,
    /// Every word that was typed, in order, for titles that begin like this.
    pub(crate) typed: Vec<String>,
    /// What the last word may become; the word itself among them.
    pub(crate) endings: HashSet<String>,
    /// Nothing is looked for, only excluded: everything else is found.
    pub(crate) only_excludes: bool,
    /// The query with its unknown words replaced.
    pub(crate) corrected: Option<String>,
}

pub(crate) fn plan(view: &View, query: &str, syntax: &ParsedQuery) -> QueryPlan {
    let languages: Vec<Language> = view.locales.iter().map(|locale| Language::of(locale)).collect();
    let mut planner = QueryPlanner {
        view,
        languages,
        plan: QueryPlan::default(),
        corrections: Vec::new(),
        identifiers: false,
        title_endings: Default::default(),
    };
    let stop = planner.only_stop_words(syntax);
    let last = syntax.clauses.len().wrapping_sub(1);
    planner.plan.only_excludes = !syntax.clauses.is_empty() && syntax.clauses.iter().all(|clause| clause.excluded);
    for (place, clause) in syntax.clauses.iter().enumerate() {
        let open = syntax.open && place == last;
        match (clause.excluded, clause.phrase) {
            (true, true) => planner.plan.without_phrases.push(clause.pieces.clone()),
            (true, false) => planner.exclude(clause),
            (false, true) => planner.phrase(clause),
            (false, false) => planner.words(clause, open, stop),
        }
    }
    planner.finish(query, syntax.open)
}

struct QueryPlanner<'v> {
    view: &'v View,
    languages: Vec<Language>,
    plan: QueryPlan,
    /// Byte ranges of the query with what was understood instead.
    corrections: Vec<(usize, usize, String)>,
    /// The query has a token that is more than its words: titles, which are compared word for word, cannot answer it.
    identifiers: bool,
    /// The word that was completed last, and what it may become in titles.
    title_endings: (String, Vec<String>),
}

impl QueryPlanner<'_> {
    fn only_stop_words(&self, syntax: &ParsedQuery) -> bool {
        let mut words = syntax.clauses.iter().filter(|clause| !clause.excluded).flat_map(|clause| &clause.pieces);
        words.all(|piece| piece.kind != TokenKind::Word || self.is_stop_word(&piece.text))
    }

    fn is_stop_word(&self, word: &str) -> bool {
        self.languages.iter().any(|language| language.is_stop_word(word))
    }

    /// The stems of a word in every language of the view.
    fn stems(&self, word: &str, weight: f32) -> Vec<ScoredTerm> {
        let mut terms: Vec<ScoredTerm> = Vec::new();
        for language in &self.languages {
            let text = language.stem(word).into_owned();
            if !terms.iter().any(|term| term.text == text) {
                terms.push(ScoredTerm { text, exactly: false, weight });
            }
        }
        terms
    }

    fn is_known(&self, term: &ScoredTerm) -> bool {
        self.view.frequency(|segment| segment.text_of(term), &term.text) > 0
    }

    /// What a word may become in titles; looked up once, for the words that texts may complete too.
    fn title_endings(&mut self, word: &str) -> &[String] {
        if self.title_endings.0 != word {
            self.title_endings = (word.to_owned(), expansion::title_completions(self.view, word));
        }
        &self.title_endings.1
    }

    fn exclude(&mut self, clause: &QueryClause) {
        if let Some(whole) = clause.pieces.iter().find(|piece| piece.kind == TokenKind::Whole) {
            self.plan.without.push(ScoredTerm { text: whole.text.clone(), exactly: true, weight: 1.0 });
            return;
        }
        let words: Vec<Token> = clause.pieces.iter().filter(|piece| piece.kind == TokenKind::Word).cloned().collect();
        match words.as_slice() {
            [word] => {
                let stems = self.stems(&word.text, 1.0);
                self.plan.without.extend(stems);
            }
            _ => self.plan.without_phrases.push(words),
        }
    }

    /// A phrase must be there word for word; its words score like others.
    fn phrase(&mut self, clause: &QueryClause) {
        // A compound is its words in a row, unless it has signs that no word has: `C++`, `.NET`.
        let signs = |piece: &Token| piece.kind == TokenKind::Whole && (piece.text.ends_with(['+', '#']) || piece.text.starts_with('.'));
        let pieces = clause.pieces.iter().filter(|piece| piece.kind == TokenKind::Word || signs(piece)).cloned().collect();
        self.plan.phrases.push(pieces);
        for piece in clause.pieces.iter().filter(|piece| piece.kind == TokenKind::Word) {
            self.plan.typed.push(piece.text.clone());
            let terms = self.stems(&piece.text, 1.0);
            self.push(TermGroup { word: piece.text.clone(), terms, spellings: vec![piece.text.clone()], prose: true });
        }
    }

    fn words(&mut self, clause: &QueryClause, open: bool, stop: bool) {
        let words: Vec<&Token> = clause.pieces.iter().filter(|piece| piece.kind == TokenKind::Word).collect();
        let whole = clause.pieces.iter().find(|piece| piece.kind == TokenKind::Whole);
        self.identifiers |= whole.is_some_and(|whole| !whole.hyphenated);
        self.plan.typed.extend(words.iter().map(|piece| piece.text.clone()));
        let mut weight = 1.0;
        if let Some(whole) = whole {
            let term = ScoredTerm { text: whole.text.clone(), exactly: true, weight: if whole.hyphenated { COMPOUND_COUNTS } else { 1.0 } };
            if self.is_known(&term) {
                weight = if whole.hyphenated { 1.0 } else { PART_COUNTS };
                self.push(TermGroup { word: whole.text.clone(), terms: vec![term], ..TermGroup::default() });
            }
        }
        let identifier = whole.is_some_and(|whole| !whole.hyphenated);
        for (place, piece) in words.iter().enumerate() {
            let last = open && place + 1 == words.len();
            // The letter of an elision (`l'indice`), or of an identifier that is known whole (`C++`), says nothing by itself.
            let letter = piece.text.len() == 1 && piece.text.chars().all(char::is_alphabetic);
            let lone = letter && (identifier && weight < 1.0 || whole.is_none() && words.len() > 1);
            if lone || !stop && whole.is_none() && self.is_stop_word(&piece.text) {
                continue;
            }
            self.word(clause, piece, weight, last, identifier);
        }
        if let Some(joined) = clause.pieces.iter().find(|piece| piece.kind == TokenKind::Joined) {
            let terms: Vec<ScoredTerm> = self.stems(&joined.text, COMPOUND_COUNTS).into_iter().filter(|term| self.is_known(term)).collect();
            if !terms.is_empty() {
                self.push(TermGroup { word: joined.text.clone(), terms, ..TermGroup::default() });
            }
        }
    }

    fn word(&mut self, clause: &QueryClause, piece: &Token, weight: f32, last: bool, identifier: bool) {
        let exact = ScoredTerm { text: piece.text.clone(), exactly: true, weight };
        let stems = self.stems(&piece.text, weight);
        let completions = if last { expansion::completions(self.view, &piece.text, self.title_endings(&piece.text)) } else { Vec::new() };
        if self.is_known(&exact) || stems.iter().any(|term| self.is_known(term)) {
            let mut terms = stems;
            let longer = completions.into_iter().filter(|word| *word != piece.text);
            terms.extend(longer.map(|text| ScoredTerm { text, exactly: true, weight: weight * COMPLETION_COUNTS }));
            self.push(TermGroup { word: piece.text.clone(), terms, spellings: vec![piece.text.clone()], prose: !identifier });
            return;
        }
        if !completions.is_empty() {
            let terms = completions.iter().map(|text| ScoredTerm { text: text.clone(), exactly: true, weight }).collect();
            self.push(TermGroup { word: piece.text.clone(), terms, spellings: Vec::new(), prose: false });
            return;
        }
        // Digits alone say nothing about an identifier that nobody knows.
        let telling = |part: &&Token| part.text.chars().count() > 2 && part.text.chars().all(char::is_alphabetic);
        let parts = clause.pieces.iter().filter(|part| part.kind == TokenKind::Part && part.position == piece.position);
        let parts: Vec<&Token> = parts.filter(telling).collect();
        if !parts.is_empty() {
            for part in parts {
                let terms = self.stems(&part.text, weight);
                self.push(TermGroup { word: part.text.clone(), terms, spellings: vec![part.text.clone()], prose: true });
            }
            return;
        }
        if !identifier {
            self.correct(clause, piece, weight);
        }
    }

    /// An unknown word becomes its nearest known ones.
    fn correct(&mut self, clause: &QueryClause, piece: &Token, weight: f32) {
        if self.corrections.len() >= MOST_CORRECTIONS {
            return;
        }
        let nearest = expansion::nearest(self.view, &piece.text);
        let Some(first) = nearest.first() else { return };
        self.corrections.push((clause.at + piece.from, clause.at + piece.to, first.word.clone()));
        let mut group = TermGroup { word: piece.text.clone(), prose: true, ..TermGroup::default() };
        for near in &nearest {
            let weight = weight * EDIT_COUNTS.powi(i32::from(near.edits));
            group.terms.extend(self.stems(&near.word, weight));
            group.spellings.push(near.word.clone());
        }
        if let Some(typed) = self.plan.typed.iter_mut().rev().find(|typed| **typed == piece.text) {
            typed.clone_from(&first.word);
        }
        self.push(group);
    }

    /// The same word twice is one word that counts twice: long questions repeat what they are about.
    fn push(&mut self, group: TermGroup) {
        let same = |there: &&mut TermGroup| there.word == group.word && there.terms.len() == group.terms.len();
        match self.plan.groups.iter_mut().find(same) {
            Some(there) => {
                for (term, again) in there.terms.iter_mut().zip(&group.terms) {
                    term.weight += again.weight;
                }
            }
            None => self.plan.groups.push(group),
        }
    }

    fn finish(mut self, query: &str, open: bool) -> QueryPlan {
        if self.identifiers {
            self.plan.typed.clear();
        }
        if let Some(last) = self.plan.typed.last().cloned() {
            if open {
                self.plan.endings = self.title_endings(&last).iter().cloned().collect();
            }
            self.plan.endings.insert(last);
        }
        if !self.corrections.is_empty() {
            let mut corrected = query.to_owned();
            self.corrections.sort_by_key(|(from, _, _)| std::cmp::Reverse(*from));
            for (from, to, word) in &self.corrections {
                corrected.replace_range(*from..*to, word);
            }
            self.plan.corrected = Some(corrected);
        }
        self.plan
    }
}
