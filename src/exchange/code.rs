//! Normalises code in HTML that other systems export, to the one form that the Markdown converter preserves byte for
//! byte: `<pre><code>` around text without tags. Everything else stays as it is, except `<?…?>`, which no browser
//! shows.

use crate::exchange::ConversionNote;

/// Tags that editors and highlighters put into preformatted text. Any other one is part of the code: `#include <vector>`.
const MARKUP: [&str; 36] = [
    "a", "abbr", "b", "big", "br", "cite", "code", "del", "div", "em", "font", "i", "ins", "kbd", "li", "mark", "ol", "p", "q", "s",
    "samp", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tr", "tt", "u", "ul", "var", "wbr",
];

/// Of those, the ones whose closing tag ends a line.
const LINE_TAGS: [&str; 4] = ["div", "li", "p", "tr"];

/// Attributes in which highlighters store the language.
const LANGUAGE_ATTRIBUTES: [&str; 5] = ["lang", "language", "data-lang", "data-language", "data-enlighter-language"];

/// `WordPress` shortcodes whose content is code.
const SHORTCODES: [&str; 2] = ["code", "sourcecode"];

/// A block of code, and how many bytes of the source it covers.
struct CodeBlock<'h> {
    /// With character references, without tags.
    text: String,
    language: Option<&'h str>,
    links: usize,
    length: usize,
}

/// The HTML with every `<pre>` as `<pre><code class="language-…">`, and a note for each kind of element that was
/// dropped. With `shortcodes`, `[code]` and `[sourcecode]` are code too, as in `WordPress`.
#[must_use]
pub fn normalize_code(source: &str, shortcodes: bool) -> (String, Vec<ConversionNote>) {
    let mut html = String::with_capacity(source.len() + 64);
    let (mut links, mut instructions, mut inline) = (0, 0, 0_usize);
    let last_closing = SHORTCODES.map(|name| source.rfind(&format!("[/{name}]")).filter(|_| shortcodes));
    let mut rest = source;
    while let Some(start) = rest.find(['<', '[']) {
        html.push_str(&rest[..start]);
        rest = &rest[start..];
        let here = source.len() - rest.len();
        if let Some(block) = parse_pre(rest).or_else(|| parse_shortcode(rest, &last_closing.map(|end| end.is_some_and(|end| end > here)))) {
            rest = &rest[block.length..];
            links += block.links;
            write_block(&block, &mut html);
            continue;
        }
        let length = token_length(rest);
        let (token, after) = rest.split_at(length);
        rest = after;
        if token.starts_with("<?") && inline > 0 {
            html.push_str(&escape_tags(token));
        } else if token.starts_with("<?") {
            instructions += 1;
        } else {
            let (closes, name) = tag_name(token);
            if name == "code" {
                inline = if closes { inline.saturating_sub(1) } else { inline + 1 };
            }
            html.push_str(token);
        }
    }
    html.push_str(rest);
    let count = |count: usize, what: &str| (count > 0).then(|| ConversionNote::new("html-dropped", format!("{count} {what}")));
    let notes = [count(links, "<a> in preformatted text"), count(instructions, "<?…?>")];
    (html, notes.into_iter().flatten().collect())
}

fn write_block(block: &CodeBlock, html: &mut String) {
    if crate::exchange::is_blank(&block.text) {
        return;
    }
    html.push_str("<pre><code");
    if let Some(language) = block.language {
        html.extend([" class=\"language-", language, "\""]);
    }
    html.extend([">", &block.text, "</code></pre>"]);
}

/// The length of a comment, script, instruction or tag; 1 for any other character.
fn token_length(rest: &str) -> usize {
    let through = |end: &str| rest.find(end).map_or(rest.len(), |start| start + end.len());
    if rest.starts_with("<!--") {
        return through("-->");
    }
    if rest.starts_with("<?") {
        return instruction_end(rest).unwrap_or_else(|| through(">"));
    }
    // `[[` escapes a shortcode.
    if rest.starts_with("[[") {
        return 2;
    }
    let (closes, name) = tag_name(rest);
    match name.as_str() {
        "" => 1,
        "script" | "style" if !closes => find_closing_tag(rest, &name).map_or(rest.len(), |(_, end)| end),
        _ => tag_length(rest),
    }
}

/// The end of the `?>` that closes this `<?`. A closing tag, or the start of code, comes before none: a browser shows the text there.
fn instruction_end(rest: &str) -> Option<usize> {
    let mut at = 2;
    loop {
        at += rest[at..].find(['<', '?'])?;
        let here = &rest[at..];
        if here.starts_with("?>") {
            return Some(at + 2);
        }
        if here.starts_with("</") || here.starts_with("<?") || matches!(tag_name(here).1.as_str(), "pre" | "code") {
            return None;
        }
        at += 1;
    }
}

/// Whether the tag at the start is a closing tag, and its name in lower case; an empty name when there is no tag.
fn tag_name(rest: &str) -> (bool, String) {
    let (closes, inside) = match rest.strip_prefix("</") {
        Some(inside) => (true, inside),
        None => (false, rest.strip_prefix('<').unwrap_or("")),
    };
    let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(inside.len());
    let is_name = inside.starts_with(|c: char| c.is_ascii_alphabetic());
    (closes, if is_name { inside[..end].to_ascii_lowercase() } else { String::new() })
}

/// The length up to the `>` that is in no attribute value.
fn tag_length(rest: &str) -> usize {
    let (mut quote, mut before) = (None, b' ');
    for (index, byte) in rest.bytes().enumerate() {
        match quote {
            Some(open) if byte == open => quote = None,
            None if byte == b'>' => return index + 1,
            None if matches!(byte, b'"' | b'\'') && before == b'=' => quote = Some(byte),
            Some(_) | None => {}
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
    }
    rest.len()
}

/// Where the closing tag of this name starts and ends.
fn find_closing_tag(rest: &str, name: &str) -> Option<(usize, usize)> {
    let mut starts = rest.match_indices("</").map(|(start, _)| start);
    let start = starts.find(|start| tag_name(&rest[*start..]).1 == name)?;
    Some((start, start + tag_length(&rest[start..])))
}

fn parse_pre(rest: &str) -> Option<CodeBlock<'_>> {
    if tag_name(rest) != (false, "pre".to_owned()) {
        return None;
    }
    let tag = &rest[..tag_length(rest)];
    let ends = find_closing_tag(&rest[tag.len()..], "pre").map(|(end, length)| (tag.len() + end, tag.len() + length));
    let (end, length) = ends.unwrap_or((rest.len(), rest.len()));
    // HTML ignores a line end right after the tag.
    let inside = strip_line_end(rest.get(tag.len()..end).unwrap_or(""));
    let code = Some(inside.trim()).filter(|text| tag_name(text) == (false, "code".to_owned()));
    let language = find_language(tag).or_else(|| find_language(code.map_or("", |code| &code[..tag_length(code)])));
    // A `WordPress` highlighter reads `<pre lang>` as plain text.
    let is_literal = code.is_none() && find_attribute(tag, "lang").is_some();
    let (text, links) = if is_literal { (escape_tags(inside), 0) } else { strip_markup(code.unwrap_or(inside)) };
    Some(CodeBlock { text, language, links, length })
}

/// `is_closed` says for each shortcode whether its closing one comes later.
fn parse_shortcode<'h>(rest: &'h str, is_closed: &[bool]) -> Option<CodeBlock<'h>> {
    let opens =
        |name: &str| rest.strip_prefix('[').and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.starts_with([' ', ']']));
    let (name, _) = SHORTCODES.into_iter().zip(is_closed).find(|(name, is_closed)| **is_closed && opens(name))?;
    let tag_end = rest[1..].find(['[', ']', '\n']).map(|start| start + 1).filter(|start| rest[*start..].starts_with(']'))?;
    let close = format!("[/{name}]");
    let end = rest.find(&close)?;
    let (tag, inside) = rest[..end].split_at(tag_end + 1);
    Some(CodeBlock { text: escape_tags(strip_line_end(inside)), language: find_language(tag), links: 0, length: end + close.len() })
}

fn strip_line_end(text: &str) -> &str {
    text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n')).unwrap_or(text)
}

fn escape_tags(text: &str) -> String {
    text.replace('<', "&lt;").replace('>', "&gt;")
}

/// The code without markup, and how many links it contained.
fn strip_markup(source: &str) -> (String, usize) {
    let (mut text, mut links) = (String::with_capacity(source.len()), 0);
    let mut rest = source;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        let (closes, name) = tag_name(rest);
        if !MARKUP.contains(&name.as_str()) {
            text.push_str("&lt;");
            rest = &rest[1..];
            continue;
        }
        let (tag, after) = rest.split_at(tag_length(rest));
        rest = after;
        links += usize::from(!closes && name == "a" && find_attribute(tag, "href").is_some());
        if name == "br" || closes && LINE_TAGS.contains(&name.as_str()) && !text.ends_with('\n') {
            text.push('\n');
        }
    }
    (text + rest, links)
}

/// The language that a tag or a shortcode names, if it is a plain word.
fn find_language(tag: &str) -> Option<&str> {
    let class = find_attribute(tag, "class").unwrap_or("");
    let brush = class.split_once("brush:").and_then(|(_, rest)| rest.trim_start().split([' ', ';']).next());
    let prefixed = class.split_ascii_whitespace().find_map(|word| word.strip_prefix("language-").or_else(|| word.strip_prefix("lang-")));
    let own = || LANGUAGE_ATTRIBUTES.iter().find_map(|name| find_attribute(tag, name));
    let is_word = |word: &&str| {
        (1..=30).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'#' | b'-' | b'_' | b'.'))
    };
    brush.or(prefixed).or_else(own).filter(is_word)
}

fn find_attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    tag.match_indices(name).find_map(|(start, _)| {
        let value = tag[start + name.len()..].trim_start().strip_prefix('=')?.trim_start();
        tag[..start].ends_with(|c: char| c.is_ascii_whitespace()).then_some(())?;
        match value.chars().next()? {
            quote @ ('"' | '\'') => value[1..].split(quote).next(),
            _ => value.split(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | ']')).next(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pre_becomes_a_code_block() {
        for (html, code) in [
            ("<pre>a\n  b\n\n  c &lt; d</pre>", "<pre><code>a\n  b\n\n  c &lt; d</code></pre>"),
            ("<PRE class=\"wp-block-preformatted\">\n\nx\n</PRE>", "<pre><code>\nx\n</code></pre>"),
            ("<pre class=\"brush: sql; gutter: false\">S</pre>", "<pre><code class=\"language-sql\">S</code></pre>"),
            ("<pre lang='c++' line=\"1\">#include <b></pre>", "<pre><code class=\"language-c++\">#include &lt;b&gt;</code></pre>"),
            ("<pre lang=\"rust\"><code>a <b>c</b></code></pre>", "<pre><code class=\"language-rust\">a c</code></pre>"),
            ("<pre>\n <code class='hljs language-go'>x\n</code>\n</pre>", "<pre><code class=\"language-go\">x\n</code></pre>"),
            ("<pre><div>a</div><div>b<br>#include <vector></div></pre>", "<pre><code>a\nb\n#include &lt;vector>\n</code></pre>"),
            ("<pre class=\"lang-<x>\"><?php echo 1; ?></pre>", "<pre><code>&lt;?php echo 1; ?></code></pre>"),
            ("<pre> </pre><preview>x</preview><pre>open", "<preview>x</preview><pre><code>open</code></pre>"),
        ] {
            let (found, notes) = normalize_code(html, false);
            assert_eq!((found.as_str(), notes.len()), (code, 0), "{html}");
            assert_eq!(normalize_code(&found, true).0, found, "normalizing twice changes nothing");
        }
    }

    /// Text that a browser shows is imported.
    #[test]
    fn an_unclosed_instruction_drops_no_text() {
        for (html, expected) in [
            (
                "<p>Old PHP used <? as its tag.</p><p>Second</p><h2>Third</h2><pre><?php echo 1; ?></pre><p>End</p>",
                "<p>Old PHP used <p>Second</p><h2>Third</h2><pre><code>&lt;?php echo 1; ?></code></pre><p>End</p>",
            ),
            ("<p>a</p><?php $x->y(); if ($a < 1) z(); ?><p>b</p>", "<p>a</p><p>b</p>"),
            ("<p>a <? b</p><p>c</p>", "<p>a <p>c</p>"),
            ("<pre title=\"</pre>\">x</pre>", "<pre><code>x</code></pre>"),
        ] {
            let (found, notes) = normalize_code(html, true);
            assert_eq!((found.as_str(), notes.len()), (expected, usize::from(html.contains("<p>a") || html.contains("<? as"))), "{html}");
        }
    }

    #[test]
    fn code_shortcodes_become_code_blocks_only_for_wordpress() {
        let text =
            "[code lang=\"php\"]<?php echo \"a\"; ?>[/code] and [sourcecode]\nif (a &lt; b) {\n\n}\n[/sourcecode] [[code]x[/code]] [code";
        let expected = "<pre><code class=\"language-php\">&lt;?php echo \"a\"; ?&gt;</code></pre> and <pre><code>if (a &lt; b) {\n\n}\n</code></pre> \
                      [[code]x[/code]] [code";
        assert_eq!(normalize_code(text, true), (expected.to_owned(), Vec::new()));
        assert_eq!(normalize_code("[code]x[/code]", false).0, "[code]x[/code]");
    }

    #[test]
    fn other_text_stays_and_dropped_elements_are_noted() {
        for same in [
            "<p title=\"<pre>\">x</p> a < b",
            "<!-- <pre> --> y",
            "<script>'<pre>'</script>z",
            "<style>",
            "é<é>[é",
            "<",
            "[",
            "</",
            "<a b=\"",
        ] {
            assert_eq!(normalize_code(same, true), (same.to_owned(), Vec::new()), "{same}");
        }
        assert_eq!(normalize_code("<p><code>a <?php ?></code></p>", true).0, "<p><code>a &lt;?php ?&gt;</code></p>");
        let (html, notes) = normalize_code("a <?php $x->y(); ?> b<pre>v <a href=\"/x\">l</a></pre>", true);
        assert_eq!(html, "a  b<pre><code>v l</code></pre>");
        assert_eq!(notes.iter().map(|note| note.detail.as_str()).collect::<Vec<_>>(), ["1 <a> in preformatted text", "1 <?…?>"]);
    }
}
