//! What keeps the cost of a text in proportion to its length. An HTML parser re-opens unclosed formatting elements in every block that follows,
//! and looks through all open elements at many tags: a few kilobytes of raw HTML or of nesting could cost minutes and gigabytes.

use pulldown_cmark::Event;

/// Blocks and spans nested deeper than this lose their markup and keep their words.
const MAX_DEPTH: usize = 60;
/// Elements that the worst text may make the HTML parser open again. An article of 1 000 paragraphs may hold 100 raw tags.
const MAX_REOPENED: usize = 300_000;

pub(super) fn bounded(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let raw_tags: usize = events.iter().map(raw_tags).sum();
    let raw_is_affordable = raw_tags.saturating_mul(events.len() + raw_tags) <= MAX_REOPENED;
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
            // Shown as what was typed, instead of being obeyed.
            Event::Html(text) | Event::InlineHtml(text) if !raw_is_affordable => out.push(Event::Text(text)),
            other => out.push(other),
        }
    }
    out
}

/// How many tags a piece of raw HTML opens, at most.
fn raw_tags(event: &Event<'_>) -> usize {
    let (Event::Html(text) | Event::InlineHtml(text)) = event else { return 0 };
    text.as_bytes().windows(2).filter(|pair| pair[0] == b'<' && pair[1].is_ascii_alphabetic()).count()
}
