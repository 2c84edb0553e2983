//! Texts with the words that were looked for in `<mark>`, and everything else escaped; and the passage of a long text that says most about them.

use std::collections::{HashMap, HashSet};

use crate::projections::search::analysis::language::Language;
use crate::projections::search::analysis::tokenizer::{BorrowedToken, TokenKind, pieces_beginning, start};
use crate::projections::search::query::plan::QueryPlan;

/// Only this much of a body is looked through, in bytes: enough for 10 000 words.
const LOOKED_THROUGH: usize = 65_536;
/// How long a passage is, in bytes.
const PASSAGE: usize = 240;

/// What is marked.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    stems: HashSet<String>,
    words: HashSet<String>,
    /// The first letters of everything above, two bytes of each: most words of a text are passed over by these.
    starts: Vec<[u8; 2]>,
}

impl Marks {
    pub(crate) fn of(plan: &QueryPlan) -> Self {
        let mut marks = Self::default();
        for term in plan.groups.iter().flat_map(|group| &group.terms) {
            marks.starts.push(start(&term.text));
            if term.exactly {
                marks.words.insert(term.text.clone())
            } else {
                marks.stems.insert(term.text.clone())
            };
        }
        for word in plan.groups.iter().flat_map(|group| &group.spellings) {
            marks.starts.push(start(word));
            marks.words.insert(word.clone());
        }
        marks.starts.sort_unstable();
        marks.starts.dedup();
        marks
    }

    fn has(&self, piece: &BorrowedToken<'_>, language: Language) -> bool {
        (self.starts.contains(&start(&piece.text)) || !language.keeps_beginnings())
            && (self.words.contains(piece.text.as_ref())
                || piece.kind != TokenKind::Whole && self.stems.contains(language.stem(&piece.text).as_ref()))
    }

    /// Where the marks are, in order, none within another.
    fn places(&self, text: &str, language: Language) -> Vec<(usize, usize, String)> {
        let mut places: Vec<(usize, usize, String)> = Vec::new();
        let wanted = |start| !language.keeps_beginnings() || self.starts.contains(&start);
        pieces_beginning(text, wanted, |piece| {
            if self.has(&piece, language) {
                places.push((piece.from, piece.to, piece.text.into_owned()));
            }
        });
        places.sort_by_key(|(from, to, _)| (*from, std::cmp::Reverse(*to)));
        let mut end = 0;
        places.retain(|(from, to, _)| {
            let outside = *from >= end;
            end = end.max(*to);
            outside
        });
        places
    }

    /// The whole text with its marks.
    #[must_use]
    pub fn mark(&self, text: &str, locale: &str) -> String {
        let places = self.places(text, Language::of(locale));
        marked(text, 0, text.len(), &places)
    }

    /// The passage with most of the different words, and most of them; the beginning when there is none.
    #[must_use]
    pub fn passage(&self, text: &str, locale: &str) -> String {
        let text = &text[..text.floor_char_boundary(LOOKED_THROUGH)];
        let places = self.places(text, Language::of(locale));
        let best = densest(&places);
        let from = beginning_of(text, best);
        let to = end_of(text, from);
        let mut passage = String::new();
        if from > 0 {
            passage.push('…');
        }
        passage.push_str(&marked(text, from, to, &places));
        if to < text.trim_end().len() {
            passage.push('…');
        }
        passage
    }
}

/// Where the stretch begins that has most of the different words, and most of them.
fn densest(places: &[(usize, usize, String)]) -> usize {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let (mut best, mut end) = ((0, 0, 0), 0);
    for (first, (from, _, word)) in places.iter().enumerate() {
        while let Some((_, _, next)) = places.get(end).filter(|(_, to, _)| to - from <= PASSAGE - 40) {
            *counts.entry(next).or_default() += 1;
            end += 1;
        }
        let inside = end.saturating_sub(first);
        if (counts.len(), inside) > (best.0, best.1) {
            best = (counts.len(), inside, *from);
        }
        if let Some(count) = counts.get_mut(word.as_str()) {
            *count -= 1;
            if *count == 0 {
                counts.remove(word.as_str());
            }
        }
        end = end.max(first + 1);
    }
    best.2
}

/// A little before the first mark: at the beginning of its sentence or line if that is near, else between two words.
fn beginning_of(text: &str, mark: usize) -> usize {
    let earliest = text.floor_char_boundary(mark.saturating_sub(60));
    if earliest == 0 {
        return 0;
    }
    let before = &text[earliest..mark];
    let sentence = before.rfind(['\n', '.', '?', '!', ':']).map(|at| at + 1);
    let word = before.char_indices().find(|(_, c)| c.is_whitespace()).map(|(at, c)| at + c.len_utf8());
    let from = earliest + sentence.or(word).unwrap_or(0);
    from + text[from..mark].len() - text[from..mark].trim_start().len()
}

fn end_of(text: &str, from: usize) -> usize {
    let latest = text.floor_char_boundary((from + PASSAGE).min(text.len()));
    if latest == text.len() {
        return text.trim_end().len().max(from);
    }
    let within = &text[from..latest];
    // Between two words, if there are words: some scripts have no spaces.
    let space = within.rfind(char::is_whitespace).filter(|at| *at > PASSAGE / 2);
    from + space.map_or(within.len(), |at| within[..at].trim_end().len())
}

fn marked(text: &str, from: usize, to: usize, places: &[(usize, usize, String)]) -> String {
    let mut out = String::with_capacity(to - from + 64);
    let mut at = from;
    for (start, end, _) in places.iter().filter(|(start, end, _)| *start >= from && *end <= to) {
        escape(&text[at..*start], &mut out);
        out.push_str("<mark>");
        escape(&text[*start..*end], &mut out);
        out.push_str("</mark>");
        at = *end;
    }
    escape(&text[at..to], &mut out);
    out
}

/// Text as HTML: on one line, nothing in it is markup.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_whitespace() || c.is_control() => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projections::search::query::plan::TermGroup;
    use crate::projections::search::reader::term::ScoredTerm;

    fn marks(stems: &[&str]) -> Marks {
        let terms = stems.iter().map(|stem| ScoredTerm { text: (*stem).to_owned(), exactly: false, weight: 1.0 }).collect();
        Marks::of(&QueryPlan { groups: vec![TermGroup { terms, ..TermGroup::default() }], ..QueryPlan::default() })
    }

    #[test]
    fn marks_are_words_and_the_rest_is_escaped() {
        let marks = marks(&["index"]);
        assert_eq!(marks.mark("Indexes & <b>indexing</b>", "en"), "<mark>Indexes</mark> &amp; &lt;b&gt;<mark>indexing</mark>&lt;/b&gt;");
        assert_eq!(marks.mark("<script>alert('x')</script>", "en"), "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
    }

    #[test]
    fn a_passage_is_where_the_words_are() {
        let text = format!("{} The cache held an index. {}", "filler words ".repeat(100), "more filler ".repeat(100));
        let passage = marks(&["cach", "index"]).passage(&text, "en");
        assert!(passage.contains("The <mark>cache</mark> held an <mark>index</mark>."), "{passage}");
        assert!(passage.starts_with('…') && passage.ends_with('…') && passage.len() < 320, "{passage}");
        assert_eq!(marks(&["nothing"]).passage("Short text.", "en"), "Short text.");
        assert_eq!(marks(&["nothing"]).passage("", "en"), "");
    }

    #[test]
    fn any_text_can_be_cut() {
        let marks = marks(&["ube"]);
        for size in 0..600 {
            for signs in ["ä über 🙂 wörter ", "a\u{a0}über\u{3000}b", "数据库über索引", "über"] {
                let text: String = signs.chars().cycle().take(size).collect();
                assert!(marks.passage(&text, "de").len() < 2_000);
            }
        }
    }
}
