//! What a query asks of a view: which terms score, which must be there, which must not, and how an unknown word was understood.
//!
//! A word that a visible text holds is never corrected; identifiers and numbers never are.

use std::collections::HashSet;

use super::analysis::{Kind, Piece};
use super::dictionary;
use super::language::Language;
use super::syntax::{Clause, Syntax};
use super::view::View;

/// A corrected word counts this much for each edit.
const EDIT_COUNTS: f32 = 0.7;
/// The parts of an identifier that is known whole, and a compound word of prose beside its parts.
const PART_COUNTS: f32 = 0.4;
const COMPOUND_COUNTS: f32 = 0.5;
/// So many unknown words are understood as others: looking for what is near costs more than looking up.
const MOST_CORRECTIONS: usize = 10;
/// What the last word may become, beside what it is.
const COMPLETION_COUNTS: f32 = 0.1;

/// A term of the index that scores.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    pub(super) text: String,
    /// Looked for as it is written, not as a stem.
    pub(super) exactly: bool,
    pub(super) weight: f32,
}

/// One word of the query: any of the terms will do, the best one counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Group {
    pub(super) word: String,
    pub(super) terms: Vec<Term>,
    /// The word as it is written, or the words it was understood as: they count a little more than their stems alone.
    pub(super) spellings: Vec<String>,
    /// A word of prose, which its neighbours in the query may stand near to.
    pub(super) prose: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    pub(super) groups: Vec<Group>,
    /// Each must be there, word for word.
    pub(super) phrases: Vec<Vec<Piece>>,
    /// None may be there: a phrase, or the terms of a word.
    pub(super) without_phrases: Vec<Vec<Piece>>,
    pub(super) without: Vec<Term>,
    /// Every word that was typed, in order, for titles that begin like this.
    pub(super) typed: Vec<String>,
    /// What the last word may become; the word itself among them.
    pub(super) endings: HashSet<String>,
    /// Nothing is looked for, only excluded: everything else is found.
    pub(super) only_excludes: bool,
    /// The query with its unknown words replaced.
    pub(super) corrected: Option<String>,
}

pub(super) fn plan(view: &View, query: &str, syntax: &Syntax) -> Plan {
    let languages: Vec<Language> = view.locales.iter().map(|locale| Language::of(locale)).collect();
    let mut planner =
        Planner { view, languages, plan: Plan::default(), corrections: Vec::new(), identifiers: false, title_endings: Default::default() };
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

struct Planner<'v> {
    view: &'v View,
    languages: Vec<Language>,
    plan: Plan,
    /// Byte ranges of the query with what was understood instead.
    corrections: Vec<(usize, usize, String)>,
    /// The query has a token that is more than its words: titles, which are compared word for word, cannot answer it.
    identifiers: bool,
    /// The word that was completed last, and what it may become in titles.
    title_endings: (String, Vec<String>),
}

impl Planner<'_> {
    fn only_stop_words(&self, syntax: &Syntax) -> bool {
        let mut words = syntax.clauses.iter().filter(|clause| !clause.excluded).flat_map(|clause| &clause.pieces);
        words.all(|piece| piece.kind != Kind::Word || self.is_stop_word(&piece.text))
    }

    fn is_stop_word(&self, word: &str) -> bool {
        self.languages.iter().any(|language| language.is_stop_word(word))
    }

    /// The stems of a word in every language of the view.
    fn stems(&self, word: &str, weight: f32) -> Vec<Term> {
        let mut terms: Vec<Term> = Vec::new();
        for language in &self.languages {
            let text = language.stem(word).into_owned();
            if !terms.iter().any(|term| term.text == text) {
                terms.push(Term { text, exactly: false, weight });
            }
        }
        terms
    }

    fn is_known(&self, term: &Term) -> bool {
        self.view.frequency(|segment| segment.text_of(term), &term.text) > 0
    }

    /// What a word may become in titles; looked up once, for the words that texts may complete too.
    fn title_endings(&mut self, word: &str) -> &[String] {
        if self.title_endings.0 != word {
            self.title_endings = (word.to_owned(), dictionary::title_completions(self.view, word));
        }
        &self.title_endings.1
    }

    fn exclude(&mut self, clause: &Clause) {
        if let Some(whole) = clause.pieces.iter().find(|piece| piece.kind == Kind::Whole) {
            self.plan.without.push(Term { text: whole.text.clone(), exactly: true, weight: 1.0 });
            return;
        }
        let words: Vec<Piece> = clause.pieces.iter().filter(|piece| piece.kind == Kind::Word).cloned().collect();
        match words.as_slice() {
            [word] => {
                let stems = self.stems(&word.text, 1.0);
                self.plan.without.extend(stems);
            }
            _ => self.plan.without_phrases.push(words),
        }
    }

    /// A phrase must be there word for word; its words score like others.
    fn phrase(&mut self, clause: &Clause) {
        // A compound is its words in a row, unless it has signs that no word has: `C++`, `.NET`.
        let signs = |piece: &Piece| piece.kind == Kind::Whole && (piece.text.ends_with(['+', '#']) || piece.text.starts_with('.'));
        let pieces = clause.pieces.iter().filter(|piece| piece.kind == Kind::Word || signs(piece)).cloned().collect();
        self.plan.phrases.push(pieces);
        for piece in clause.pieces.iter().filter(|piece| piece.kind == Kind::Word) {
            self.plan.typed.push(piece.text.clone());
            let terms = self.stems(&piece.text, 1.0);
            self.push(Group { word: piece.text.clone(), terms, spellings: vec![piece.text.clone()], prose: true });
        }
    }

    fn words(&mut self, clause: &Clause, open: bool, stop: bool) {
        let words: Vec<&Piece> = clause.pieces.iter().filter(|piece| piece.kind == Kind::Word).collect();
        let whole = clause.pieces.iter().find(|piece| piece.kind == Kind::Whole);
        self.identifiers |= whole.is_some_and(|whole| !whole.hyphenated);
        self.plan.typed.extend(words.iter().map(|piece| piece.text.clone()));
        let mut weight = 1.0;
        if let Some(whole) = whole {
            let term = Term { text: whole.text.clone(), exactly: true, weight: if whole.hyphenated { COMPOUND_COUNTS } else { 1.0 } };
            if self.is_known(&term) {
                weight = if whole.hyphenated { 1.0 } else { PART_COUNTS };
                self.push(Group { word: whole.text.clone(), terms: vec![term], ..Group::default() });
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
        if let Some(joined) = clause.pieces.iter().find(|piece| piece.kind == Kind::Joined) {
            let terms: Vec<Term> = self.stems(&joined.text, COMPOUND_COUNTS).into_iter().filter(|term| self.is_known(term)).collect();
            if !terms.is_empty() {
                self.push(Group { word: joined.text.clone(), terms, ..Group::default() });
            }
        }
    }

    fn word(&mut self, clause: &Clause, piece: &Piece, weight: f32, last: bool, identifier: bool) {
        let exact = Term { text: piece.text.clone(), exactly: true, weight };
        let stems = self.stems(&piece.text, weight);
        let completions = if last { dictionary::completions(self.view, &piece.text, self.title_endings(&piece.text)) } else { Vec::new() };
        if self.is_known(&exact) || stems.iter().any(|term| self.is_known(term)) {
            let mut terms = stems;
            let longer = completions.into_iter().filter(|word| *word != piece.text);
            terms.extend(longer.map(|text| Term { text, exactly: true, weight: weight * COMPLETION_COUNTS }));
            self.push(Group { word: piece.text.clone(), terms, spellings: vec![piece.text.clone()], prose: !identifier });
            return;
        }
        if !completions.is_empty() {
            let terms = completions.iter().map(|text| Term { text: text.clone(), exactly: true, weight }).collect();
            self.push(Group { word: piece.text.clone(), terms, spellings: Vec::new(), prose: false });
            return;
        }
        // Digits alone say nothing about an identifier that nobody knows.
        let telling = |part: &&Piece| part.text.chars().count() > 2 && part.text.chars().all(char::is_alphabetic);
        let parts = clause.pieces.iter().filter(|part| part.kind == Kind::Part && part.position == piece.position);
        let parts: Vec<&Piece> = parts.filter(telling).collect();
        if !parts.is_empty() {
            for part in parts {
                let terms = self.stems(&part.text, weight);
                self.push(Group { word: part.text.clone(), terms, spellings: vec![part.text.clone()], prose: true });
            }
            return;
        }
        if !identifier {
            self.correct(clause, piece, weight);
        }
    }

    /// An unknown word becomes its nearest known ones.
    fn correct(&mut self, clause: &Clause, piece: &Piece, weight: f32) {
        if self.corrections.len() >= MOST_CORRECTIONS {
            return;
        }
        let nearest = dictionary::nearest(self.view, &piece.text);
        let Some(first) = nearest.first() else { return };
        self.corrections.push((clause.at + piece.from, clause.at + piece.to, first.word.clone()));
        let mut group = Group { word: piece.text.clone(), prose: true, ..Group::default() };
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
    fn push(&mut self, group: Group) {
        let same = |there: &&mut Group| there.word == group.word && there.terms.len() == group.terms.len();
        match self.plan.groups.iter_mut().find(same) {
            Some(there) => {
                for (term, again) in there.terms.iter_mut().zip(&group.terms) {
                    term.weight += again.weight;
                }
            }
            None => self.plan.groups.push(group),
        }
    }

    fn finish(mut self, query: &str, open: bool) -> Plan {
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
