//! The tokenizer. Texts, queries and highlights all use it, so that a text is found by searching for its own words.
//!
//! A word is a run of letters and digits, in lower case and without accents. Technical tokens are indexed both whole and split: `io_uring`,
//! `foo::bar`, `Content-Type`, `C++`, `.NET` and `1.95.0` are compound tokens besides their words; `PgBouncer` and `E0502` also yield the
//! subwords `bouncer` and `0502`.

use std::borrow::Cow;

use unicode_normalization::char::is_combining_mark;

use super::compounds::{compound_start, is_connector, subwords, suffix_len};
use super::folding::fold;

/// Longer tokens (keys, hashes, encoded data) are not indexed.
const MAX_TOKEN_BYTES: usize = 80;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A run of letters and digits.
    Word,
    /// A part of a word: `bouncer` of `PgBouncer`.
    Subword,
    /// Several words with their connectors: `io_uring`, `c++`.
    Compound,
    /// Two hyphenated words without the hyphen: `email` of `e-mail`.
    Unhyphenated,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token<T = String> {
    /// The folded text.
    pub(crate) text: T,
    pub(crate) kind: TokenKind,
    /// The number of the word; any other token has the position of its first word.
    pub(crate) position: usize,
    /// The byte range in the source text.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// A compound of letters and hyphens alone, which can be a word of prose.
    pub(crate) hyphenated: bool,
}

/// A token that borrows its text from the source where folding changes nothing.
pub(crate) type BorrowedToken<'t> = Token<Cow<'t, str>>;

/// Calls `sink` with every token of a text.
pub(crate) fn tokenize<'t>(text: &'t str, sink: impl FnMut(BorrowedToken<'t>)) {
    tokenize_matching(text, |_| true, sink);
}

/// As [`tokenize`], without the plain words (letters a to z only) whose lower-case [`prefix`] is not wanted. Skips most of a long text.
pub(crate) fn tokenize_matching<'t>(text: &'t str, is_wanted: impl Fn([u8; 2]) -> bool, mut sink: impl FnMut(BorrowedToken<'t>)) {
    let mut scanner = Scanner { text, offset: 0, position: 0, compound: Vec::new(), compound_start: 0 };
    while let Some((start, end)) = scanner.next_word() {
        scanner.emit_word(start, end, &is_wanted, &mut sink);
    }
    scanner.end_compound(text.len(), &mut sink);
}

/// The first two bytes of a word.
pub(crate) fn prefix(word: &str) -> [u8; 2] {
    let bytes = word.as_bytes();
    [bytes.first().copied().unwrap_or(0), bytes.get(1).copied().unwrap_or(0)]
}

/// The tokens of a short text.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    tokenize(text, |token| {
        let Token { text, kind, position, start, end, hyphenated } = token;
        tokens.push(Token { text: text.into_owned(), kind, position, start, end, hyphenated });
    });
    tokens
}

struct Scanner<'t> {
    text: &'t str,
    offset: usize,
    position: usize,
    /// The byte ranges of the words of the current compound.
    compound: Vec<(usize, usize)>,
    compound_start: usize,
}

impl<'t> Scanner<'t> {
    /// The byte range of the next run of letters and digits.
    fn next_word(&mut self) -> Option<(usize, usize)> {
        loop {
            let c = self.char_at(self.offset)?;
            let start = self.offset;
            self.offset += c.len_utf8();
            if is_ideograph(c) {
                return Some((start, self.offset));
            }
            if c.is_alphanumeric() {
                self.skip_word();
                return Some((start, self.offset));
            }
        }
    }

    fn skip_word(&mut self) {
        let ascii = self.text.as_bytes()[self.offset..].iter().take_while(|byte| byte.is_ascii_alphanumeric());
        self.offset += ascii.count();
        while let Some(c) = self.char_at(self.offset) {
            if !(c.is_alphanumeric() || !c.is_ascii() && is_combining_mark(c)) || is_ideograph(c) {
                break;
            }
            self.offset += c.len_utf8();
        }
    }

    fn char_at(&self, offset: usize) -> Option<char> {
        let byte = *self.text.as_bytes().get(offset)?;
        if byte.is_ascii() { Some(char::from(byte)) } else { self.text[offset..].chars().next() }
    }

    fn emit_word(&mut self, start: usize, end: usize, is_wanted: &impl Fn([u8; 2]) -> bool, sink: &mut impl FnMut(BorrowedToken<'t>)) {
        let continues = self.compound.last().is_some_and(|(_, last_end)| *last_end < start && is_connector(&self.text[*last_end..start]));
        if !continues {
            self.end_compound(start, sink);
            self.compound_start = compound_start(self.text, start);
        }
        let after_apostrophe = start > 0 && matches!(self.text[..start].chars().next_back(), Some('\'' | '’'));
        let word: &'t str = &self.text[start..end];
        if after_apostrophe && matches!(word, "s" | "S" | "t" | "T") {
            return;
        }
        self.compound.push((start, end));
        let position = self.position;
        self.position += 1;
        let is_plain = word.bytes().enumerate().all(|(at, byte)| byte.is_ascii_lowercase() || at == 0 && byte.is_ascii_uppercase());
        if is_plain && !is_wanted(prefix(word).map(|byte| byte.to_ascii_lowercase())) {
            return;
        }
        let text = fold(word);
        if text.len() > MAX_TOKEN_BYTES {
            return;
        }
        sink(Token { text, kind: TokenKind::Word, position, start, end, hyphenated: false });
        let subwords = if is_plain { Vec::new() } else { subwords(word) };
        for (from, to) in subwords {
            let text = fold(&word[from..to]);
            sink(Token { text, kind: TokenKind::Subword, position, start: start + from, end: start + to, hyphenated: false });
        }
    }

    /// Emits the compound that ends before `next`, if its words form one.
    fn end_compound(&mut self, next: usize, sink: &mut impl FnMut(BorrowedToken<'t>)) {
        self.emit_compound(next, sink);
        self.compound.clear();
    }

    fn emit_compound(&self, next: usize, sink: &mut impl FnMut(BorrowedToken<'t>)) {
        let words = self.compound.as_slice();
        let (Some(&(first_start, _)), Some(&(last_start, last_end))) = (words.first(), words.last()) else { return };
        let end = last_end + suffix_len(&self.text[last_end..next.max(last_end)], &self.text[last_start..last_end]);
        let start = self.compound_start.min(first_start);
        let is_single_word = words.len() == 1 && start == first_start && end == last_end;
        if is_single_word || end - start > MAX_TOKEN_BYTES {
            return;
        }
        let position = self.position.saturating_sub(words.len());
        let compound: &'t str = &self.text[start..end];
        let hyphenated = compound.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '‐' | '‑'));
        sink(Token { text: fold(compound), kind: TokenKind::Compound, position, start, end, hyphenated });
        if let (true, &[(a, b), (c, d)]) = (hyphenated, words) {
            let text = fold(&self.text[a..b]) + fold(&self.text[c..d]);
            sink(Token { text, kind: TokenKind::Unhyphenated, position, start, end, hyphenated });
        }
    }
}

/// Scripts without spaces between words: each character is a word.
fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c), 0x2E80..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0x0E00..=0x0EFF | 0x2_0000..=0x3_FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn technical_tokens_are_emitted_whole_and_split() {
        for (text, expected) in [
            ("io_uring", vec!["io", "uring", "io_uring"]),
            ("C++ and C#", vec!["c", "c++", "and", "c", "c#"]),
            ("E0502", vec!["e0502", "0502"]),
            ("Content-Type", vec!["content", "type", "content-type", "contenttype"]),
            ("foo::bar()", vec!["foo", "bar", "foo::bar"]),
            ("PgBouncer", vec!["pgbouncer", "pg", "bouncer"]),
            ("HTTPServer2", vec!["httpserver2", "http", "server"]),
            ("on .NET now", vec!["on", "net", ".net", "now"]),
            ("1.95.0", vec!["1", "95", "0", "1.95.0"]),
            ("the end. Next", vec!["the", "end", "next"]),
            ("engine's don't", vec!["engine", "don"]),
            ("Zürich naïve Straße", vec!["zurich", "naive", "strasse"]),
            ("数据库", vec!["数", "据", "库"]),
        ] {
            assert_eq!(texts(text), expected, "{text}");
        }
    }

    #[test]
    fn tokens_have_byte_ranges_and_word_positions() {
        let text = "Use PgBouncer, not io_uring: überall.";
        for token in tokens(text) {
            assert_eq!(fold(&text[token.start..token.end]), token.text);
        }
        let positions: Vec<usize> =
            tokens("a b-c d").iter().filter(|token| token.kind == TokenKind::Word).map(|token| token.position).collect();
        assert_eq!(positions, [0, 1, 2, 3]);
        assert_eq!(tokens("a b-c d").iter().find(|token| token.kind == TokenKind::Compound).unwrap().position, 1);
    }

    #[test]
    fn unusual_texts_do_not_panic() {
        for text in ["", "++", "C++++", "a\u{301}b", "\u{301}", "_a_", "a::", "::a", "....", "é́", "’s", "s's", "a-\u{1F600}b", "ﬁ"] {
            tokens(text);
        }
    }
}
