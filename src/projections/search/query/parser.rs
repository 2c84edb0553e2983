//! The language of queries: words, `"phrases"`, `-without`, `-"without this"`. Whatever is typed means something; nothing is an error.

use crate::projections::search::analysis::tokenizer;
use crate::projections::search::analysis::tokenizer::{Token, TokenKind};

/// More words than these are read by nobody.
const MOST_WORDS: usize = 128;
/// A phrase costs more than its words; further ones are taken as words.
const MOST_PHRASES: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueryClause {
    pub(crate) pieces: Vec<Token>,
    pub(crate) phrase: bool,
    pub(crate) excluded: bool,
    /// Where the pieces' text begins in the query.
    pub(crate) at: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ParsedQuery {
    pub(crate) clauses: Vec<QueryClause>,
    /// The last word may not be finished: nothing was typed behind it.
    pub(crate) open: bool,
}

pub(crate) fn parse(text: &str) -> ParsedQuery {
    let mut syntax = ParsedQuery::default();
    let mut rest = text;
    let mut words = 0;
    while words < MOST_WORDS {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let minus = rest.starts_with('-') && rest[1..].starts_with(|c: char| c != '-' && !c.is_whitespace());
        let body = if minus { &rest[1..] } else { rest };
        let (raw, phrase, after) = chunk(body);
        let mut pieces = tokenizer::pieces_of(raw);
        pieces.truncate(MOST_WORDS * 2);
        words += pieces.iter().filter(|piece| piece.kind == TokenKind::Word).count();
        let phrases = syntax.clauses.iter().filter(|clause| clause.phrase).count();
        let phrase = phrase && phrases < MOST_PHRASES;
        if !pieces.is_empty() {
            let at = raw.as_ptr() as usize - text.as_ptr() as usize;
            syntax.clauses.push(QueryClause { pieces, phrase, excluded: minus, at });
        }
        rest = after;
    }
    let ends_in_word = text.chars().next_back().is_some_and(char::is_alphanumeric);
    syntax.open = ends_in_word && syntax.clauses.last().is_some_and(|clause| !clause.phrase && !clause.excluded);
    syntax
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„')
}

/// The first word or phrase, whether it is a phrase, and what follows. A quote that is never closed reaches to the end.
fn chunk(body: &str) -> (&str, bool, &str) {
    let mut chars = body.chars();
    if chars.next().is_some_and(is_quote) {
        let inner = chars.as_str();
        return match inner.find(is_quote) {
            Some(end) => {
                let width = inner[end..].chars().next().map_or(1, char::len_utf8);
                (&inner[..end], true, &inner[end + width..])
            }
            None => (inner, true, ""),
        };
    }
    let end = body.find(|c: char| c.is_whitespace() || is_quote(c)).unwrap_or(body.len()).max(1);
    (&body[..end], false, &body[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(String, bool, bool)> {
        let text_of = |clause: &QueryClause| clause.pieces.iter().map(|p| p.text.clone()).collect::<Vec<_>>().join(" ");
        parse(text).clauses.iter().map(|clause| (text_of(clause), clause.phrase, clause.excluded)).collect()
    }

    #[test]
    fn words_phrases_and_exclusions() {
        let expected = |list: &[(&str, bool, bool)]| list.iter().map(|(a, b, c)| ((*a).to_owned(), *b, *c)).collect::<Vec<_>>();
        assert_eq!(
            told("index \"order by\" -mysql"),
            expected(&[("index", false, false), ("order by", true, false), ("mysql", false, true)])
        );
        assert_eq!(
            told("-\"two words\" “typographic quotes”"),
            expected(&[("two words", true, true), ("typographic quotes", true, false)])
        );
        assert_eq!(told("\"never closed"), expected(&[("never closed", true, false)]));
        assert_eq!(told("a - b --x ---"), expected(&[("a", false, false), ("b", false, false), ("x", false, false)]));
        assert_eq!(told("pre-compressed")[0].0, "pre compressed pre-compressed precompressed");
        for text in ["", " ", "\"", "\"\"", "-", "-\"", "???", "\u{1F600}", "“"] {
            assert!(parse(text).clauses.is_empty(), "{text}");
        }
    }

    #[test]
    fn the_last_word_is_open_until_something_follows_it() {
        for (text, open) in [("caching", true), ("caching ", false), ("\"caching\"", false), ("a -b", false), ("C++", false), ("", false)] {
            assert_eq!(parse(text).open, open, "{text}");
        }
    }
}
