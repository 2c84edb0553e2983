//! Converts HTML to Markdown, and counts the elements that Markdown cannot express.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use htmd::element_handler::Handlers;
use htmd::options::{BulletListMarker, HrStyle, Options};
use htmd::{Element, HtmlToMarkdown, Node};
use quick_xml::escape::unescape;

use crate::exchange::{ConversionNote, code};

/// Elements that are dropped with their content.
const DROPPED_TAGS: [&str; 9] = ["iframe", "script", "style", "video", "audio", "embed", "object", "form", "noscript"];

/// With more unclosed tags than this, the parser would take minutes.
const MAX_OPEN_TAGS: usize = 1_000;

/// The converter walks the tree recursively; no text by people is nested this deep.
const MAX_DEPTH: usize = 256;

/// No name of a character reference is longer.
const MAX_REFERENCE_LENGTH: usize = 32;

/// Converts HTML to Markdown, with one note for each kind of element that was dropped.
#[must_use]
pub fn to_markdown(html: &str) -> (String, Vec<ConversionNote>) {
    // The converter recognises code only as `<pre><code>`.
    let (html, code_notes) = code::normalize_code(html, false);
    let html = html.as_str();
    let counts: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let counter = Arc::clone(&counts);
    let options = Options {
        hr_style: HrStyle::Dashes,
        bullet_list_marker: BulletListMarker::Dash,
        ul_bullet_spacing: 1,
        ol_number_spacing: 1,
        ..Options::default()
    };
    let converter = HtmlToMarkdown::builder()
        .options(options)
        .add_handler(DROPPED_TAGS.to_vec(), move |_: &dyn Handlers, element: Element| {
            *counter.lock().unwrap_or_else(PoisonError::into_inner).entry(element.tag.to_owned()).or_default() += 1;
            None
        })
        .build();
    let too_deep = || {
        (
            plain_text(html),
            vec![ConversionNote::new("html-too-deep", format!("nested more than {MAX_DEPTH} deep; only the text was imported"))],
        )
    };
    let tree = if has_too_many_open_tags(html) { None } else { Some(converter.html_to_tree(html)) };
    let (markdown, more) = match tree {
        None => too_deep(),
        Some(Ok(tree)) if is_too_deep(&tree) => too_deep(),
        Some(Ok(tree)) => (converter.tree_to_markdown(&tree), Vec::new()),
        Some(Err(e)) => (plain_text(html), vec![ConversionNote::new("html-unreadable", format!("only the text was imported: {e}"))]),
    };
    let mut notes = [code_notes, more].concat();
    for (tag, count) in counts.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        notes.push(ConversionNote::new("html-dropped", format!("{count} <{tag}>")));
    }
    (markdown, notes)
}

/// Whether too many tags are open at any point. Tags that HTML closes implicitly do not count.
fn has_too_many_open_tags(html: &str) -> bool {
    const IMPLICITLY_CLOSED: [&str; 20] = [
        "area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "p", "li", "td", "th", "tr", "dd",
        "dt", "option",
    ];
    let mut open: HashMap<String, usize> = HashMap::new();
    let mut sum = 0_usize;
    for tag in html.split('<').skip(1) {
        let (closes, tag) = tag.strip_prefix('/').map_or((false, tag), |tag| (true, tag));
        let end = tag.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(tag.len()).min(20);
        let name = tag[..end].to_ascii_lowercase();
        if name.is_empty() || IMPLICITLY_CLOSED.contains(&name.as_str()) {
            continue;
        }
        // Counted per name: a closing tag of another name closes nothing.
        let count = open.entry(name).or_default();
        if closes && *count > 0 {
            (*count, sum) = (*count - 1, sum - 1);
        } else if !closes {
            (*count, sum) = (*count + 1, sum + 1);
        }
        if sum > MAX_OPEN_TAGS {
            return true;
        }
    }
    false
}

/// Whether a branch of the tree is deeper than the converter may walk.
fn is_too_deep(tree: &Rc<Node>) -> bool {
    let mut level = vec![tree.clone()];
    for _ in 0..MAX_DEPTH {
        level = level.iter().flat_map(|node| node.children.borrow().clone()).collect();
        if level.is_empty() {
            return false;
        }
    }
    true
}

/// The text without its tags.
#[must_use]
pub fn plain_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    for (index, part) in html.split('<').enumerate() {
        let visible = if index == 0 { part } else { part.split_once('>').map_or("", |(_, rest)| rest) };
        text.push_str(visible);
    }
    text.trim().to_owned()
}

/// Decodes character references (`&amp;`, `&#8211;`) once. Anything else stays as it is.
#[must_use]
pub fn decode_references(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let reference = part.split_once(';').filter(|(name, _)| (1..=MAX_REFERENCE_LENGTH).contains(&name.len()));
        let resolved = reference.and_then(|(name, rest)| Some((unescape(&format!("&{name};")).ok()?.into_owned(), rest)));
        match resolved {
            Some((character, rest)) => plain.extend([character.as_str(), rest]),
            None => plain.extend(["&", part]),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_become_markdown_and_dropped_ones_are_counted() {
        let html = r#"<h2 id="x">A &amp; B</h2><p>One <strong>two</strong> <a href="/c">three</a><br>four</p>
            <ul><li>a</li><li>b<ol><li>c</li></ol></li></ul>
            <pre><code class="language-rust hljs">fn main() {
    println!("&lt;");
}
</code></pre>
            <table><thead><tr><th>H</th><th>I</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>
            <iframe src="https://youtube.com"></iframe><script>alert(1)</script><script>2</script><blockquote><p>q</p></blockquote>"#;
        let (markdown, notes) = to_markdown(html);
        for part in ["## A & B", "One **two** [three](/c)", "- a", "```rust\nfn main() {\n    println!(\"<\");\n}\n```", "| 1", "> q"] {
            assert!(markdown.contains(part), "{part:?} is missing in:\n{markdown}");
        }
        assert!(!markdown.contains("alert"), "{markdown}");
        assert_eq!(notes.iter().map(|n| n.detail.as_str()).collect::<Vec<_>>(), ["1 <iframe>", "2 <script>"]);
    }

    #[test]
    fn character_references_are_decoded_once() {
        for (text, plain) in [
            ("Q&amp;A &#8220;x&#x201D; &hellip;", "Q&A “x” …"),
            ("&amp;lt; R&D; &nosuch; &; & &#xZ; AT&T", "&lt; R&D; &nosuch; &; & &#xZ; AT&T"),
            ("&eacute;", "é"),
        ] {
            assert_eq!(decode_references(text), plain);
        }
    }

    #[test]
    fn pre_without_a_code_tag_becomes_a_code_block() {
        let html = "<p>Before</p><pre class=\"brush: sql\">SELECT *\n  FROM __t__\n\n  WHERE a &lt; 5; -- ```\n</pre><p>After</p>";
        let expected = "Before\n\n````sql\nSELECT *\n  FROM __t__\n\n  WHERE a < 5; -- ```\n````\n\nAfter";
        assert_eq!(to_markdown(html), (expected.to_owned(), Vec::new()));
        let quoted = to_markdown("<blockquote><pre>a\n\n  b</pre></blockquote><ul><li>x<pre># c\n\n  d</pre></li></ul>").0;
        assert_eq!(quoted, "> ```\n> a\n> \n>   b\n> ```\n\n- x\n\n  ```\n  # c\n\n    d\n  ```");
    }

    #[test]
    fn hostile_nesting_is_converted_in_bounded_time() {
        for html in [
            "<div>".repeat(200_000),
            "<p>".repeat(50_000),
            "<b><p>".repeat(20_000),
            "<li>".repeat(50_000),
            "<table>".repeat(20_000),
            "<div><table></div>".repeat(20_000),
            "<pre>".repeat(50_000),
            "<?".repeat(50_000),
            "<?a>".repeat(50_000),
            "</p".repeat(50_000),
            "<a b=\"".repeat(50_000),
        ] {
            let _ = to_markdown(&(html + "x"));
        }
    }
}
