//! Renders Markdown: sanitised HTML, plain text, a table of contents, an excerpt and a reading time.
//!
//! [`render`] runs once per revision, when it is saved. All HTML that leaves this module is sanitised.

mod bounds;
mod html;
mod plain;
mod sanitise;
#[cfg(test)]
mod tests;

use pulldown_cmark::{Event, Options, Parser};

pub use html::TocEntry;

/// Silent reading of non-fiction English: 238 words a minute (Brysbaert 2019, "How many words do we read per minute?").
const WORDS_PER_MINUTE: usize = 238;
const EXCERPT_CHARS: usize = 200;

/// Everything that is derived from a Markdown text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub html: String,
    pub plain: String,
    pub toc: Vec<TocEntry>,
    pub excerpt: String,
    pub word_count: i64,
    pub reading_minutes: i64,
}

#[must_use]
pub fn render(markdown: &str) -> Rendered {
    let events: Vec<Event<'_>> = bounds::bounded(Parser::new_ext(markdown, options()).collect());
    let (toc, anchors) = html::headings(&events);
    let plain = plain::text(&events);
    let excerpt = shorten(&plain::first_paragraph(&events), EXCERPT_CHARS);
    let html = sanitise::fragment(&html::write(bounds::split_text(events), anchors, markdown), markdown);
    let words = count_words(&plain);
    let minutes = ((words + WORDS_PER_MINUTE / 2) / WORDS_PER_MINUTE).max(1);
    Rendered {
        html,
        plain,
        toc,
        excerpt,
        word_count: i64::try_from(words).unwrap_or(i64::MAX),
        reading_minutes: i64::try_from(minutes).unwrap_or(i64::MAX),
    }
}

/// The Markdown dialect, shared with the linter.
pub(super) fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS | Options::ENABLE_FOOTNOTES | Options::ENABLE_GFM
}

/// The sanitised HTML with its comments, for the linter. Not for readers.
pub(super) fn html_with_comments(events: Vec<Event<'_>>, markdown: &str) -> String {
    let events = bounds::bounded(events);
    let (_, anchors) = html::headings(&events);
    sanitise::with_comments(&html::write(bounds::split_text(events), anchors, markdown), markdown)
}

/// Counts the words: runs between white space that contain a letter or a digit.
fn count_words(text: &str) -> usize {
    // Bytes are ten times faster than characters.
    let in_ascii = |line: &str| {
        let words = line.as_bytes().split(|byte| matches!(byte, b'\t'..=b'\r' | b' '));
        words.filter(|word| word.iter().any(u8::is_ascii_alphanumeric)).count()
    };
    let in_others = |line: &str| line.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
    text.lines().map(|line| if line.is_ascii() { in_ascii(line) } else { in_others(line) }).sum()
}

/// At most `max` characters, truncated after a word.
fn shorten(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let head: String = text.chars().take(max - 1).collect();
    let end = head.rfind(char::is_whitespace).unwrap_or(head.len());
    format!("{}…", head[..end].trim_end_matches([' ', ',', ';', ':', '.', '—', '–']))
}
