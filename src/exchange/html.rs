//! Turns HTML into Markdown, and counts what Markdown has no place for.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use htmd::element_handler::Handlers;
use htmd::options::{BulletListMarker, HrStyle, Options};
use htmd::{Element, HtmlToMarkdown, Node};
use quick_xml::escape::unescape;

use crate::exchange::{ConversionNote, code};

/// What is dropped with everything in it.
const DROPPED: [&str; 9] = ["iframe", "script", "style", "video", "audio", "embed", "object", "form", "noscript"];

/// More tags than this without their ends, and the parser would take minutes.
const MOST_OPEN: usize = 1_000;

/// The converter walks the tree by recursion; no text that people wrote is nested as deep as this.
const DEEPEST: usize = 256;

/// No name of a character is longer.
const LONGEST_REFERENCE: usize = 32;

/// HTML as Markdown, with one note for each kind of element that was dropped.
#[must_use]
pub fn to_markdown(html: &str) -> (String, Vec<ConversionNote>) {
    // The converter knows code by `<pre><code>` alone.
    let (html, gone) = code::in_blocks(html, false);
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
        .add_handler(DROPPED.to_vec(), move |_: &dyn Handlers, element: Element| {
            *counter.lock().unwrap_or_else(PoisonError::into_inner).entry(element.tag.to_owned()).or_default() += 1;
            None
        })
        .build();
    let too_deep = || {
        (plain_text(html), vec![ConversionNote::new("html-too-deep", format!("nested more than {DEEPEST} deep; only the text was kept"))])
    };
    let tree = if stay_open(html) { None } else { Some(converter.html_to_tree(html)) };
    let (markdown, more) = match tree {
        None => too_deep(),
        Some(Ok(tree)) if is_too_deep(&tree) => too_deep(),
        Some(Ok(tree)) => (converter.tree_to_markdown(&tree), Vec::new()),
        Some(Err(e)) => (plain_text(html), vec![ConversionNote::new("html-unreadable", format!("only the text was kept: {e}"))]),
    };
    let mut notes = [gone, more].concat();
    for (tag, count) in counts.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        notes.push(ConversionNote::new("html-dropped", format!("{count} <{tag}>")));
    }
    (markdown, notes)
}

/// Whether at any place too many tags are open. Those that HTML closes by itself do not count.
fn stay_open(html: &str) -> bool {
    const CLOSED_BY_ITSELF: [&str; 20] = [
        "area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "p", "li", "td", "th", "tr", "dd",
        "dt", "option",
    ];
    let mut open: HashMap<String, usize> = HashMap::new();
    let mut sum = 0_usize;
    for tag in html.split('<').skip(1) {
        let (closes, tag) = tag.strip_prefix('/').map_or((false, tag), |tag| (true, tag));
        let end = tag.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(tag.len()).min(20);
        let name = tag[..end].to_ascii_lowercase();
        if name.is_empty() || CLOSED_BY_ITSELF.contains(&name.as_str()) {
            continue;
        }
        // Each name on its own: a closing tag of another name closes nothing.
        let count = open.entry(name).or_default();
        if closes && *count > 0 {
            (*count, sum) = (*count - 1, sum - 1);
        } else if !closes {
            (*count, sum) = (*count + 1, sum + 1);
        }
        if sum > MOST_OPEN {
            return true;
        }
    }
    false
}

/// Whether any branch of the tree is longer than the converter may walk.
fn is_too_deep(tree: &Rc<Node>) -> bool {
    let mut level = vec![tree.clone()];
    for _ in 0..DEEPEST {
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
    for (place, part) in html.split('<').enumerate() {
        let visible = if place == 0 { part } else { part.split_once('>').map_or("", |(_, rest)| rest) };
        text.push_str(visible);
    }
    text.trim().to_owned()
}

/// The text with its references to characters (`&amp;`, `&#8211;`) resolved, once. What is none stays as it is.
#[must_use]
pub fn decoded(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let reference = part.split_once(';').filter(|(name, _)| (1..=LONGEST_REFERENCE).contains(&name.len()));
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
    fn what_markdown_knows_is_kept_and_the_rest_counted() {
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
    fn references_are_resolved_once() {
        for (text, plain) in [
            ("Q&amp;A &#8220;x&#x201D; &hellip;", "Q&A “x” …"),
            ("&amp;lt; R&D; &nosuch; &; & &#xZ; AT&T", "&lt; R&D; &nosuch; &; & &#xZ; AT&T"),
            ("&eacute;", "é"),
        ] {
            assert_eq!(decoded(text), plain);
        }
    }

    #[test]
    fn code_without_a_code_tag_is_code() {
        let html = "<p>Before</p><pre class=\"brush: sql\">SELECT *\n  FROM __t__\n\n  WHERE a &lt; 5; -- ```\n</pre><p>After</p>";
        let wanted = "Before\n\n````sql\nSELECT *\n  FROM __t__\n\n  WHERE a < 5; -- ```\n````\n\nAfter";
        assert_eq!(to_markdown(html), (wanted.to_owned(), Vec::new()));
        let quoted = to_markdown("<blockquote><pre>a\n\n  b</pre></blockquote><ul><li>x<pre># c\n\n  d</pre></li></ul>").0;
        assert_eq!(quoted, "> ```\n> a\n> \n>   b\n> ```\n\n- x\n\n  ```\n  # c\n\n    d\n  ```");
    }

    #[test]
    fn hostile_nesting_is_not_walked() {
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
