//! The query language: words, `"phrases"`, `-exclusions`, `-"excluded phrases"`. Every text is a valid query.

use crate::projections::search::analysis::tokenizer;
use crate::projections::search::analysis::tokenizer::{Token, TokenKind};

/// Further words are ignored.
const MAX_WORDS: usize = 128;
/// A phrase costs more than its words; further phrases are read as words.
const MAX_PHRASES: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueryClause {
    pub(crate) tokens: Vec<Token>,
    pub(crate) is_phrase: bool,
    pub(crate) is_excluded: bool,
    /// The byte offset in the query at which the text of the tokens starts.
    pub(crate) offset: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ParsedQuery {
    pub(crate) clauses: Vec<QueryClause>,
    /// The last word may be unfinished, because nothing follows it: match it as a prefix too.
    pub(crate) prefix_last: bool,
}

pub(crate) fn parse(query: &str) -> ParsedQuery {
    let mut parsed = ParsedQuery::default();
    let mut rest = query;
    let mut words = 0;
    while words < MAX_WORDS {
        rest = rest.trim_start();
        if rest.is_empty() {
            break;
        }
        let is_excluded = rest.starts_with('-') && rest[1..].starts_with(|c: char| c != '-' && !c.is_whitespace());
        let chunk = next_chunk(if is_excluded { &rest[1..] } else { rest });
        let mut tokens = tokenizer::tokens(chunk.text);
        tokens.truncate(MAX_WORDS * 2);
        words += tokens.iter().filter(|token| token.kind == TokenKind::Word).count();
        let phrases = parsed.clauses.iter().filter(|clause| clause.is_phrase).count();
        let is_phrase = chunk.is_quoted && phrases < MAX_PHRASES;
        if !tokens.is_empty() {
            let offset = chunk.text.as_ptr() as usize - query.as_ptr() as usize;
            parsed.clauses.push(QueryClause { tokens, is_phrase, is_excluded, offset });
        }
        rest = chunk.rest;
    }
    let ends_in_word = query.chars().next_back().is_some_and(char::is_alphanumeric);
    parsed.prefix_last = ends_in_word && parsed.clauses.last().is_some_and(|clause| !clause.is_phrase && !clause.is_excluded);
    parsed
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„')
}

struct Chunk<'q> {
    text: &'q str,
    is_quoted: bool,
    rest: &'q str,
}

/// The first word or quoted text. An unclosed quote extends to the end of the query.
fn next_chunk(query: &str) -> Chunk<'_> {
    let mut chars = query.chars();
    if chars.next().is_some_and(is_quote) {
        let quoted = chars.as_str();
        let end = quoted.find(is_quote).unwrap_or(quoted.len());
        let quote_bytes = quoted[end..].chars().next().map_or(0, char::len_utf8);
        return Chunk { text: &quoted[..end], is_quoted: true, rest: &quoted[end + quote_bytes..] };
    }
    let end = query.find(|c: char| c.is_whitespace() || is_quote(c)).unwrap_or(query.len()).max(1);
    Chunk { text: &query[..end], is_quoted: false, rest: &query[end..] }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokens of each clause, and whether it is a phrase and excluded.
    fn clauses(query: &str) -> Vec<(String, bool, bool)> {
        let texts = |clause: &QueryClause| clause.tokens.iter().map(|token| token.text.clone()).collect::<Vec<_>>().join(" ");
        parse(query).clauses.iter().map(|clause| (texts(clause), clause.is_phrase, clause.is_excluded)).collect()
    }

    #[test]
    fn words_phrases_and_exclusions_are_clauses() {
        let expected = |list: &[(&str, bool, bool)]| list.iter().map(|(a, b, c)| ((*a).to_owned(), *b, *c)).collect::<Vec<_>>();
        assert_eq!(
            clauses("index \"order by\" -mysql"),
            expected(&[("index", false, false), ("order by", true, false), ("mysql", false, true)])
        );
        assert_eq!(
            clauses("-\"two words\" “typographic quotes”"),
            expected(&[("two words", true, true), ("typographic quotes", true, false)])
        );
        assert_eq!(clauses("\"never closed"), expected(&[("never closed", true, false)]));
        assert_eq!(clauses("a - b --x ---"), expected(&[("a", false, false), ("b", false, false), ("x", false, false)]));
        assert_eq!(clauses("pre-compressed")[0].0, "pre compressed pre-compressed precompressed");
        for text in ["", " ", "\"", "\"\"", "-", "-\"", "???", "\u{1F600}", "“"] {
            assert!(parse(text).clauses.is_empty(), "{text}");
        }
    }

    #[test]
    fn the_last_word_is_a_prefix_unless_something_follows_it() {
        let cases = [("caching", true), ("caching ", false), ("\"caching\"", false), ("a -b", false), ("C++", false), ("", false)];
        for (query, prefix_last) in cases {
            assert_eq!(parse(query).prefix_last, prefix_last, "{query}");
        }
    }
}
