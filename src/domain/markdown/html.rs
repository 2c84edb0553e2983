//! Writes Markdown events as HTML, not yet sanitised: heading anchors, footnote anchors, images.
//!
//! The anchor of a heading derives from its words, so it survives edits elsewhere; a repeated one gets `-2`, `-3`.

use std::collections::{HashMap, HashSet, VecDeque};

use pulldown_cmark::{CowStr, Event, HeadingLevel, Tag, TagEnd, html};

use super::sanitise;
use crate::domain::slug::Slug;

/// The table of contents, and each heading's anchor in the order of the text.
pub(super) fn headings(events: &[Event<'_>]) -> (Vec<TocEntry>, VecDeque<String>) {
    let mut toc = Vec::new();
    let mut anchors = VecDeque::new();
    let mut registry = Anchors::default();
    let mut current: Option<(HeadingLevel, String)> = None;
    for event in events {
        match event {
            Event::Start(Tag::Heading { level, .. }) => current = Some((*level, String::new())),
            Event::End(TagEnd::Heading(_)) => {
                let Some((level, text)) = current.take() else { continue };
                let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
                let slug = Slug::derive(&words);
                let id = registry.claim(slug);
                anchors.push_back(id.to_string());
                toc.push(TocEntry { id: id.into_string(), level: level_number(level), text: words });
            }
            Event::Text(text) | Event::Code(text) => {
                if let Some((_, words)) = &mut current {
                    words.push_str(text);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some((_, words)) = &mut current {
                    words.push(' ');
                }
            }
            _ => {}
        }
    }
    (toc, anchors)
}

/// The anchors of one text, each unique: a repeated one gets the next number, without a search.
#[derive(Default)]
struct Anchors {
    taken: HashSet<String>,
    next: HashMap<String, usize>,
}

impl Anchors {
    fn claim(&mut self, slug: Slug) -> Slug {
        if self.taken.insert(slug.to_string()) {
            return slug;
        }
        loop {
            let next = self.next.entry(slug.to_string()).or_insert(2);
            let candidate = slug.numbered(*next);
            *next += 1;
            if self.taken.insert(candidate.to_string()) {
                return candidate;
            }
        }
    }
}

fn level_number(level: HeadingLevel) -> i64 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// The HTML with its anchors. `markdown` seals the images: see [`sanitise::seal_address`].
pub(super) fn write(events: Vec<Event<'_>>, mut anchors: VecDeque<String>, markdown: &str) -> String {
    let seal = sanitise::seal(markdown);
    let mut notes = FootnoteAnchors::default();
    let events = events.into_iter().map(|event| match event {
        Event::Start(Tag::Heading { level, classes, attrs, .. }) => {
            Event::Start(Tag::Heading { level, id: anchors.pop_front().map(CowStr::from), classes, attrs })
        }
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Image { link_type, dest_url: sanitise::seal_address(&seal, &dest_url).into(), title, id })
        }
        Event::FootnoteReference(name) => Event::FootnoteReference(notes.anchor(&name)),
        Event::Start(Tag::FootnoteDefinition(name)) => Event::Start(Tag::FootnoteDefinition(notes.anchor(&name))),
        other => other,
    });
    let mut out = String::new();
    html::push_html(&mut out, events);
    out
}

/// The anchors of footnotes, by their names.
#[derive(Default)]
struct FootnoteAnchors {
    anchors: Anchors,
    by_name: HashMap<String, Slug>,
}

impl FootnoteAnchors {
    fn anchor(&mut self, name: &str) -> CowStr<'static> {
        let anchors = &mut self.anchors;
        let slug = self.by_name.entry(name.to_owned()).or_insert_with(|| anchors.claim(Slug::derive(name)));
        format!("fn-{slug}").into()
    }
}

/// A heading, as a table of contents lists it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TocEntry {
    pub id: String,
    pub level: i64,
    pub text: String,
}
