//! Turns blank lines into paragraphs, as `WordPress` does when it renders a page (`wpautop`): an export contains the stored text.
//!
//! Comments of the block editor are removed, shortcodes stay.

/// Block-level tags, which are not wrapped in a paragraph.
const BLOCKS: [&str; 30] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "details",
    "div",
    "dl",
    "fieldset",
    "figure",
    "figcaption",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "iframe",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "ul",
    "video",
];

/// Renders the stored text as the page would: without comments, and with `<p>` between blank lines.
#[must_use]
pub fn render_page(content: &str) -> String {
    let has_blocks = content.contains("<!-- wp:");
    let text = remove_comments(content).replace("\r\n", "\n");
    if has_blocks { text } else { wrap_paragraphs(&text) }
}

fn remove_comments(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, comment)) = rest.split_once("<!--") {
        text.push_str(before);
        rest = comment.split_once("-->").map_or("", |(_, after)| after);
    }
    text + rest
}

fn wrap_paragraphs(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 64);
    let mut rest = text;
    // Preformatted text keeps its lines.
    while let Some(start) = rest.find("<pre") {
        let end = rest[start..].find("</pre>").map_or(rest.len(), |end| start + end + "</pre>".len());
        wrap_parts(&rest[..start], &mut html);
        html.push_str(&rest[start..end]);
        html.push('\n');
        rest = &rest[end..];
    }
    wrap_parts(rest, &mut html);
    html
}

fn wrap_parts(text: &str, html: &mut String) {
    for part in text.split("\n\n").map(str::trim).filter(|part| !part.is_empty()) {
        if is_block(part) {
            html.extend([part, "\n"]);
        } else {
            html.extend(["<p>", &part.replace('\n', "<br>\n"), "</p>\n"]);
        }
    }
}

/// Whether the part begins or ends with a block-level tag; a list may contain blank lines.
fn is_block(part: &str) -> bool {
    let is_block_tag = |tag: &str| {
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        BLOCKS.contains(&name.to_ascii_lowercase().as_str()) || name.eq_ignore_ascii_case("li")
    };
    let last = part.rfind('<').map_or("", |start| &part[start + 1..]);
    part.strip_prefix('<').is_some_and(is_block_tag) || part.ends_with('>') && is_block_tag(last)
}

/// Counts the shortcodes, such as `[gallery ids="1"]`, outside of code. Markdown and wiki links do not count.
#[must_use]
pub fn count_shortcodes(text: &str) -> usize {
    let opens_shortcode = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').unwrap_or(rest.len());
        let closed = rest.find(']').filter(|end| !rest[..*end].contains(['[', '\n']));
        let is_named = rest.starts_with(|c: char| c.is_ascii_lowercase()) && (rest[end..].starts_with(']') || rest[end..].starts_with(' '));
        is_named && closed.is_some_and(|closed| (end == closed || rest[..closed].contains('=')) && !rest[closed + 1..].starts_with('('))
    };
    let (first, others) = text.split_once("<pre").unwrap_or((text, ""));
    let prose = others.split("<pre").map(|part| part.split_once("</pre>").map_or("", |(_, after)| after));
    [first].into_iter().chain(prose).flat_map(|part| part.split('[').skip(1)).filter(|rest| opens_shortcode(rest)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_become_paragraphs_unless_the_text_has_blocks() {
        let classic = "One\r\ntwo\r\n\r\n<pre>a\n\nb</pre>\r\n\r\n<h2>H</h2>\r\n\r\nEnd<!--more-->";
        assert_eq!(render_page(classic), "<p>One<br>\ntwo</p>\n<pre>a\n\nb</pre>\n<h2>H</h2>\n<p>End</p>\n");
        assert_eq!(render_page("<!-- wp:paragraph --><p>a\n\nb</p><!-- /wp:paragraph -->"), "<p>a\n\nb</p>");
        assert_eq!(render_page("x<!-- never closed"), "<p>x</p>\n");
        assert_eq!(render_page("<pre>open\n\nx"), "<pre>open\n\nx\n");
    }

    #[test]
    fn shortcodes_are_counted() {
        assert_eq!(count_shortcodes("[a b=\"1\"]<pre>[c d=\"1\"]</pre>[e]<pre>[f]"), 2);
        assert_eq!(
            count_shortcodes("[gallery ids=\"1,2\"] [caption id=\"x\" w=\"1\"]a[/caption] [more] [a link](/x) [1] [see below] [Note]"),
            3
        );
    }
}
