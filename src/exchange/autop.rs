//! What `WordPress` does to a text on the way to the page, and an export has not done: paragraphs from blank lines. Comments of the block editor go, shortcodes stay.

/// Tags that are paragraphs of their own.
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

/// The text as the page would show it: without comments, and with `<p>` where only blank lines were.
#[must_use]
pub fn page(content: &str) -> String {
    let by_blocks = content.contains("<!-- wp:");
    let text = without_comments(content).replace("\r\n", "\n");
    if by_blocks { text } else { paragraphs(&text) }
}

fn without_comments(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, comment)) = rest.split_once("<!--") {
        text.push_str(before);
        rest = comment.split_once("-->").map_or("", |(_, after)| after);
    }
    text + rest
}

fn paragraphs(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 64);
    let mut rest = text;
    // What is preformatted keeps its lines.
    while let Some(start) = rest.find("<pre") {
        let end = rest[start..].find("</pre>").map_or(rest.len(), |end| start + end + "</pre>".len());
        wrap(&rest[..start], &mut html);
        html.push_str(&rest[start..end]);
        html.push('\n');
        rest = &rest[end..];
    }
    wrap(rest, &mut html);
    html
}

fn wrap(text: &str, html: &mut String) {
    for part in text.split("\n\n").map(str::trim).filter(|part| !part.is_empty()) {
        if is_block(part) {
            html.extend([part, "\n"]);
        } else {
            html.extend(["<p>", &part.replace('\n', "<br>\n"), "</p>\n"]);
        }
    }
}

/// Whether the part begins or ends with a block's tag; a list may hold blank lines.
fn is_block(part: &str) -> bool {
    let names = |tag: &str| {
        let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        BLOCKS.contains(&name.to_ascii_lowercase().as_str()) || name.eq_ignore_ascii_case("li")
    };
    let last = part.rfind('<').map_or("", |place| &part[place + 1..]);
    part.strip_prefix('<').is_some_and(names) || part.ends_with('>') && names(last)
}

/// How many shortcodes, `[gallery ids="1"]`, a text holds outside of code. A Markdown or wiki link is none.
#[must_use]
pub fn shortcodes(text: &str) -> usize {
    let opens = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').unwrap_or(rest.len());
        let closed = rest.find(']').filter(|place| !rest[..*place].contains(['[', '\n']));
        let is_named = rest.starts_with(|c: char| c.is_ascii_lowercase()) && (rest[end..].starts_with(']') || rest[end..].starts_with(' '));
        is_named && closed.is_some_and(|place| (end == place || rest[..place].contains('=')) && !rest[place + 1..].starts_with('('))
    };
    let (first, others) = text.split_once("<pre").unwrap_or((text, ""));
    let prose = others.split("<pre").map(|part| part.split_once("</pre>").map_or("", |(_, after)| after));
    [first].into_iter().chain(prose).flat_map(|part| part.split('[').skip(1)).filter(|rest| opens(rest)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_become_paragraphs_unless_blocks_are_there() {
        let classic = "One\r\ntwo\r\n\r\n<pre>a\n\nb</pre>\r\n\r\n<h2>H</h2>\r\n\r\nEnd<!--more-->";
        assert_eq!(page(classic), "<p>One<br>\ntwo</p>\n<pre>a\n\nb</pre>\n<h2>H</h2>\n<p>End</p>\n");
        assert_eq!(page("<!-- wp:paragraph --><p>a\n\nb</p><!-- /wp:paragraph -->"), "<p>a\n\nb</p>");
        assert_eq!(page("x<!-- never closed"), "<p>x</p>\n");
        assert_eq!(page("<pre>open\n\nx"), "<pre>open\n\nx\n");
    }

    #[test]
    fn shortcodes_are_counted() {
        assert_eq!(shortcodes("[a b=\"1\"]<pre>[c d=\"1\"]</pre>[e]<pre>[f]"), 2);
        assert_eq!(shortcodes("[gallery ids=\"1,2\"] [caption id=\"x\" w=\"1\"]a[/caption] [more] [a link](/x) [1] [see below] [Note]"), 3);
    }
}
