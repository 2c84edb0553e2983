//! Bounds the cost of rendering a hostile text. An HTML parser re-opens unclosed formatting elements in every following
//! block, and scans all open elements at many tags: a few kilobytes of raw HTML or of nesting could take minutes and
//! gigabytes.

use pulldown_cmark::{Event, Tag, TagEnd};

/// Deeper blocks and spans lose their markup and keep their text.
const MAX_DEPTH: usize = 60;
/// The maximum of elements that the HTML parser may re-open or scan.
const MAX_REVISITED: usize = 300_000;
/// The maximum of words of a raw tag: the parser compares every attribute with those before it.
const MAX_ATTRIBUTES: usize = 20_000;
/// The maximum of ampersands in one text node.
const MAX_AMPERSANDS: usize = 200;
const VOID: [&str; 8] = ["area", "br", "col", "hr", "img", "input", "source", "wbr"];

pub(super) fn bounded(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let open = count_unclosed(&events);
    let raw_is_affordable = open.saturating_mul(events.len() + open) <= MAX_REVISITED && count_attributes(&events) <= MAX_ATTRIBUTES;
    let mut kept: Vec<bool> = Vec::new();
    let mut depth = 0_usize;
    let mut out = Vec::with_capacity(events.len());
    for event in events {
        match event {
            Event::Start(tag) => {
                let keep = depth < MAX_DEPTH;
                kept.push(keep);
                if keep {
                    depth += 1;
                    out.push(Event::Start(tag));
                }
            }
            Event::End(tag) => {
                if kept.pop().unwrap_or(false) {
                    depth -= 1;
                    out.push(Event::End(tag));
                }
            }
            // Escaped as text instead of being interpreted.
            Event::Html(text) | Event::InlineHtml(text) if !raw_is_affordable => out.push(Event::Text(text)),
            other => out.push(other),
        }
    }
    out
}

/// The number of words in the longest raw tag.
fn count_attributes(events: &[Event<'_>]) -> usize {
    let raw = events.iter().filter_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(text),
        _ => None,
    });
    raw.flat_map(|text| text.split('<')).map(|tag| tag.split(|c: char| c.is_whitespace() || c == '/').count()).max().unwrap_or(0)
}

/// An upper bound of the raw tags that are open where their block ends. A span such as `<kbd>Ctrl</kbd>` is free; in a
/// block of raw HTML, where a quotation mark can hide an end tag, every tag counts.
fn count_unclosed(events: &[Event<'_>]) -> usize {
    let mut count = 0;
    let mut open: Vec<String> = Vec::new();
    for event in events {
        match event {
            Event::Html(text) => {
                count += tag_names(text).filter(|name| !VOID.contains(&name.as_str())).count();
                count += text.matches('&').count() / 10;
            }
            Event::InlineHtml(tag) => match tag.strip_prefix("</") {
                Some(end) => {
                    let end = end.trim_end_matches('>').trim_end().to_ascii_lowercase();
                    if let Some(index) = open.iter().rposition(|name| *name == end) {
                        open.remove(index);
                    }
                }
                None => open.extend(tag_names(tag).filter(|name| !VOID.contains(&name.as_str()))),
            },
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::TableCell | TagEnd::Item | TagEnd::DefinitionListTitle) => {
                count += open.len();
                open.clear();
            }
            _ => {}
        }
    }
    count + open.len()
}

/// Splits long texts into several nodes: the HTML parser is quadratic in the ampersands of one. The sanitiser removes
/// the empty comments between them.
pub(super) fn split_text(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut out = Vec::with_capacity(events.len());
    let (mut ampersands, mut images) = (0, 0_usize);
    for event in events {
        match event {
            Event::Start(Tag::Image { .. }) => images += 1,
            Event::End(TagEnd::Image) => images = images.saturating_sub(1),
            _ => {}
        }
        match event {
            Event::Text(text) if images == 0 => push_split(&mut out, &text, &mut ampersands),
            Event::Code(text) if images == 0 && text.matches('&').count() > MAX_AMPERSANDS => {
                out.push(Event::InlineHtml("<code>".into()));
                push_split(&mut out, &text, &mut ampersands);
                out.push(Event::InlineHtml("</code>".into()));
            }
            other => out.push(other),
        }
    }
    out
}

fn push_split(out: &mut Vec<Event<'_>>, text: &str, ampersands: &mut usize) {
    let mut begin = 0;
    for (offset, _) in text.match_indices('&') {
        *ampersands += 1;
        if *ampersands >= MAX_AMPERSANDS {
            *ampersands = 0;
            out.push(Event::Text(text[begin..offset].to_owned().into()));
            out.push(Event::InlineHtml("<!---->".into()));
            begin = offset;
        }
    }
    out.push(Event::Text(text[begin..].to_owned().into()));
}

/// The names of the tags that a fragment of raw HTML may open.
fn tag_names(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split('<').skip(1).filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic())).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        rest[..end].to_ascii_lowercase()
    })
}
