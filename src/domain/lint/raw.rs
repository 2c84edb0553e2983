//! Finds raw HTML that the sanitiser strips. The whole text is sanitised with a numbered comment after every raw tag;
//! what precedes the comment in the output is what remains of the tag.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::ops::Range;

use pulldown_cmark::{CowStr, Event, TagEnd};

use super::tags::{HtmlTag, HtmlToken, tokenize};
use crate::domain::{markdown, secret};

pub(super) struct RawHtmlReport {
    /// What has no effect, and its offset.
    pub(super) lost: Vec<(usize, String)>,
    /// The destinations of raw links.
    pub(super) links: Vec<(usize, String)>,
    /// Every anchor of the page.
    pub(super) anchors: HashSet<String>,
}

pub(super) fn survey(events: &[(Event<'_>, Range<usize>)], source: &str) -> RawHtmlReport {
    // No text contains its own digest.
    let seal = secret::hex(&secret::sha256(source.as_bytes()));
    let mut blocks = Blocks::default();
    for (event, span) in events {
        blocks.read(event, span.start);
    }
    blocks.flush();
    let Blocks { html, found, mut marks, .. } = blocks;
    let mut events: Vec<Event<'_>> = events.iter().map(|(event, _)| event.clone()).collect();
    marks.reverse();
    let mut begin = 0;
    for event in &mut events {
        let (Event::Html(text) | Event::InlineHtml(text)) = event else { continue };
        let end = begin + text.len();
        let mut marked = String::new();
        let mut at = begin;
        while let Some((number, offset)) = marks.pop_if(|(_, offset)| *offset <= end) {
            marked += &html[at..offset];
            let _ = write!(marked, "<!--{seal}{number}-->");
            at = offset;
        }
        if at > begin {
            marked += &html[at..end];
            *text = CowStr::from(marked);
        }
        begin = end;
    }
    compare(&found, &markdown::html_with_comments(events, source), &seal)
}

/// The raw HTML of a text, by block or inline tag: a tag can span several lines, each of which is an event.
#[derive(Default)]
struct Blocks {
    html: String,
    /// Where the current block begins in `html`.
    begin: usize,
    /// The offsets in `html` and in the source of each event of the block.
    lines: Vec<(usize, usize)>,
    found: Vec<(usize, RawMark)>,
    /// The number of each finding and the offset in `html` after it.
    marks: Vec<(usize, usize)>,
}

enum RawMark {
    Tag { name: String, attributes: Vec<String> },
    Comment,
    Unfinished(String),
}

impl Blocks {
    fn read(&mut self, event: &Event<'_>, offset: usize) {
        match event {
            Event::Html(text) => {
                self.lines.push((self.html.len(), offset));
                self.html.push_str(text);
            }
            Event::InlineHtml(text) => {
                self.lines.push((self.html.len(), offset));
                self.html.push_str(text);
                self.flush();
            }
            Event::End(TagEnd::HtmlBlock) => self.flush(),
            _ => {}
        }
    }

    fn flush(&mut self) {
        for (span, piece) in tokenize(&self.html[self.begin..]) {
            let found = match piece {
                HtmlToken::Start(HtmlTag { name, attributes }) => {
                    RawMark::Tag { name, attributes: attributes.into_iter().map(|(name, _)| name).collect() }
                }
                HtmlToken::Comment(_) => RawMark::Comment,
                HtmlToken::Unfinished(name) => RawMark::Unfinished(name),
                HtmlToken::Other => continue,
            };
            let at = self.begin + span.start;
            let line = self.lines.partition_point(|(begin, _)| *begin <= at).saturating_sub(1);
            let source = self.lines.get(line).map_or(0, |(begin, source)| source + (at - begin));
            if matches!(found, RawMark::Tag { .. }) {
                self.marks.push((self.found.len(), self.begin + span.end));
            }
            self.found.push((source, found));
        }
        self.begin = self.html.len();
        self.lines.clear();
    }
}

fn compare(found: &[(usize, RawMark)], sanitised: &str, seal: &str) -> RawHtmlReport {
    let mut anchors = HashSet::new();
    let mut left: HashMap<usize, HtmlTag<'_>> = HashMap::new();
    let mut before = None;
    for (_, piece) in tokenize(sanitised) {
        match piece {
            HtmlToken::Start(tag) => {
                anchors.extend(tag.attribute("id").map(str::to_owned));
                before = Some(tag);
            }
            HtmlToken::Comment(text) => {
                let number = text.strip_prefix(seal).and_then(|number| number.parse().ok());
                left.extend(number.zip(before.take()));
            }
            HtmlToken::Unfinished(_) | HtmlToken::Other => before = None,
        }
    }
    let (mut lost, mut links) = (Vec::new(), Vec::new());
    for (number, (offset, found)) in found.iter().enumerate() {
        match found {
            // The sanitiser keeps no comments; only the survey asks it to.
            RawMark::Comment => lost.push((*offset, "a comment".to_owned())),
            RawMark::Unfinished(name) => lost.push((*offset, format!("<{} without an end", shortened(name)))),
            RawMark::Tag { name, attributes } => match left.get(&number).filter(|tag| tag.name == *name) {
                None => lost.push((*offset, format!("<{}>", shortened(name)))),
                Some(tag) => {
                    let gone = attributes.iter().filter(|attribute| tag.attribute(attribute).is_none());
                    lost.extend(gone.map(|attribute| (*offset, format!("{} of <{name}>", shortened(attribute)))));
                    links.extend(tag.attribute("href").map(|href| (*offset, decode(href))));
                }
            },
        }
    }
    RawHtmlReport { lost, links, anchors }
}

/// The value of an attribute as the sanitiser writes it, with its character references resolved.
fn decode(value: &str) -> String {
    let pairs = [("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", "\u{a0}"), ("&amp;", "&")];
    pairs.into_iter().fold(value.to_owned(), |text, (reference, character)| text.replace(reference, character))
}

pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The maximum of characters of a quotation in a warning.
pub(crate) const MAX_QUOTED: usize = 80;
