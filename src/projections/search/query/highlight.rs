//! Highlights: a text as escaped HTML with the terms of a query in `<mark>`, and the most relevant snippet of a long text.

use std::collections::{HashMap, HashSet};

use crate::projections::search::analysis::language::Language;
use crate::projections::search::analysis::tokenizer::{BorrowedToken, TokenKind, prefix, tokenize_matching};
use crate::projections::search::query::plan::QueryPlan;

/// How much of a body is scanned for a snippet: about 10 000 words.
const MAX_SCANNED_BYTES: usize = 65_536;
const SNIPPET_BYTES: usize = 240;
/// The part of a snippet that is left for text around its marks.
const SNIPPET_MARGIN_BYTES: usize = 40;
/// The most text before the first mark of a snippet.
const MAX_LEAD_BYTES: usize = 60;

/// Marks the terms of one query in texts.
#[derive(Clone, Debug, Default)]
pub struct Highlighter {
    stems: HashSet<String>,
    words: HashSet<String>,
    /// The prefixes of all terms: most words of a text are skipped by them.
    prefixes: Vec<[u8; 2]>,
}

/// A term in a text, with its byte range.
struct Mark {
    start: usize,
    end: usize,
    term: String,
}

impl Highlighter {
    pub(crate) fn new(plan: &QueryPlan) -> Self {
        let mut highlighter = Self::default();
        for term in plan.groups.iter().flat_map(|group| &group.terms) {
            highlighter.prefixes.push(prefix(&term.text));
            if term.exact {
                highlighter.words.insert(term.text.clone())
            } else {
                highlighter.stems.insert(term.text.clone())
            };
        }
        for word in plan.groups.iter().flat_map(|group| &group.spellings) {
            highlighter.prefixes.push(prefix(word));
            highlighter.words.insert(word.clone());
        }
        highlighter.prefixes.sort_unstable();
        highlighter.prefixes.dedup();
        highlighter
    }

    fn matches(&self, token: &BorrowedToken<'_>, language: Language) -> bool {
        (self.prefixes.contains(&prefix(&token.text)) || !language.preserves_prefixes())
            && (self.words.contains(token.text.as_ref())
                || token.kind != TokenKind::Compound && self.stems.contains(language.stem(&token.text).as_ref()))
    }

    /// The marks of a text in ascending order, without overlaps: the longest of those with the same start.
    fn marks(&self, text: &str, language: Language) -> Vec<Mark> {
        let mut marks: Vec<Mark> = Vec::new();
        let is_wanted = |prefix| !language.preserves_prefixes() || self.prefixes.contains(&prefix);
        tokenize_matching(text, is_wanted, |token| {
            if self.matches(&token, language) {
                marks.push(Mark { start: token.start, end: token.end, term: token.text.into_owned() });
            }
        });
        marks.sort_by_key(|mark| (mark.start, std::cmp::Reverse(mark.end)));
        let mut covered = 0;
        marks.retain(|mark| {
            let is_outside = mark.start >= covered;
            covered = covered.max(mark.end);
            is_outside
        });
        marks
    }

    /// The whole text as HTML with marks.
    #[must_use]
    pub fn highlight(&self, text: &str, locale: &str) -> String {
        let marks = self.marks(text, Language::from_tag(locale));
        render_marks(text, 0, text.len(), &marks)
    }

    /// The snippet of a text with the most different terms, and among those with the most marks, as HTML. Without marks, the start of the
    /// text.
    #[must_use]
    pub fn snippet(&self, text: &str, locale: &str) -> String {
        let text = &text[..text.floor_char_boundary(MAX_SCANNED_BYTES)];
        let marks = self.marks(text, Language::from_tag(locale));
        let start = snippet_start(text, densest_mark(&marks));
        let end = snippet_end(text, start);
        let mut snippet = String::new();
        if start > 0 {
            snippet.push('…');
        }
        snippet.push_str(&render_marks(text, start, end, &marks));
        if end < text.trim_end().len() {
            snippet.push('…');
        }
        snippet
    }
}

/// The start of the range of about a snippet's length that has the most different terms, then the most marks.
fn densest_mark(marks: &[Mark]) -> usize {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let (mut best, mut best_start, mut end) = ((0, 0), 0, 0);
    for (index, first) in marks.iter().enumerate() {
        while let Some(next) = marks.get(end).filter(|next| next.end - first.start <= SNIPPET_BYTES - SNIPPET_MARGIN_BYTES) {
            *counts.entry(&next.term).or_default() += 1;
            end += 1;
        }
        let density = (counts.len(), end.saturating_sub(index));
        if density > best {
            (best, best_start) = (density, first.start);
        }
        if let Some(count) = counts.get_mut(first.term.as_str()) {
            *count -= 1;
            if *count == 0 {
                counts.remove(first.term.as_str());
            }
        }
        end = end.max(index + 1);
    }
    best_start
}

/// The start of the sentence or line of the first mark if it is near, else the start of a word.
fn snippet_start(text: &str, first_mark: usize) -> usize {
    let earliest = text.floor_char_boundary(first_mark.saturating_sub(MAX_LEAD_BYTES));
    if earliest == 0 {
        return 0;
    }
    let before = &text[earliest..first_mark];
    let sentence = before.rfind(['\n', '.', '?', '!', ':']).map(|at| at + 1);
    let word = before.char_indices().find(|(_, c)| c.is_whitespace()).map(|(at, c)| at + c.len_utf8());
    let start = earliest + sentence.or(word).unwrap_or(0);
    start + text[start..first_mark].len() - text[start..first_mark].trim_start().len()
}

fn snippet_end(text: &str, start: usize) -> usize {
    let latest = text.floor_char_boundary((start + SNIPPET_BYTES).min(text.len()));
    if latest == text.len() {
        return text.trim_end().len().max(start);
    }
    let snippet = &text[start..latest];
    // Between two words, if there are any: some scripts have no spaces.
    let space = snippet.rfind(char::is_whitespace).filter(|at| *at > SNIPPET_BYTES / 2);
    start + space.map_or(snippet.len(), |at| snippet[..at].trim_end().len())
}

/// A byte range of a text as HTML.
fn render_marks(text: &str, start: usize, end: usize, marks: &[Mark]) -> String {
    let mut html = String::with_capacity(end - start + 64);
    let mut rendered = start;
    for mark in marks.iter().filter(|mark| mark.start >= start && mark.end <= end) {
        escape_into(&text[rendered..mark.start], &mut html);
        html.push_str("<mark>");
        escape_into(&text[mark.start..mark.end], &mut html);
        html.push_str("</mark>");
        rendered = mark.end;
    }
    escape_into(&text[rendered..end], &mut html);
    html
}

/// Escapes a text for HTML, with its whitespace collapsed to single spaces.
fn escape_into(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c if c.is_whitespace() || c.is_control() => {
                if !html.ends_with(' ') {
                    html.push(' ');
                }
            }
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projections::search::query::plan::TermGroup;
    use crate::projections::search::reader::term::ScoredTerm;

    fn highlighter(stems: &[&str]) -> Highlighter {
        let terms = stems.iter().map(|stem| ScoredTerm { text: (*stem).to_owned(), exact: false, weight: 1.0 }).collect();
        Highlighter::new(&QueryPlan { groups: vec![TermGroup { terms, ..TermGroup::default() }], ..QueryPlan::default() })
    }

    #[test]
    fn highlights_mark_terms_and_escape_everything_else() {
        let highlighter = highlighter(&["index"]);
        assert_eq!(
            highlighter.highlight("Indexes & <b>indexing</b>", "en"),
            "<mark>Indexes</mark> &amp; &lt;b&gt;<mark>indexing</mark>&lt;/b&gt;"
        );
        assert_eq!(highlighter.highlight("<script>alert('x')</script>", "en"), "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
    }

    #[test]
    fn a_snippet_contains_the_densest_marks() {
        let text = format!("{} The cache held an index. {}", "filler words ".repeat(100), "more filler ".repeat(100));
        let snippet = highlighter(&["cach", "index"]).snippet(&text, "en");
        assert!(snippet.contains("The <mark>cache</mark> held an <mark>index</mark>."), "{snippet}");
        assert!(snippet.starts_with('…') && snippet.ends_with('…') && snippet.len() < 320, "{snippet}");
        assert_eq!(highlighter(&["nothing"]).snippet("Short text.", "en"), "Short text.");
        assert_eq!(highlighter(&["nothing"]).snippet("", "en"), "");
    }

    #[test]
    fn snippets_of_any_text_end_at_character_boundaries() {
        let highlighter = highlighter(&["ube"]);
        for size in 0..600 {
            for signs in ["ä über 🙂 wörter ", "a\u{a0}über\u{3000}b", "数据库über索引", "über"] {
                let text: String = signs.chars().cycle().take(size).collect();
                assert!(highlighter.snippet(&text, "de").len() < 2_000);
            }
        }
    }
}
