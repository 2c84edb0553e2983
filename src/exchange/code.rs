//! Finds code in the HTML that other systems export, and writes it in the one form that the converter keeps to the byte: `<pre><code>` around a
//! text without tags. What is not code stays as it is, but for `<?…?>`, which no page shows.

use crate::exchange::ConversionNote;

/// Tags that editors and highlighters put into preformatted text. Any other name is the text's own: `#include <vector>`.
const MARKUP: [&str; 36] = [
    "a", "abbr", "b", "big", "br", "cite", "code", "del", "div", "em", "font", "i", "ins", "kbd", "li", "mark", "ol", "p", "q", "s",
    "samp", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tr", "tt", "u", "ul", "var", "wbr",
];

/// Of those, the ones whose end is the end of a line.
const LINES: [&str; 4] = ["div", "li", "p", "tr"];

/// Where highlighters look for the language.
const LANGUAGE_ATTRIBUTES: [&str; 5] = ["lang", "language", "data-lang", "data-language", "data-enlighter-language"];

/// In `WordPress`, texts between these in brackets are code.
const SHORTCODES: [&str; 2] = ["code", "sourcecode"];

/// Code as it stands in the source, and how many bytes it takes there.
struct CodeBlock<'h> {
    /// With references to characters, without tags.
    text: String,
    language: Option<&'h str>,
    links: usize,
    length: usize,
}

/// The HTML with every `<pre>` as `<pre><code class="language-…">`, and a note for each kind of thing that went. `shortcodes`: whether `[code]` and
/// `[sourcecode]` are code too, as they are in `WordPress`.
#[must_use]
pub fn in_blocks(source: &str, shortcodes: bool) -> (String, Vec<ConversionNote>) {
    let mut html = String::with_capacity(source.len() + 64);
    let (mut links, mut instructions, mut inline) = (0, 0, 0_usize);
    let ends = SHORTCODES.map(|name| source.rfind(&format!("[/{name}]")).filter(|_| shortcodes));
    let mut rest = source;
    while let Some(place) = rest.find(['<', '[']) {
        html.push_str(&rest[..place]);
        rest = &rest[place..];
        let here = source.len() - rest.len();
        if let Some(block) = preformatted(rest).or_else(|| shortcode(rest, &ends.map(|end| end.is_some_and(|end| end > here)))) {
            rest = &rest[block.length..];
            links += block.links;
            write(&block, &mut html);
            continue;
        }
        let length = length_of_token(rest);
        let (token, after) = rest.split_at(length);
        rest = after;
        if token.starts_with("<?") && inline > 0 {
            html.push_str(&escaped(token));
        } else if token.starts_with("<?") {
            instructions += 1;
        } else {
            let (closes, name) = name_of(token);
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

fn write(block: &CodeBlock, html: &mut String) {
    if crate::exchange::is_blank(&block.text) {
        return;
    }
    html.push_str("<pre><code");
    if let Some(language) = block.language {
        html.extend([" class=\"language-", language, "\""]);
    }
    html.extend([">", &block.text, "</code></pre>"]);
}

/// How far a comment, a script, an instruction or a tag goes; a single character when it is none.
fn length_of_token(rest: &str) -> usize {
    let through = |end: &str| rest.find(end).map_or(rest.len(), |place| place + end.len());
    if rest.starts_with("<!--") {
        return through("-->");
    }
    if rest.starts_with("<?") {
        return end_of_instruction(rest).unwrap_or_else(|| through(">"));
    }
    // An escaped shortcode is none.
    if rest.starts_with("[[") {
        return 2;
    }
    let (closes, name) = name_of(rest);
    match name.as_str() {
        "" => 1,
        "script" | "style" if !closes => closing(rest, &name).map_or(rest.len(), |(_, end)| end),
        _ => length_of_tag(rest),
    }
}

/// Where the `?>` ends that belongs to this `<?`. None lies behind a tag that ends something, or begins code: a page shows what stands there.
fn end_of_instruction(rest: &str) -> Option<usize> {
    let mut at = 2;
    loop {
        at += rest[at..].find(['<', '?'])?;
        let here = &rest[at..];
        if here.starts_with("?>") {
            return Some(at + 2);
        }
        if here.starts_with("</") || here.starts_with("<?") || matches!(name_of(here).1.as_str(), "pre" | "code") {
            return None;
        }
        at += 1;
    }
}

/// Whether the tag in front closes, and its name in lower case, empty when there is none.
fn name_of(rest: &str) -> (bool, String) {
    let (closes, inside) = match rest.strip_prefix("</") {
        Some(inside) => (true, inside),
        None => (false, rest.strip_prefix('<').unwrap_or("")),
    };
    let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(inside.len());
    let is_name = inside.starts_with(|c: char| c.is_ascii_alphabetic());
    (closes, if is_name { inside[..end].to_ascii_lowercase() } else { String::new() })
}

/// To the `>` that stands in no attribute.
fn length_of_tag(rest: &str) -> usize {
    let (mut quote, mut before) = (None, b' ');
    for (place, byte) in rest.bytes().enumerate() {
        match quote {
            Some(open) if byte == open => quote = None,
            None if byte == b'>' => return place + 1,
            None if matches!(byte, b'"' | b'\'') && before == b'=' => quote = Some(byte),
            Some(_) | None => {}
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
    }
    rest.len()
}

/// Where the closing tag of this name begins and ends.
fn closing(rest: &str, name: &str) -> Option<(usize, usize)> {
    let mut starts = rest.match_indices("</").map(|(start, _)| start);
    let start = starts.find(|start| name_of(&rest[*start..]).1 == name)?;
    Some((start, start + length_of_tag(&rest[start..])))
}

fn preformatted(rest: &str) -> Option<CodeBlock<'_>> {
    if name_of(rest) != (false, "pre".to_owned()) {
        return None;
    }
    let tag = &rest[..length_of_tag(rest)];
    let ends = closing(&rest[tag.len()..], "pre").map(|(end, length)| (tag.len() + end, tag.len() + length));
    let (end, length) = ends.unwrap_or((rest.len(), rest.len()));
    // HTML takes a line end right behind the tag away.
    let inside = without_line_end(rest.get(tag.len()..end).unwrap_or(""));
    let code = Some(inside.trim()).filter(|text| name_of(text) == (false, "code".to_owned()));
    let language = language(tag).or_else(|| language(code.map_or("", |code| &code[..length_of_tag(code)])));
    // A highlighter of `WordPress` reads what has this attribute, and reads no HTML.
    let is_literal = code.is_none() && attribute(tag, "lang").is_some();
    let (text, links) = if is_literal { (escaped(inside), 0) } else { without_markup(code.unwrap_or(inside)) };
    Some(CodeBlock { text, language, links, length })
}

/// `closed`: whether a closing one of each name comes later.
fn shortcode<'h>(rest: &'h str, closed: &[bool]) -> Option<CodeBlock<'h>> {
    let opens =
        |name: &str| rest.strip_prefix('[').and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.starts_with([' ', ']']));
    let (name, _) = SHORTCODES.into_iter().zip(closed).find(|(name, closed)| **closed && opens(name))?;
    let tag_end = rest[1..].find(['[', ']', '\n']).map(|place| place + 1).filter(|place| rest[*place..].starts_with(']'))?;
    let close = format!("[/{name}]");
    let end = rest.find(&close)?;
    let (tag, inside) = rest[..end].split_at(tag_end + 1);
    Some(CodeBlock { text: escaped(without_line_end(inside)), language: language(tag), links: 0, length: end + close.len() })
}

fn without_line_end(text: &str) -> &str {
    text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n')).unwrap_or(text)
}

fn escaped(text: &str) -> String {
    text.replace('<', "&lt;").replace('>', "&gt;")
}

/// The text without the tags that are none of its own, and how many links were among them.
fn without_markup(source: &str) -> (String, usize) {
    let (mut text, mut links) = (String::with_capacity(source.len()), 0);
    let mut rest = source;
    while let Some(place) = rest.find('<') {
        text.push_str(&rest[..place]);
        rest = &rest[place..];
        let (closes, name) = name_of(rest);
        if !MARKUP.contains(&name.as_str()) {
            text.push_str("&lt;");
            rest = &rest[1..];
            continue;
        }
        let (tag, after) = rest.split_at(length_of_tag(rest));
        rest = after;
        links += usize::from(!closes && name == "a" && attribute(tag, "href").is_some());
        if name == "br" || closes && LINES.contains(&name.as_str()) && !text.ends_with('\n') {
            text.push('\n');
        }
    }
    (text + rest, links)
}

/// The language that a tag or a shortcode names, where it is a plain word.
fn language(tag: &str) -> Option<&str> {
    let class = attribute(tag, "class").unwrap_or("");
    let brush = class.split_once("brush:").and_then(|(_, rest)| rest.trim_start().split([' ', ';']).next());
    let prefixed = class.split_ascii_whitespace().find_map(|word| word.strip_prefix("language-").or_else(|| word.strip_prefix("lang-")));
    let own = || LANGUAGE_ATTRIBUTES.iter().find_map(|name| attribute(tag, name));
    let is_word = |word: &&str| {
        (1..=30).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'#' | b'-' | b'_' | b'.'))
    };
    brush.or(prefixed).or_else(own).filter(is_word)
}

fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    tag.match_indices(name).find_map(|(place, _)| {
        let value = tag[place + name.len()..].trim_start().strip_prefix('=')?.trim_start();
        tag[..place].ends_with(|c: char| c.is_ascii_whitespace()).then_some(())?;
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
    fn every_pre_becomes_code() {
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
            let (found, notes) = in_blocks(html, false);
            assert_eq!((found.as_str(), notes.len()), (code, 0), "{html}");
            assert_eq!(in_blocks(&found, true).0, found, "once is enough");
        }
    }

    /// What a page shows, an import keeps.
    #[test]
    fn a_question_mark_in_a_tag_takes_no_text_along() {
        for (html, kept) in [
            (
                "<p>Old PHP used <? as its tag.</p><p>Second</p><h2>Third</h2><pre><?php echo 1; ?></pre><p>End</p>",
                "<p>Old PHP used <p>Second</p><h2>Third</h2><pre><code>&lt;?php echo 1; ?></code></pre><p>End</p>",
            ),
            ("<p>a</p><?php $x->y(); if ($a < 1) z(); ?><p>b</p>", "<p>a</p><p>b</p>"),
            ("<p>a <? b</p><p>c</p>", "<p>a <p>c</p>"),
            ("<pre title=\"</pre>\">x</pre>", "<pre><code>x</code></pre>"),
        ] {
            let (found, notes) = in_blocks(html, true);
            assert_eq!((found.as_str(), notes.len()), (kept, usize::from(html.contains("<p>a") || html.contains("<? as"))), "{html}");
        }
    }

    #[test]
    fn shortcodes_are_code_where_they_are_known() {
        let text =
            "[code lang=\"php\"]<?php echo \"a\"; ?>[/code] and [sourcecode]\nif (a &lt; b) {\n\n}\n[/sourcecode] [[code]x[/code]] [code";
        let wanted = "<pre><code class=\"language-php\">&lt;?php echo \"a\"; ?&gt;</code></pre> and <pre><code>if (a &lt; b) {\n\n}\n</code></pre> \
                      [[code]x[/code]] [code";
        assert_eq!(in_blocks(text, true), (wanted.to_owned(), Vec::new()));
        assert_eq!(in_blocks("[code]x[/code]", false).0, "[code]x[/code]");
    }

    #[test]
    fn what_is_no_code_stays_and_what_goes_is_noted() {
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
            assert_eq!(in_blocks(same, true), (same.to_owned(), Vec::new()), "{same}");
        }
        assert_eq!(in_blocks("<p><code>a <?php ?></code></p>", true).0, "<p><code>a &lt;?php ?&gt;</code></p>");
        let (html, notes) = in_blocks("a <?php $x->y(); ?> b<pre>v <a href=\"/x\">l</a></pre>", true);
        assert_eq!(html, "a  b<pre><code>v l</code></pre>");
        assert_eq!(notes.iter().map(|note| note.detail.as_str()).collect::<Vec<_>>(), ["1 <a> in preformatted text", "1 <?…?>"]);
    }
}
