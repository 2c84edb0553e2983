//! How a text becomes the words that are indexed, looked for and marked. Texts and queries go through the same function, so that what was
//! written can be found by writing it again.
//!
//! A word is a run of letters and digits, lower case, without accents. What technical texts join is found whole and split: `io_uring`, `foo::bar`,
//! `Content-Type`, `C++`, `.NET`, `1.95.0` are pieces of their own beside their parts; `PgBouncer` and `E0502` also give `bouncer` and `0502`.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Longer pieces (keys, hashes, encoded data) are nobody's words.
const LONGEST: usize = 80;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A run of letters and digits.
    Word,
    /// A part of such a run: `bouncer` of `PgBouncer`.
    Part,
    /// Several words with what joins them: `io_uring`, `c++`.
    Whole,
    /// Two words without the hyphen between them: `email` of `e-mail`.
    Joined,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token<T = String> {
    pub(crate) text: T,
    pub(crate) kind: TokenKind,
    /// Words are counted; everything else stands where its first word does.
    pub(crate) position: usize,
    /// Where it is in the text, in bytes.
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// Of a `Whole`: joined by hyphens alone, as words of prose are too.
    pub(crate) hyphenated: bool,
}

/// A piece whose text is that of what was read, where it need not be folded.
pub(crate) type BorrowedToken<'t> = Token<Cow<'t, str>>;

/// Calls back with every piece of a text.
pub(crate) fn pieces<'t>(text: &'t str, take: impl FnMut(BorrowedToken<'t>)) {
    pieces_beginning(text, |_| true, take);
}

/// Calls back with the pieces of a text, but for plain words (of letters a to z) whose first two letters, made small, are not wanted. Most of a
/// long text can be passed over so.
pub(crate) fn pieces_beginning<'t>(text: &'t str, wanted: impl Fn([u8; 2]) -> bool, mut take: impl FnMut(BorrowedToken<'t>)) {
    let mut scanner = Scanner { text, at: 0, position: 0, chain: Vec::new(), chain_from: 0 };
    while let Some((from, to)) = scanner.next_run() {
        scanner.word(from, to, &wanted, &mut take);
    }
    scanner.finish_chain(text.len(), &mut take);
}

/// The first two bytes of a word.
pub(crate) fn start(word: &str) -> [u8; 2] {
    let bytes = word.as_bytes();
    [bytes.first().copied().unwrap_or(0), bytes.get(1).copied().unwrap_or(0)]
}

/// The pieces of a short text.
pub(crate) fn pieces_of(text: &str) -> Vec<Token> {
    let mut list = Vec::new();
    pieces(text, |found| {
        let Token { text, kind, position, from, to, hyphenated } = found;
        list.push(Token { text: text.into_owned(), kind, position, from, to, hyphenated });
    });
    list
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    position: usize,
    /// The words of the compound being read: where each is.
    chain: Vec<(usize, usize)>,
    chain_from: usize,
}

impl<'t> Scanner<'t> {
    /// The next run of letters and digits.
    fn next_run(&mut self) -> Option<(usize, usize)> {
        loop {
            let c = self.char_at(self.at)?;
            let from = self.at;
            self.at += c.len_utf8();
            if is_ideograph(c) {
                return Some((from, self.at));
            }
            if c.is_alphanumeric() {
                return Some((from, self.end_of_run()));
            }
        }
    }

    fn end_of_run(&mut self) -> usize {
        let plain = self.text.as_bytes()[self.at..].iter().take_while(|byte| byte.is_ascii_alphanumeric());
        self.at += plain.count();
        while let Some(c) = self.char_at(self.at) {
            if !(c.is_alphanumeric() || !c.is_ascii() && is_combining_mark(c)) || is_ideograph(c) {
                break;
            }
            self.at += c.len_utf8();
        }
        self.at
    }

    fn char_at(&self, at: usize) -> Option<char> {
        let byte = *self.text.as_bytes().get(at)?;
        if byte.is_ascii() { Some(char::from(byte)) } else { self.text[at..].chars().next() }
    }

    fn word(&mut self, from: usize, to: usize, wanted: &impl Fn([u8; 2]) -> bool, take: &mut impl FnMut(BorrowedToken<'t>)) {
        let joined = self.chain.last().is_some_and(|(_, end)| *end < from && joins(&self.text[*end..from]));
        if !joined {
            self.finish_chain(from, take);
            self.chain_from = leading(self.text, from);
        }
        let apostrophe = from > 0 && matches!(self.text[..from].chars().next_back(), Some('\'' | '’'));
        let run: &'t str = &self.text[from..to];
        if apostrophe && matches!(run, "s" | "S" | "t" | "T") {
            return;
        }
        self.chain.push((from, to));
        let position = self.position;
        self.position += 1;
        let plain = run.bytes().enumerate().all(|(at, byte)| byte.is_ascii_lowercase() || at == 0 && byte.is_ascii_uppercase());
        if plain && !wanted(start(run).map(|byte| byte.to_ascii_lowercase())) {
            return;
        }
        let text = fold(run);
        if text.len() <= LONGEST {
            take(Token { text, kind: TokenKind::Word, position, from, to, hyphenated: false });
            let parts = if plain { Vec::new() } else { parts(run) };
            for (start, end) in parts {
                take(Token {
                    text: fold(&run[start..end]),
                    kind: TokenKind::Part,
                    position,
                    from: from + start,
                    to: from + end,
                    hyphenated: false,
                });
            }
        }
    }

    /// Gives the compound that ends here, if it is one.
    fn finish_chain(&mut self, next: usize, take: &mut impl FnMut(BorrowedToken<'t>)) {
        self.compound(next, take);
        self.chain.clear();
    }

    fn compound(&self, next: usize, take: &mut impl FnMut(BorrowedToken<'t>)) {
        let chain = self.chain.as_slice();
        let (Some(&(first, _)), Some(&(last_from, last_to))) = (chain.first(), chain.last()) else { return };
        let to = last_to + trailing(&self.text[last_to..next.max(last_to)], &self.text[last_from..last_to]);
        let from = self.chain_from.min(first);
        if (chain.len() == 1 && from == first && to == last_to) || to - from > LONGEST {
            return;
        }
        let position = self.position.saturating_sub(chain.len());
        let whole: &'t str = &self.text[from..to];
        let hyphenated = whole.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '‐' | '‑'));
        take(Token { text: fold(whole), kind: TokenKind::Whole, position, from, to, hyphenated });
        if let (true, &[(a, b), (c, d)]) = (hyphenated, chain) {
            let text = fold(&self.text[a..b]) + fold(&self.text[c..d]);
            take(Token { text, kind: TokenKind::Joined, position, from, to, hyphenated });
        }
    }
}

/// What may stand between the words of one compound.
fn joins(between: &str) -> bool {
    matches!(between, "_" | "-" | "‐" | "‑" | "." | "::" | "/" | "__" | "->" | "@")
}

/// Where a compound begins that the word at `from` is the first of: `.NET`, `.gitignore`.
fn leading(text: &str, from: usize) -> usize {
    let before = &text[..from];
    let Some(rest) = before.strip_suffix('.') else { return from };
    if rest.chars().next_back().is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '`' | '"' | '/' | '‘' | '“')) {
        from - 1
    } else {
        from
    }
}

/// How many bytes behind a word belong to it: `C++`, `C#`.
fn trailing(after: &str, word: &str) -> usize {
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '+' || c == '#');
    if after.starts_with("++") && ends(&after[2..]) {
        2
    } else {
        usize::from(after.starts_with('#') && word.len() <= 2 && ends(&after[1..]))
    }
}

/// The parts of a run that changes from small to capital letters, or between letters and digits; those of two characters or more.
fn parts(run: &str) -> Vec<(usize, usize)> {
    if run.bytes().all(|byte| byte.is_ascii_digit()) || run.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Vec::new();
    }
    let mut cuts = vec![0];
    let chars: Vec<(usize, char)> = run.char_indices().collect();
    for (place, pair) in chars.windows(2).enumerate() {
        let ((_, a), (at, b)) = (pair[0], pair[1]);
        let next_small = chars.get(place + 2).is_some_and(|(_, c)| c.is_lowercase());
        let camel = a.is_lowercase() && b.is_uppercase() || a.is_uppercase() && b.is_uppercase() && next_small;
        if camel || a.is_numeric() != b.is_numeric() {
            cuts.push(at);
        }
    }
    cuts.push(run.len());
    if cuts.len() < 3 {
        return Vec::new();
    }
    cuts.windows(2).map(|cut| (cut[0], cut[1])).filter(|(start, end)| end - start >= 2).collect()
}

/// Scripts that write no spaces: each sign is a word.
fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c), 0x2E80..=0x9FFF | 0xAC00..=0xD7AF | 0xF900..=0xFAFF | 0x0E00..=0x0EFF | 0x2_0000..=0x3_FFFF)
}

/// Lower case, without the accents of Latin and Greek letters.
pub(crate) fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        let small = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        return if small { Cow::Borrowed(text) } else { Cow::Owned(text.to_ascii_lowercase()) };
    }
    let mut folded = String::with_capacity(text.len());
    let mut base_is_plain = false;
    for c in text.to_lowercase().nfkd() {
        if is_combining_mark(c) {
            if !base_is_plain {
                folded.push(c);
            }
            continue;
        }
        base_is_plain = u32::from(c) < 0x400;
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            'þ' => folded.push_str("th"),
            '‐' | '‑' => folded.push('-'),
            'ς' => folded.push('σ'),
            other => folded.push(other),
        }
    }
    Cow::Owned(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        pieces_of(text).into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn technical_tokens_are_found_whole_and_split() {
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
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn places_are_where_the_text_is() {
        let text = "Use PgBouncer, not io_uring: überall.";
        for piece in pieces_of(text) {
            assert_eq!(fold(&text[piece.from..piece.to]), piece.text);
        }
        let positions: Vec<usize> = pieces_of("a b-c d").iter().filter(|p| p.kind == TokenKind::Word).map(|p| p.position).collect();
        assert_eq!(positions, [0, 1, 2, 3]);
        assert_eq!(pieces_of("a b-c d").iter().find(|p| p.kind == TokenKind::Whole).unwrap().position, 1);
    }

    #[test]
    fn any_text_is_read_to_its_end() {
        for text in ["", "++", "C++++", "a\u{301}b", "\u{301}", "_a_", "a::", "::a", "....", "é́", "’s", "s's", "a-\u{1F600}b", "ﬁ"] {
            pieces_of(text);
        }
    }
}
