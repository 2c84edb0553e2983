//! From a parsed query to a plan, with the dictionary of a view.
//!
//! A word of a visible text is never corrected; identifiers and numbers are never corrected either.

use crate::projections::search::analysis::language::Language;
use crate::projections::search::analysis::tokenizer::{Token, TokenKind};
use crate::projections::search::query::expansion;
use crate::projections::search::query::parser::{ParsedQuery, QueryClause};
use crate::projections::search::query::plan::{QueryPlan, TermGroup};
use crate::projections::search::reader::term::ScoredTerm;
use crate::projections::search::reader::view::View;

/// The weight of a corrected word, for each edit.
const EDIT_WEIGHT: f32 = 0.7;
/// The weight of the words of an identifier that is indexed as a compound.
const IDENTIFIER_PART_WEIGHT: f32 = 0.4;
/// The weight of a compound of prose beside its words.
const COMPOUND_WEIGHT: f32 = 0.5;
/// The weight of a completion beside the word itself.
const COMPLETION_WEIGHT: f32 = 0.1;
/// Unknown words that are corrected in one query: a correction costs more than a lookup.
const MAX_CORRECTIONS: usize = 10;

pub(crate) fn plan(view: &View, query: &str, parsed: &ParsedQuery) -> QueryPlan {
    let languages: Vec<Language> = view.locales.iter().map(|locale| Language::from_tag(locale)).collect();
    let mut planner = QueryPlanner {
        view,
        languages,
        plan: QueryPlan::default(),
        corrections: Vec::new(),
        has_identifier: false,
        keeps_stop_words: false,
        title_completions: TitleCompletions::default(),
    };
    planner.keeps_stop_words = planner.has_only_stop_words(parsed);
    let last = parsed.clauses.len().wrapping_sub(1);
    planner.plan.only_excludes = !parsed.clauses.is_empty() && parsed.clauses.iter().all(|clause| clause.is_excluded);
    for (index, clause) in parsed.clauses.iter().enumerate() {
        match (clause.is_excluded, clause.is_phrase) {
            (true, true) => planner.plan.must_not_phrases.push(clause.tokens.clone()),
            (true, false) => planner.exclude(clause),
            (false, true) => planner.add_phrase(clause),
            (false, false) if parsed.prefix_last && index == last => planner.add_words(clause, LastWord::Prefix),
            (false, false) => planner.add_words(clause, LastWord::Complete),
        }
    }
    planner.finish(query, parsed)
}

/// Whether the last word of a clause also matches as a prefix.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LastWord {
    Complete,
    Prefix,
}

/// A word of a clause, and how it is planned.
struct WordContext<'q> {
    clause: &'q QueryClause,
    word: &'q Token,
    weight: f32,
    is_prefix: bool,
    /// The clause is an identifier such as `foo::bar`.
    is_in_identifier: bool,
}

/// Part of the query and its replacement.
struct Correction {
    start: usize,
    end: usize,
    replacement: String,
}

/// The word that was completed last, and its completions in titles.
#[derive(Default)]
struct TitleCompletions {
    word: String,
    completions: Vec<String>,
}

struct QueryPlanner<'v> {
    view: &'v View,
    languages: Vec<Language>,
    plan: QueryPlan,
    corrections: Vec<Correction>,
    /// The query has an identifier, so titles, which are compared by words, cannot match it.
    has_identifier: bool,
    /// The query has only stop words, so they are not dropped.
    keeps_stop_words: bool,
    title_completions: TitleCompletions,
}

impl QueryPlanner<'_> {
    fn has_only_stop_words(&self, parsed: &ParsedQuery) -> bool {
        let mut tokens = parsed.clauses.iter().filter(|clause| !clause.is_excluded).flat_map(|clause| &clause.tokens);
        tokens.all(|token| token.kind != TokenKind::Word || self.is_stop_word(&token.text))
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
                terms.push(ScoredTerm { text, exact: false, weight });
            }
        }
        terms
    }

    fn is_indexed(&self, term: &ScoredTerm) -> bool {
        self.view.doc_freq(|segment| segment.field_of(term), &term.text) > 0
    }

    /// The completions of a word in titles. Cached, because texts and titles both need those of the last word.
    fn complete_in_titles(&mut self, word: &str) -> &[String] {
        if self.title_completions.word != word {
            let completions = expansion::title_completions(self.view, word);
            self.title_completions = TitleCompletions { word: word.to_owned(), completions };
        }
        &self.title_completions.completions
    }

    fn exclude(&mut self, clause: &QueryClause) {
        if let Some(compound) = compound_of(clause) {
            self.plan.must_not.push(ScoredTerm { text: compound.text.clone(), exact: true, weight: 1.0 });
            return;
        }
        let words: Vec<Token> = clause.tokens.iter().filter(|token| token.kind == TokenKind::Word).cloned().collect();
        match words.as_slice() {
            [word] => {
                let stems = self.stems(&word.text, 1.0);
                self.plan.must_not.extend(stems);
            }
            _ => self.plan.must_not_phrases.push(words),
        }
    }

    /// The phrase must match; its words score like others.
    fn add_phrase(&mut self, clause: &QueryClause) {
        // A compound is its words in a row, unless it has characters that no word has: `C++`, `.NET`.
        let has_symbols =
            |token: &Token| token.kind == TokenKind::Compound && (token.text.ends_with(['+', '#']) || token.text.starts_with('.'));
        let tokens = clause.tokens.iter().filter(|token| token.kind == TokenKind::Word || has_symbols(token)).cloned().collect();
        self.plan.phrases.push(tokens);
        for token in clause.tokens.iter().filter(|token| token.kind == TokenKind::Word) {
            self.plan.original_terms.push(token.text.clone());
            let terms = self.stems(&token.text, 1.0);
            self.plan.push(TermGroup { word: token.text.clone(), terms, spellings: vec![token.text.clone()], is_prose: true });
        }
    }

    fn add_words(&mut self, clause: &QueryClause, last_word: LastWord) {
        let words: Vec<&Token> = clause.tokens.iter().filter(|token| token.kind == TokenKind::Word).collect();
        let compound = compound_of(clause);
        let is_in_identifier = compound.is_some_and(|compound| !compound.hyphenated);
        self.has_identifier |= is_in_identifier;
        self.plan.original_terms.extend(words.iter().map(|token| token.text.clone()));
        let is_indexed_identifier = compound.is_some_and(|compound| self.add_compound(compound)) && is_in_identifier;
        let weight = if is_indexed_identifier { IDENTIFIER_PART_WEIGHT } else { 1.0 };
        for (index, word) in words.iter().enumerate() {
            // The letter of an elision (`l'indice`) or of an indexed identifier (`C++`) means nothing by itself.
            let is_letter = word.text.len() == 1 && word.text.chars().all(char::is_alphabetic);
            let is_fragment = is_letter && (is_indexed_identifier || compound.is_none() && words.len() > 1);
            if is_fragment || !self.keeps_stop_words && compound.is_none() && self.is_stop_word(&word.text) {
                continue;
            }
            let is_prefix = last_word == LastWord::Prefix && index + 1 == words.len();
            self.add_word(&WordContext { clause, word, weight, is_prefix, is_in_identifier });
        }
        if let Some(joined) = clause.tokens.iter().find(|token| token.kind == TokenKind::Unhyphenated) {
            let stems = self.stems(&joined.text, COMPOUND_WEIGHT);
            let terms: Vec<ScoredTerm> = stems.into_iter().filter(|term| self.is_indexed(term)).collect();
            if !terms.is_empty() {
                self.plan.push(TermGroup { word: joined.text.clone(), terms, ..TermGroup::default() });
            }
        }
    }

    /// Adds a compound as one term. Returns whether it is indexed.
    fn add_compound(&mut self, compound: &Token) -> bool {
        let weight = if compound.hyphenated { COMPOUND_WEIGHT } else { 1.0 };
        let term = ScoredTerm { text: compound.text.clone(), exact: true, weight };
        let is_indexed = self.is_indexed(&term);
        if is_indexed {
            self.plan.push(TermGroup { word: compound.text.clone(), terms: vec![term], ..TermGroup::default() });
        }
        is_indexed
    }

    fn add_word(&mut self, context: &WordContext<'_>) {
        let WordContext { clause, word: Token { text, .. }, weight, is_prefix, is_in_identifier } = *context;
        let exact_term = |text: String, weight: f32| ScoredTerm { text, exact: true, weight };
        let stems = self.stems(text, weight);
        let completions = if is_prefix { expansion::completions(self.view, text, self.complete_in_titles(text)) } else { Vec::new() };
        if self.is_indexed(&exact_term(text.clone(), weight)) || stems.iter().any(|term| self.is_indexed(term)) {
            let mut terms = stems;
            let longer = completions.into_iter().filter(|completion| completion != text);
            terms.extend(longer.map(|completion| exact_term(completion, weight * COMPLETION_WEIGHT)));
            self.plan.push(TermGroup { word: text.clone(), terms, spellings: vec![text.clone()], is_prose: !is_in_identifier });
            return;
        }
        if !completions.is_empty() {
            let terms = completions.into_iter().map(|completion| exact_term(completion, weight)).collect();
            self.plan.push(TermGroup { word: text.clone(), terms, spellings: Vec::new(), is_prose: false });
            return;
        }
        let subwords = distinctive_subwords(clause, context.word);
        for subword in &subwords {
            let terms = self.stems(&subword.text, weight);
            self.plan.push(TermGroup { word: subword.text.clone(), terms, spellings: vec![subword.text.clone()], is_prose: true });
        }
        if subwords.is_empty() && !is_in_identifier {
            self.correct(clause, context.word, weight);
        }
    }

    /// Replaces an unknown word by the most similar indexed ones.
    fn correct(&mut self, clause: &QueryClause, word: &Token, weight: f32) {
        if self.corrections.len() >= MAX_CORRECTIONS {
            return;
        }
        let similar = expansion::corrections(self.view, &word.text);
        let Some(best) = similar.first() else { return };
        let (start, end) = (clause.offset + word.start, clause.offset + word.end);
        self.corrections.push(Correction { start, end, replacement: best.word.clone() });
        let mut group = TermGroup { word: word.text.clone(), is_prose: true, ..TermGroup::default() };
        for candidate in &similar {
            let weight = weight * EDIT_WEIGHT.powi(i32::from(candidate.edits));
            group.terms.extend(self.stems(&candidate.word, weight));
            group.spellings.push(candidate.word.clone());
        }
        if let Some(original) = self.plan.original_terms.iter_mut().rev().find(|original| **original == word.text) {
            original.clone_from(&best.word);
        }
        self.plan.push(group);
    }

    fn finish(mut self, query: &str, parsed: &ParsedQuery) -> QueryPlan {
        if self.has_identifier {
            self.plan.original_terms.clear();
        }
        if let Some(last) = self.plan.original_terms.last().cloned() {
            if parsed.prefix_last {
                self.plan.last_expansions = self.complete_in_titles(&last).iter().cloned().collect();
            }
            self.plan.last_expansions.insert(last);
        }
        if !self.corrections.is_empty() {
            let mut corrected = query.to_owned();
            self.corrections.sort_by_key(|correction| std::cmp::Reverse(correction.start));
            for Correction { start, end, replacement } in &self.corrections {
                corrected.replace_range(*start..*end, replacement);
            }
            self.plan.corrected = Some(corrected);
        }
        self.plan
    }
}

fn compound_of(clause: &QueryClause) -> Option<&Token> {
    clause.tokens.iter().find(|token| token.kind == TokenKind::Compound)
}

/// The subwords of an unknown word, without short ones and digits, which many identifiers share.
fn distinctive_subwords<'q>(clause: &'q QueryClause, word: &Token) -> Vec<&'q Token> {
    let subwords = clause.tokens.iter().filter(|token| token.kind == TokenKind::Subword && token.position == word.position);
    subwords.filter(|token| token.text.chars().count() > 2 && token.text.chars().all(char::is_alphabetic)).collect()
}
