//! The plain text of Markdown: for `.txt`, search, word counts and excerpts.

use pulldown_cmark::{Event, Tag, TagEnd};

/// Blocks are separated by a blank line, table cells and list items by a line break. Includes code, excludes raw HTML.
pub(super) fn text(events: &[Event<'_>]) -> String {
    let mut out = String::new();
    for event in events {
        match event {
            Event::Text(text) | Event::Code(text) => out.push_str(text),
            Event::SoftBreak => out.push(' '),
            Event::HardBreak
            | Event::End(TagEnd::TableCell | TagEnd::TableRow | TagEnd::TableHead | TagEnd::Item)
            | Event::Start(Tag::List(_)) => line(&mut out),
            Event::Rule | Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::CodeBlock | TagEnd::List(_) | TagEnd::Table) => {
                line(&mut out);
                if !out.is_empty() && !out.ends_with("\n\n") {
                    out.push('\n');
                }
            }
            _ => {}
        }
    }
    out.truncate(out.trim_end().len());
    out
}

fn line(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

/// The first top-level paragraph, on one line.
pub(super) fn first_paragraph(events: &[Event<'_>]) -> String {
    let mut out = String::new();
    let mut depth = 0_usize;
    let mut inside = false;
    for event in events {
        match event {
            Event::Start(Tag::Paragraph) if depth == 0 => inside = true,
            Event::End(TagEnd::Paragraph) if inside => {
                let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
                if !words.is_empty() {
                    return words;
                }
                inside = false;
                out.clear();
            }
            Event::Start(Tag::BlockQuote(_) | Tag::List(_) | Tag::FootnoteDefinition(_)) => depth += 1,
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::FootnoteDefinition) => depth = depth.saturating_sub(1),
            Event::Text(text) | Event::Code(text) if inside => out.push_str(text),
            Event::SoftBreak | Event::HardBreak if inside => out.push(' '),
            _ => {}
        }
    }
    String::new()
}
