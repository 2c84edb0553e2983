use proptest::prelude::*;

use super::tags::{HtmlToken, tokenize};
use super::*;
use crate::domain::markdown::render;

fn check(text: &str) -> Lint {
    lint(text, &render(text).toc)
}

fn warnings(text: &str) -> Vec<(&'static str, usize, String)> {
    check(text).warnings.into_iter().map(|warning| (warning.code, warning.line, warning.detail)).collect()
}

#[test]
fn every_rule_reports_a_line_and_a_detail() {
    for (text, expected) in [
        ("![](a.png)", &[("missing-alt", 1, "no alternative text: a.png")][..]),
        ("one\n\n> ![ ](a.png) ![b](b.png)", &[("missing-alt", 3, "no alternative text: a.png")]),
        ("![`code`](a.png) ![*b*](b.png) ![![c](c.png)](d.png)", &[]),
        ("![![](c.png)](d.png)", &[("missing-alt", 1, "no alternative text: d.png"), ("missing-alt", 1, "no alternative text: c.png")]),
        ("# a\n\n### b\n\n## c\n\n#### d", &[("heading-jump", 3, "h3 follows h1"), ("heading-jump", 7, "h4 follows h2")]),
        ("## a\n\n### b\n\n# c\n\n## d\n\n### e\n\n## f", &[]),
        ("### a", &[("heading-jump", 1, "the first heading is h3")]),
        ("# a\r\n\r\nb\r\n-\r\n\r\n[x](#c)", &[("dead-anchor", 6, "nothing here has the anchor #c")]),
        ("# a\rb\r\r[x](#c)", &[("dead-anchor", 4, "nothing here has the anchor #c")]),
        (
            "# The cause\n\n[a](#the-cause) [b](#) [c](#top) [d](x#gone) [e](#The-cause)",
            &[("dead-anchor", 3, "nothing here has the anchor #The-cause")],
        ),
        ("[x][ref]\n\n[ref]: #gone", &[("dead-anchor", 1, "nothing here has the anchor #gone")]),
        (
            "Note[^a.b], [again](#fn-a-b), <a href=\"#gone\">x</a>.\n\n[^a.b]: Text.",
            &[("dead-anchor", 1, "nothing here has the anchor #gone")],
        ),
        ("<h2 id=\"mine\">M</h2>\n\n[x](#mine)", &[]),
    ] {
        let expected: Vec<_> = expected.iter().map(|(code, line, detail)| (*code, *line, (*detail).to_owned())).collect();
        assert_eq!(warnings(text), expected, "{text:?}");
    }
}

#[test]
fn raw_html_without_effect_is_reported() {
    for (text, expected) in [
        ("a <b onclick=\"x()\" title=y>b</b>", &[(1, "onclick of <b>, title of <b>")][..]),
        ("a\n\n<script>\nif (a<b) { \"<i>\" }\n</script>\n\n<em>e</em>", &[(3, "<script>")]),
        ("a <!-- note --> b\n\n<!--\nlong\n-->\n", &[(1, "a comment"), (3, "a comment")]),
        ("<!---->\n\n<!-- a --- b -->\n", &[(1, "a comment"), (3, "a comment")]),
        ("<img src=\"https://x.example/a.png\" alt=\"a\">", &[(1, "src of <img>")]),
        ("> <div>\n> <blink>x</blink>\n> <p align=center>y</p>\n> </div>", &[(2, "<blink>"), (3, "align of <p>")]),
        ("<table border=1>\n<tr><td colspan=2>x</td></tr>\n</table>", &[(1, "border of <table>"), (2, "colspan of <td>")]),
        ("<a href=\"javascript:x\">y</a> <a\nhref=\"https://x.example\"\ntarget=_blank>z</a>", &[(1, "href of <a>"), (1, "target of <a>")]),
        ("<div class=\"wide\" id=\"x\">y</div>", &[(1, "class of <div>, id of <div>")]),
        ("<td>outside of a table</td>", &[(1, "<td>")]),
        ("<svg><path d=\"\"/></svg>", &[(1, "<svg>, <path>")]),
        ("<b>kept</b><IFRAME src=x><b></iframe><i>", &[(1, "<iframe>, <b>")]),
        ("<div title=\"\nx\n", &[(1, "<div without an end")]),
        ("<?php x ?>\n\n<!DOCTYPE html>\n", &[(1, "a comment"), (3, "a comment")]),
        ("![a <b>c</b>](a.png)", &[(1, "<b>")]),
    ] {
        let found: Vec<_> =
            warnings(text).into_iter().filter(|(code, ..)| *code == "stripped-html").map(|(_, line, detail)| (line, detail)).collect();
        let mut expected: Vec<_> = expected.iter().map(|(line, what)| (*line, format!("has no effect: {what}"))).collect();
        // Of one line there is one warning.
        expected.dedup_by(|next, one| {
            let same = next.0 == one.0;
            if same {
                one.1 = format!("{}, {}", one.1, next.1.trim_start_matches("has no effect: "));
            }
            same
        });
        assert_eq!(found, expected, "{text:?}");
    }
}

#[test]
fn raw_html_that_passes_the_sanitiser_is_not_reported() {
    for text in [
        "Press <kbd>Ctrl</kbd>+<KBD>A</KBD>, H<sub>2</sub>O<br/>x<br>y<hr>",
        "<details open>\n<summary>More</summary>\n\nText with <mark>mark</mark>.\n\n</details>",
        "<table>\n<caption>c</caption>\n<thead><tr><th>a</th></tr></thead>\n<tbody>\n<tr><td style=\"text-align: right\">x</td></tr>\n</tbody></table>",
        "<a href=\"https://x.example?a=1&b=2\" title='a > b'>x</a> <abbr title=\"<b>\">y</abbr>",
        "<p>a\n<div>b</div>\n<ol start=3><li>c<li>d</ol>\n<dl><dt>a<dd>b</dl>",
        "<b>a <i>b</b> c</i>\n\n<pre>\n&lt;x&gt;\n</pre>\n\n<h3>a</h3>",
        "a < b && c > d, `<script>`, <https://x.example>, 1<2\n\n    <script>\n\n```\n<iframe>\n```",
        "<blockquote>\n\n- <del>a</del>\n- > <ins>b</ins>\n\n</blockquote>\n\n| a |\n|---|\n| <small>x</small><br>y |",
    ] {
        assert_eq!(warnings(text), [], "{text}\n{}", render(text).html);
    }
}

#[test]
fn links_are_listed_in_order_and_once() {
    let text = "[a](https://a.example) <https://b.example> <c@d.example> [a](https://a.example)\n\n<a href=\"e?x=1&amp;y=&quot;2\">e</a> \
        [f][f] ![g](g.png) <a href=\"javascript:x\">no</a>\n\n## f\n\n[h](#f)\n\n[f]: f.html\n[unused]: u.html";
    assert_eq!(check(text).links, ["https://a.example", "https://b.example", "mailto:c@d.example", "e?x=1&y=\"2", "f.html", "#f"]);
}

#[test]
fn warnings_are_limited_in_number_and_length() {
    let text = format!("{}\n\n![](x{})", "![](a.png) [x](#y) <u>\n".repeat(1_000), "y".repeat(100_000));
    let found = check(&text).warnings;
    assert_eq!(found.len(), MAX_WARNINGS);
    assert!(found.windows(2).all(|two| two[0].line <= two[1].line));
    let long = format!("<{} {}=1>", "x".repeat(10_000), "y".repeat(10_000));
    assert!(warnings(&long)[0].2.len() < 1_000);
    assert!(warnings(&format!("<b {}>", (0..1_000).map(|n| format!(" a{n}")).collect::<Vec<_>>().concat()))[0].2.len() < 1_000);
}

/// What costs a renderer much must not cost the lint more than its length either.
#[test]
fn hostile_texts_take_linear_time() {
    for text in [
        "![".repeat(10_000),
        format!("{}x{}", "![a ".repeat(4_000), "](y)".repeat(4_000)),
        "<b>".repeat(10_000),
        "<b title=\"\n\n".repeat(2_000),
        "<div>\n".repeat(6_000),
        "<kbd>x</kbd> ".repeat(4_000),
        "<!--".repeat(10_000),
        "<!-- -- ".repeat(6_000),
        "<script>".repeat(6_000),
        "</".repeat(20_000),
        "<a href=\"#x\">y</a>\n".repeat(4_000),
        format!("{}{}", "# a\n".repeat(4_000), "[x](#y)\n".repeat(4_000)),
        "<".repeat(60_000),
        "<div>&&&&&&&&&\n".repeat(2_000),
        "<br>".repeat(12_000),
    ] {
        assert!(check(&text).warnings.len() <= MAX_WARNINGS);
    }
}

#[test]
fn html_is_tokenized_as_in_browsers() {
    for (html, expected) in [
        ("<a b=1 c = '>' d/e=\">\">x", &["<a b=1 c=> d= e=>>", "."][..]),
        ("<A =x y=a/b>", &["<a =x= y=a/b>"]),
        ("<!-->x<!--->y<!-- a --!>z<!--a--->é<!--b> -- >", &["!", ".", "!", ".", "! a ", ".", "!a-", ".", "!b> -- >"]),
        ("<!x><?y></ z>1 < 2 <3", &["!!x", "!?y", "!/ z", "."]),
        ("<title><b></TITLE ><b>", &["<title>", ".", ".", "<b>"]),
        ("<b c", &["?b"]),
        ("é<é<x é=ü>", &[".", "<x é=ü>"]),
    ] {
        let shown = |piece: HtmlToken<'_>| match piece {
            HtmlToken::Start(tag) => {
                let attributes = tag.attributes.iter().flat_map(|(name, value)| [" ", name, "=", value]).collect::<String>();
                format!("<{}{attributes}>", tag.name)
            }
            HtmlToken::Comment(text) => format!("!{text}"),
            HtmlToken::Unfinished(name) => format!("?{name}"),
            HtmlToken::Other => ".".to_owned(),
        };
        assert_eq!(tokenize(html).map(|(_, piece)| shown(piece)).collect::<Vec<_>>(), expected, "{html}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pieces_follow_each_other(html in "(<|>|/|!|-|--|\\?|=|\"|'| |\n|b|é|script|</script){0,40}") {
        let mut at = 0;
        for (range, _) in tokenize(&html) {
            prop_assert!(range.start == at && range.end > at);
            at = range.end;
        }
        prop_assert_eq!(at, html.len());
    }

    #[test]
    fn any_text_is_linted(text in "([#!<>\\[\\]()/=\"'-]|<b>|<td>|</b>|<table>|\\[x\\]\\(#y\\)|a|é| |\n|\n\n|\r\n|<!--|-->|<svg>|`|> |- ){0,40}") {
        let found = check(&text);
        prop_assert!(found.warnings.iter().all(|warning| warning.line <= text.len() + 1));
    }
}
