//! Warnings about a Markdown text for its author. A warning never refuses a text.

mod raw;
mod tags;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::ops::Range;

use pulldown_cmark::{Event, LinkType, Parser, Tag, TagEnd};

use super::markdown::{self, TocEntry};
use raw::shortened;

const MAX_WARNINGS: usize = 50;
/// The maximum of stripped items that one warning lists.
const MAX_NAMED: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    /// In the order of the text, at most 50.
    pub warnings: Vec<Warning>,
    /// Link destinations as written, in the order of the text, each once.
    pub links: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub code: &'static str,
    /// Counted from 1.
    pub line: usize,
    pub detail: String,
}

/// Checks a text; `toc` is its table of contents from [`markdown::render`].
#[must_use]
pub fn lint(markdown: &str, toc: &[TocEntry]) -> Lint {
    let events: Vec<_> = Parser::new_ext(markdown, markdown::options()).into_offset_iter().collect();
    let lines = LineStarts::new(markdown);
    let mut raw = raw::survey(&events, markdown);
    let mut notes = MarkdownScan::default();
    for (event, span) in &events {
        notes.read(event, span);
    }
    notes.links.append(&mut raw.links);
    notes.links.sort_by_key(|(offset, _)| *offset);
    raw.anchors.extend(toc.iter().map(|entry| entry.id.clone()));
    for (offset, link) in &notes.links {
        // `#` and `#top` are the top of any page (HTML, section 7.4.6.4).
        if let Some(anchor) = link.strip_prefix('#')
            && !anchor.is_empty()
            && !anchor.eq_ignore_ascii_case("top")
            && !raw.anchors.contains(anchor)
        {
            notes.found.push((*offset, "dead-anchor", format!("nothing here has the anchor #{}", shortened(anchor))));
        }
    }
    for lost in raw.lost.chunk_by(|(one, _), (next, _)| lines.number(*one) == lines.number(*next)) {
        notes.found.extend(lost.first().map(|(offset, _)| (*offset, "stripped-html", format!("has no effect: {}", list_names(lost)))));
    }
    notes.found.sort_by_key(|(offset, ..)| *offset);
    let warnings = notes.found.into_iter().take(MAX_WARNINGS);
    let mut seen = HashSet::new();
    Lint {
        warnings: warnings.map(|(offset, code, detail)| Warning { code, line: lines.number(offset), detail }).collect(),
        links: notes.links.into_iter().map(|(_, link)| link).filter(|link| seen.insert(link.clone())).collect(),
    }
}

/// The findings in the Markdown, each with its offset in the source.
#[derive(Default)]
struct MarkdownScan {
    found: Vec<(usize, &'static str, String)>,
    links: Vec<(usize, String)>,
    level: usize,
    /// The enclosing images: offset, address, and whether a word was read.
    images: Vec<(usize, String, bool)>,
}

impl MarkdownScan {
    fn read(&mut self, event: &Event<'_>, span: &Range<usize>) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                let level = *level as usize;
                match self.level {
                    0 if level > 2 => self.found.push((span.start, "heading-jump", format!("the first heading is h{level}"))),
                    before if before > 0 && level > before + 1 => {
                        self.found.push((span.start, "heading-jump", format!("h{level} follows h{before}")));
                    }
                    _ => {}
                }
                self.level = level;
            }
            Event::Start(Tag::Image { dest_url, .. }) => self.images.push((span.start, shortened(dest_url), false)),
            Event::Text(text) | Event::Code(text) if !text.trim().is_empty() => self.has_words(),
            Event::End(TagEnd::Image) => match self.images.pop() {
                Some((start, address, false)) => {
                    self.found.push((start, "missing-alt", format!("no alternative text: {address}")));
                }
                Some(_) => self.has_words(),
                None => {}
            },
            Event::Start(Tag::Link { link_type: LinkType::Email, dest_url, .. }) => {
                self.links.push((span.start, format!("mailto:{dest_url}")));
            }
            Event::Start(Tag::Link { dest_url, .. }) => self.links.push((span.start, dest_url.to_string())),
            _ => {}
        }
    }

    /// The words of an image count for the enclosing image as well.
    fn has_words(&mut self) {
        if let Some((_, _, has_words)) = self.images.last_mut() {
            *has_words = true;
        }
    }
}

/// The stripped items of one line, each once.
fn list_names(lost: &[(usize, String)]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (_, name) in lost {
        if names.len() <= MAX_NAMED && !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    if names.len() > MAX_NAMED {
        names[MAX_NAMED] = "…";
    }
    names.join(", ")
}

/// The offsets at which lines begin, as in Markdown: a carriage return alone ends a line too.
struct LineStarts(Vec<usize>);

impl LineStarts {
    fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let ends = (0..bytes.len()).filter(|at| bytes[*at] == b'\n' || bytes[*at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        Self(ends.map(|at| at + 1).collect())
    }

    fn number(&self, offset: usize) -> usize {
        self.0.partition_point(|begin| *begin <= offset) + 1
    }
}
