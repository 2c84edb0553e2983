use super::*;

#[test]
fn a_tag_with_thousands_of_attributes_is_shown_as_text() {
    let tag = format!("<b {}>x</b>", (0..60_000).map(|n| format!("a{n}")).collect::<Vec<_>>().join(" "));
    assert!(render(&tag).html.contains("&lt;b a0 a1"));
}

#[test]
fn tables_task_lists_footnotes_and_code_are_kept() {
    let rendered =
        render("| a | b |\n|--:|---|\n| 1 | 2 |\n\n- [x] done\n- [ ] open\n\nText[^n].\n\n[^n]: Note.\n\n```rust\nlet x = 1 < 2;\n```\n");
    for piece in [
        r#"<th style="text-align: right">a</th>"#,
        r#"type="checkbox""#,
        "<a href=\"#fn-n\"",
        r#"id="fn-n""#,
        r#"<code class="language-rust">let x = 1 &lt; 2;"#,
    ] {
        assert!(rendered.html.contains(piece), "{piece} in {}", rendered.html);
    }
}

#[test]
fn anchors_derive_from_words_and_survive_edits_elsewhere() {
    let before = render("## The `cause`\n\ntext\n\n## The cause\n");
    let after = render("## New first\n\n## The `cause`\n\nother text\n\n## The cause\n");
    let ids = |r: &Rendered| r.toc.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&before), ["the-cause", "the-cause-2"]);
    assert_eq!(ids(&after), ["new-first", "the-cause", "the-cause-2"]);
    assert!(before.html.contains(r#"<h2 id="the-cause-2">"#));
}

#[test]
fn images_come_from_markdown_only() {
    let rendered = render(
        "![a](https://x.example/a.png) ![b](pics/b.png) ![c](javascript:alert(1)) ![d](x\"onerror=1) ![e](//e.example/x)\n\n<img src=\"https://x.example/raw.png\" onerror=\"alert(1)\">\n",
    );
    assert!(rendered.html.contains(r#"src="https://x.example/a.png""#), "{}", rendered.html);
    assert!(rendered.html.contains(r#"src="pics/b.png""#), "{}", rendered.html);
    for piece in ["javascript", "onerror", "raw.png", "e.example"] {
        assert!(!rendered.html.contains(piece), "{piece} in {}", rendered.html);
    }
}

#[test]
fn links_have_no_opener_and_no_referrer() {
    let html = render("[out](https://x.example) <https://y.example> [no](javascript:alert(1)) [mail](mailto:a@b.example)").html;
    assert!(html.contains(r#"<a href="https://x.example" rel="noopener noreferrer">out</a>"#), "{html}");
    assert!(!html.contains("javascript"), "{html}");
}

#[test]
fn words_have_a_letter_or_a_digit() {
    let rendered = render("# One two\n\nthree *four* `five`\n\n- six\n- seven — eight\n\n```\nnine = 10\n```\n");
    assert_eq!(rendered.word_count, 10, "{:?}", rendered.plain);
    assert_eq!(rendered.reading_minutes, 1);
    let long = "word ".repeat(238 * 3 + 120);
    assert_eq!(render(&long).reading_minutes, 4);
}

#[test]
fn the_excerpt_is_the_first_paragraph_truncated_after_a_word() {
    assert_eq!(render("# Title\n\n> quote\n\nFirst *one*,\nstill first.\n\nSecond.").excerpt, "First one, still first.");
    let excerpt = render(&"abcdefghi ".repeat(40)).excerpt;
    assert!(excerpt.ends_with("abcdefghi…") && excerpt.chars().count() <= 200, "{excerpt}");
    assert_eq!(render("![only](a.png)").excerpt, "only");
}

/// Every one of these once cost seconds to minutes, or gigabytes.
#[test]
fn hostile_nesting_takes_linear_time() {
    let many = |text: &str, n: usize| text.repeat(n);
    let numbered = |n: usize| (0..n).map(|k| format!("<b title={k}>")).collect::<Vec<_>>().concat();
    for text in [
        many(">", 50_000),
        many("- ", 20_000),
        many("[", 50_000),
        many("<div>", 50_000),
        many("*a ", 50_000),
        format!("{}\n{}\n{}", many("<div>", 3_000), numbered(3_000), many("</div>x", 3_000)),
        format!("{}\n\n{}", numbered(400), many("text\n\n", 50_000)),
        many("<div><b title=\"\n\n\"><i>\n\n", 5_000),
        many("# a\n", 20_000),
        many("&", 100_000),
        many("& ", 100_000),
        many("a & b\n", 50_000),
        format!("`{}`", many("&", 50_000)),
        format!("<p>{}</p>", many("&", 50_000)),
    ] {
        let rendered = render(&text);
        assert!(rendered.html.len() < 40 * text.len() + 100_000, "{} bytes of HTML for {}", rendered.html.len(), text.len());
    }
}

#[test]
fn ordinary_raw_html_is_interpreted_and_too_much_is_escaped() {
    assert!(render("Press <kbd>Ctrl</kbd>.\n\n<details><summary>More</summary>\n\nText\n\n</details>").html.contains("<kbd>Ctrl</kbd>"));
    let shortcuts = render(&"Press <kbd>Ctrl</kbd>+<kbd>A</kbd>, or H<sub>2</sub>O<br>.\n\n".repeat(500)).html;
    assert!(shortcuts.contains("<kbd>A</kbd>") && !shortcuts.contains("&lt;"));
    assert!(render(&"<b>x ".repeat(2_000)).html.contains("&lt;b&gt;"));
}

#[test]
fn attributes_outside_the_allow_list_are_removed() {
    let html = render(
        "<q cite=\"javascript:x\">q</q> <b lang=x title=y style=z class=c>b</b> <table width=1><tr><td colspan=2>t</td></tr></table>",
    )
    .html;
    for attribute in ["cite", "lang", "title", "style", "class", "width", "colspan"] {
        assert!(!html.contains(attribute), "{attribute} in {html}");
    }
}

#[test]
fn ampersands_are_unchanged() {
    let text = "a & b &lt; `c && d` ".repeat(300);
    let html = render(&text).html;
    assert_eq!(html.matches("a &amp; b &lt; <code>c &amp;&amp; d</code>").count(), 300);
    assert!(!html.contains("<!--"));
}

#[test]
fn footnotes_of_different_names_have_different_anchors() {
    let html = render("One[^a.b], two[^a-b].\n\n[^a.b]: First.\n\n[^a-b]: Second.\n").html;
    assert!(html.contains("id=\"fn-a-b\"") && html.contains("id=\"fn-a-b-2\""), "{html}");
}
