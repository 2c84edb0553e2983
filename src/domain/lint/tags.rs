//! Tokenizes HTML into tags and comments in linear time. It builds no tree: the sanitiser does.

use std::iter;
use std::ops::Range;

/// Elements whose content is not markup (HTML, section 13.2.5.1 and following).
const RAW_TEXT: [&str; 9] = ["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "plaintext"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HtmlToken<'a> {
    Start(HtmlTag<'a>),
    Comment(&'a str),
    /// The name of an unterminated start tag.
    Unfinished(String),
    /// Text or an end tag.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HtmlTag<'a> {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, &'a str)>,
}

impl HtmlTag<'_> {
    pub(super) fn attribute(&self, wanted: &str) -> Option<&str> {
        self.attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value)
    }
}

/// Every token with its range; the ranges are contiguous.
pub(super) fn tokenize(html: &str) -> impl Iterator<Item = (Range<usize>, HtmlToken<'_>)> {
    let mut at = 0;
    let mut raw_text: Option<String> = None;
    iter::from_fn(move || {
        let rest = html.get(at..).filter(|rest| !rest.is_empty())?;
        let (piece, len) = match raw_text.take().map(|name| end_tag(rest, &name)) {
            Some(len) if len > 0 => (HtmlToken::Other, len),
            _ => first_token(rest),
        };
        if let HtmlToken::Start(tag) = &piece
            && RAW_TEXT.contains(&tag.name.as_str())
        {
            raw_text = Some(tag.name.clone());
        }
        let range = at..at + len;
        at += len;
        Some((range, piece))
    })
}

/// The number of bytes before the end tag of an element.
fn end_tag(rest: &str, name: &str) -> usize {
    let is_end =
        |offset: &usize| rest.as_bytes().get(offset + 2..offset + 2 + name.len()).is_some_and(|b| b.eq_ignore_ascii_case(name.as_bytes()));
    rest.match_indices("</").map(|(offset, _)| offset).find(is_end).unwrap_or(rest.len())
}

/// The first token and its length, which is never 0.
fn first_token(rest: &str) -> (HtmlToken<'_>, usize) {
    let begins_tag = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '!' | '?' | '/'));
    let Some(inside) = rest.strip_prefix('<').filter(|inside| begins_tag(inside)) else {
        let next = rest.match_indices('<').map(|(offset, _)| offset).find(|offset| *offset > 0 && begins_tag(&rest[offset + 1..]));
        return (HtmlToken::Other, next.unwrap_or(rest.len()));
    };
    if let Some(comment) = inside.strip_prefix("!--") {
        let (content, end) = comment_end(comment);
        return (HtmlToken::Comment(&comment[..content]), "<!--".len() + end);
    }
    let is_end_tag = inside.strip_prefix('/').is_some_and(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()));
    if inside.starts_with(['!', '?', '/']) && !is_end_tag {
        let end = inside.find('>').unwrap_or(inside.len());
        return (HtmlToken::Comment(&inside[..end]), (end + 2).min(rest.len()));
    }
    let mut reader = HtmlReader { rest: inside.strip_prefix('/').unwrap_or(inside) };
    let name = reader.take_until(|c| c.is_ascii_whitespace() || matches!(c, '/' | '>')).to_ascii_lowercase();
    let attributes = reader.attributes();
    let len = rest.len() - reader.rest.len();
    match attributes {
        _ if is_end_tag => (HtmlToken::Other, len),
        Some(attributes) => (HtmlToken::Start(HtmlTag { name, attributes }), len),
        None => (HtmlToken::Unfinished(name), len),
    }
}

/// Where the content of a comment ends, and where its terminator ends.
fn comment_end(comment: &str) -> (usize, usize) {
    for abrupt in [">", "->"] {
        if comment.starts_with(abrupt) {
            return (0, abrupt.len());
        }
    }
    let closes =
        |(offset, _)| ["--", "--!"].into_iter().find_map(|dashes| Some((comment[..offset].strip_suffix(dashes)?.len(), offset + 1)));
    comment.match_indices('>').find_map(closes).unwrap_or((comment.len(), comment.len()))
}

struct HtmlReader<'a> {
    rest: &'a str,
}

impl<'a> HtmlReader<'a> {
    fn take_until(&mut self, stop: impl Fn(char) -> bool) -> &'a str {
        let (taken, rest) = self.rest.split_at(self.rest.find(stop).unwrap_or(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// The attributes up to and including the `>`; `None` if it is missing.
    fn attributes(&mut self) -> Option<Vec<(String, &'a str)>> {
        let mut attributes = Vec::new();
        loop {
            self.take_until(|c| !c.is_ascii_whitespace() && c != '/');
            if let Some(rest) = self.rest.strip_prefix('>') {
                self.rest = rest;
                return Some(attributes);
            }
            let first = self.rest.chars().next()?.len_utf8();
            let ends_name = |c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '=');
            // The first character belongs to the name, even if it is `=`.
            let name_end = self.rest[first..].find(ends_name).map_or(self.rest.len(), |end| end + first);
            let (name, rest) = self.rest.split_at(name_end);
            self.rest = rest;
            self.take_until(|c| !c.is_ascii_whitespace());
            let value = match self.rest.strip_prefix('=') {
                Some(rest) => {
                    self.rest = rest;
                    self.value()
                }
                None => "",
            };
            attributes.push((name.to_ascii_lowercase(), value));
        }
    }

    fn value(&mut self) -> &'a str {
        self.take_until(|c| !c.is_ascii_whitespace());
        for quote in ['"', '\''] {
            if let Some(rest) = self.rest.strip_prefix(quote) {
                self.rest = rest;
                let value = self.take_until(|c| c == quote);
                self.rest = self.rest.strip_prefix(quote).unwrap_or_default();
                return value;
            }
        }
        self.take_until(|c| c.is_ascii_whitespace() || c == '>')
    }
}
