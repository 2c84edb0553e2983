//! Converts the items of a `WordPress` export (WXR) into import lines, one after another.

use std::collections::{BTreeMap, HashMap};
use std::io::BufRead;

use serde_json::{Map, Value};

use crate::domain::draft::{MAX_AUTHORS, MAX_TAGS};
use crate::domain::slug::Slug;
use crate::domain::text::{MAX_EXCERPT, MAX_TITLE};
use crate::exchange::names::{SlugList, TermReferences, term, to_slug};
use crate::exchange::wxr;
use crate::exchange::wxr::{WxrItem, WxrPart};
use crate::exchange::{ConversionNote, ConvertedLine, autop, code, dates, html, is_blank, remove_nul, set, truncate_with_note};

/// The line of a post, or its name and what is wrong with it.
pub type WordPressResult = Result<ConvertedLine, (String, String)>;

/// The names of authors and the descriptions of terms, from the start of the file.
#[derive(Debug, Default)]
struct Channel {
    authors: HashMap<String, String>,
    descriptions: HashMap<(&'static str, String), String>,
}

/// Calls `on_line` for every post and page. Returns how many items of each other type or status were skipped.
///
/// # Errors
/// When the XML is invalid; earlier lines stay valid.
pub fn read(
    source: impl BufRead,
    default_category: &Slug,
    mut on_line: impl FnMut(WordPressResult),
) -> Result<BTreeMap<String, usize>, String> {
    let mut channel = Channel::default();
    let mut skipped = BTreeMap::new();
    wxr::read(source, |part| match part {
        WxrPart::Author { login, name } => drop(channel.authors.insert(login, html::decode_references(&name))),
        WxrPart::Term { domain, nicename, description } if !is_blank(&description) => {
            channel.descriptions.insert((domain, to_slug(&decode_percent(&nicename))), html::decode_references(&description));
        }
        WxrPart::Term { .. } => {}
        WxrPart::Item(item) => {
            let kind = item.text("wp:post_type").unwrap_or("post");
            let status = item.text("wp:status").unwrap_or("publish");
            if !matches!(kind, "post" | "page") {
                *skipped.entry(kind.to_owned()).or_default() += 1;
            } else if matches!(status, "trash" | "auto-draft" | "inherit") {
                *skipped.entry(status.to_owned()).or_default() += 1;
            } else {
                on_line(convert_item(&item, &channel, default_category.as_str()));
            }
        }
    })?;
    Ok(skipped)
}

fn convert_item(item: &WxrItem, channel: &Channel, default_category: &str) -> WordPressResult {
    let id = item.text("wp:post_id").unwrap_or("?");
    let name = format!("wordpress:{id}");
    let mut notes = Vec::new();
    let mut line = Map::new();
    let title = remove_nul(html::decode_references(item.text("title").unwrap_or("Untitled")), &mut notes);
    let slug = item.text("wp:post_name").map_or_else(|| Slug::derive(&title).into_string(), |name| to_slug(&decode_percent(name)));
    let own_slug = format!("{slug}-{}", if item.text("wp:post_type") == Some("page") { "page" } else { id });
    line.insert("slug".to_owned(), Value::from(slug));
    line.insert("title".to_owned(), Value::from(truncate_with_note(&title, MAX_TITLE, "title-cut", &mut notes)));
    if let Some(excerpt) = item.text("excerpt:encoded") {
        let excerpt = html::decode_references(&html::plain_text(&autop::render_page(excerpt)));
        set(&mut line, "excerpt", Value::from(truncate_with_note(&excerpt, MAX_EXCERPT, "excerpt-cut", &mut notes)));
    }
    let (content, code_notes) = code::normalize_code(item.text("content:encoded").unwrap_or(""), true);
    let (body, more) = html::to_markdown(&autop::render_page(&content));
    notes.extend(code_notes.into_iter().chain(more));
    let body = remove_nul(body, &mut notes);
    if is_blank(&body) {
        return Err((name, format!("{title:?} has no text")));
    }
    let shortcodes = autop::count_shortcodes(&content);
    if shortcodes > 0 {
        notes.push(ConversionNote::new("wordpress-shortcodes", format!("{shortcodes} shortcodes kept as text")));
    }
    line.insert("body_markdown".to_owned(), Value::from(body));
    let mut terms = TermReferences::default();
    convert_terms(item, channel, default_category, &mut line, &mut terms, &mut notes);
    let meta = convert_meta(item);
    if !meta.is_empty() {
        line.insert("extra".to_owned(), Map::from_iter([("wordpress".to_owned(), Value::from(meta))]).into());
    }
    convert_publication(item, &mut line, &mut notes);
    set(&mut line, "terms", terms.into_value());
    Ok(ConvertedLine { name, own_slug, item: line.into(), notes })
}

/// An export percent-encodes slugs that are not Latin.
fn decode_percent(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        let code =
            digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit())).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| name.to_owned())
}

fn convert_terms(
    item: &WxrItem,
    channel: &Channel,
    default_category: &str,
    line: &mut Map<String, Value>,
    terms: &mut TermReferences,
    notes: &mut Vec<ConversionNote>,
) {
    let (mut categories, mut tags, mut authors) = (SlugList::default(), SlugList::default(), SlugList::default());
    for (domain, list) in [("category", &mut categories), ("post_tag", &mut tags)] {
        for category in item.categories.iter().filter(|category| category.domain == domain) {
            let name = html::decode_references(&category.name);
            let nicename = if is_blank(&category.nicename) { &name } else { &category.nicename };
            let slug = to_slug(&decode_percent(nicename));
            let description = channel.descriptions.get(&(domain, slug.clone())).map_or("", String::as_str);
            let name = if is_blank(&name) { slug.as_str() } else { name.as_str() };
            let term = term(&slug, name, description);
            list.add_term(slug.clone(), name, Some(term), notes);
        }
    }
    if categories.slugs.is_empty() {
        notes.push(ConversionNote::new("category-default", format!("the post has no category; {default_category} was used")));
        categories.slugs.push(default_category.to_owned());
    }
    let category = categories.slugs.remove(0);
    if !categories.slugs.is_empty() {
        notes.push(ConversionNote::new(
            "categories-to-tags",
            format!("an insight has one category; the others became tags: {}", categories.slugs.join(", ")),
        ));
    }
    for term in categories.terms {
        let slug = term["slug"].as_str().unwrap_or("").to_owned();
        if slug == category {
            terms.category = Some(term);
        } else if !tags.slugs.contains(&slug) {
            tags.slugs.push(slug);
            tags.terms.push(term);
        }
    }
    if let Some(login) = item.text("dc:creator") {
        let name = channel.authors.get(login).filter(|name| !is_blank(name)).map_or(login, String::as_str);
        let slug = to_slug(login);
        let term = term(&slug, name, "");
        authors.add_term(slug, name, Some(term), notes);
    }
    line.insert("category".to_owned(), Value::from(category));
    tags.limit(MAX_TAGS, "tags-limited", notes);
    authors.limit(MAX_AUTHORS, "authors-limited", notes);
    set(line, "tags", tags.slugs.into());
    set(line, "authors", authors.slugs.into());
    (terms.tags, terms.authors) = (tags.terms, authors.terms);
}

/// The author's own fields; keys with a leading underscore are internal. A repeated key becomes a list.
fn convert_meta(item: &WxrItem) -> Map<String, Value> {
    let mut meta = Map::new();
    for (key, value) in item.meta.iter().filter(|(key, _)| !key.is_empty() && !key.starts_with('_')) {
        let (key, value) = (key.replace('\0', ""), Value::from(value.replace('\0', "")));
        match meta.get_mut(&key) {
            None => drop(meta.insert(key, value)),
            Some(Value::Array(list)) => list.push(value),
            Some(one) => *one = Value::from(vec![one.take(), value]),
        }
    }
    meta
}

fn convert_publication(item: &WxrItem, line: &mut Map<String, Value>, notes: &mut Vec<ConversionNote>) {
    if item.text("wp:post_type") == Some("page") {
        notes.push(ConversionNote::new("page", "a page of the site, not a post"));
    }
    let written = item.text("wp:status").unwrap_or("publish");
    let mut status = if matches!(written, "publish" | "future") { "published" } else { "draft" };
    if !matches!(written, "publish" | "future" | "draft") {
        notes.push(ConversionNote::new("not-public", format!("the status is {written}; imported as a draft")));
    }
    if item.text("wp:post_password").is_some() {
        notes.push(ConversionNote::new("not-public", "protected by a password; imported as a draft"));
        status = "draft";
    }
    line.insert("status".to_owned(), Value::from(status));
    let written = ["wp:post_date_gmt", "wp:post_date"].map(|name| item.text(name));
    let [utc, local] = written.map(|text| text.and_then(dates::parse).map(|date| date.rfc3339));
    // The local date of a post that was never public is the day it was written.
    let date = utc.or_else(|| {
        let local = local.filter(|_| status == "published")?;
        notes.push(ConversionNote::new("zone-guessed", format!("{local} has no time zone and was read as UTC")));
        Some(local)
    });
    notes.extend(dates::date_note(status, date.as_deref(), written.into_iter().flatten().next()));
    set(line, "published_at", Value::from(date.unwrap_or_default()));
    if item.comments > 0 {
        notes.push(ConversionNote::new("comments-lost", format!("{} comments", item.comments)));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EXPORT: &str = r#"<?xml version="1.0" encoding="UTF-8" ?>
<!-- generator="WordPress/6.4" -->
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:wp="http://wordpress.org/export/1.2/"><channel>
<title>Site</title><wp:wxr_version>1.2</wp:wxr_version>
<wp:author><wp:author_id>1</wp:author_id><wp:author_login><![CDATA[ada]]></wp:author_login><wp:author_display_name><![CDATA[Ada L]]></wp:author_display_name></wp:author>
<wp:category><wp:category_nicename><![CDATA[dev]]></wp:category_nicename><wp:category_description><![CDATA[About dev]]></wp:category_description></wp:category>
<item><title>A &amp; B &#8211; C</title><link>https://x.example/?p=5</link><dc:creator><![CDATA[ada]]></dc:creator><description></description>
<content:encoded><![CDATA[<!-- wp:paragraph -->
<p>Hi [gallery ids="1"] <b>you</b> ]]]]><![CDATA[> end</p>
<!-- /wp:paragraph --><iframe src="x"></iframe>]]></content:encoded><excerpt:encoded><![CDATA[Ex <em>c</em>]]></excerpt:encoded>
<wp:post_id>5</wp:post_id><wp:post_date><![CDATA[2020-01-02 04:04:05]]></wp:post_date><wp:post_date_gmt><![CDATA[2020-01-02 03:04:05]]></wp:post_date_gmt>
<wp:post_name><![CDATA[a-b]]></wp:post_name><wp:status><![CDATA[publish]]></wp:status><wp:post_type><![CDATA[post]]></wp:post_type><wp:post_password></wp:post_password>
<category domain="category" nicename="dev"><![CDATA[Dev]]></category><category domain="category" nicename="r&amp;d"><![CDATA[R&D]]></category><category domain="post_tag" nicename="rust"><![CDATA[Rust]]></category>
<wp:postmeta><wp:meta_key><![CDATA[_edit_last]]></wp:meta_key><wp:meta_value><![CDATA[1]]></wp:meta_value></wp:postmeta>
<wp:postmeta><wp:meta_key><![CDATA[mood]]></wp:meta_key><wp:meta_value><![CDATA[good]]></wp:meta_value></wp:postmeta>
<wp:comment><wp:comment_id>9</wp:comment_id><wp:comment_content><![CDATA[x]]></wp:comment_content></wp:comment>
</item>
<item><title>Draft</title><content:encoded><![CDATA[One

Two]]></content:encoded><wp:post_id>6</wp:post_id><wp:post_date_gmt>0000-00-00 00:00:00</wp:post_date_gmt><wp:status>private</wp:status><wp:post_type>page</wp:post_type><wp:post_name>%e6%97%a5%e6%9c%ac</wp:post_name></item>
<item><title>pic</title><wp:post_type>attachment</wp:post_type></item>
<item><title>gone</title><wp:post_type>post</wp:post_type><wp:status>trash</wp:status></item>
<item><title>none</title><wp:post_id>8</wp:post_id><wp:post_type>post</wp:post_type><content:encoded/></item>
</channel></rss>"#;

    fn lines(xml: &str) -> (Vec<WordPressResult>, Result<BTreeMap<String, usize>, String>) {
        let mut lines = Vec::new();
        let end = read(xml.as_bytes(), &Slug::parse("general").unwrap(), |line| lines.push(line));
        (lines, end)
    }

    #[test]
    fn posts_and_pages_become_lines() {
        let (lines, skipped) = lines(EXPORT);
        let post = lines[0].as_ref().unwrap();
        let expected = json!({
            "slug": "a-b", "title": "A & B – C", "excerpt": "Ex c", "body_markdown": "Hi \\[gallery ids=\"1\"\\] **you** \\]\\]> end",
            "category": "dev", "tags": ["rust", "r-d"], "authors": ["ada"], "extra": { "wordpress": { "mood": "good" } },
            "status": "published", "published_at": "2020-01-02T03:04:05Z",
            "terms": { "category": { "slug": "dev", "name": "Dev", "description": "About dev" }, "tags": [{ "slug": "rust", "name": "Rust" }, { "slug": "r-d", "name": "R&D" }], "authors": [{ "slug": "ada", "name": "Ada L" }] }
        });
        assert_eq!(post.item, expected);
        let codes: Vec<_> = post.notes.iter().map(|n| n.code).collect();
        assert_eq!(codes, ["html-dropped", "wordpress-shortcodes", "categories-to-tags", "comments-lost"]);
        let draft = lines[1].as_ref().unwrap();
        assert_eq!(
            (&draft.item["body_markdown"], &draft.item["status"], &draft.item["slug"]),
            (&json!("One\n\nTwo"), &json!("draft"), &json!("ri-ben"))
        );
        assert_eq!(draft.notes.iter().map(|n| n.code).collect::<Vec<_>>(), ["category-default", "page", "not-public"]);
        assert_eq!(lines[2], Err(("wordpress:8".to_owned(), "\"none\" has no text".to_owned())));
        assert_eq!(skipped.unwrap(), BTreeMap::from([("attachment".to_owned(), 1), ("trash".to_owned(), 1)]));
    }

    /// The body of a post with this content, and the codes of its notes.
    fn body(content: &str) -> (String, Vec<&'static str>) {
        let xml = format!(
            "<rss><channel><item><title>T</title><wp:status>draft</wp:status><content:encoded><![CDATA[{content}]]></content:encoded></item></channel></rss>"
        );
        let post = lines(&xml).0.remove(0).unwrap();
        let codes = post.notes.iter().map(|note| note.code).filter(|code| *code != "category-default");
        (post.item["body_markdown"].as_str().unwrap().to_owned(), codes.collect())
    }

    #[test]
    fn code_becomes_code_blocks() {
        for (content, expected) in [
            (
                "Before\n\n<pre>SELECT *\n  FROM t\n\n  WHERE a &lt; 5;</pre>\n\nAfter",
                "Before\n\n```\nSELECT *\n  FROM t\n\n  WHERE a < 5;\n```\n\nAfter",
            ),
            (
                "<!-- wp:preformatted -->\n<pre class=\"wp-block-preformatted\">a\n  b\n\n  c</pre>\n<!-- /wp:preformatted -->",
                "```\na\n  b\n\n  c\n```",
            ),
            (
                "[code lang=\"php\"]<?php echo \"a\"; ?>[/code] after\n\n[sourcecode]x(); <!-- y -->\n\ny();[/sourcecode]",
                "```php\n<?php echo \"a\"; ?>\n```\n\nafter\n\n```\nx(); <!-- y -->\n\ny();\n```",
            ),
            (
                "<pre># restart\n* * * * * job __init__\n1. x [a b=\"c\"]</pre>",
                "```\n# restart\n* * * * * job __init__\n1. x [a b=\"c\"]\n```",
            ),
        ] {
            assert_eq!(body(content), (expected.to_owned(), Vec::new()));
        }
        assert_eq!(body("a <?php echo 1; ?> b [x y=\"1\"]").1, ["html-dropped", "wordpress-shortcodes"]);
    }

    /// A published post with these elements beside.
    fn post(elements: &str) -> ConvertedLine {
        let xml =
            format!("<rss><channel><item>{elements}<content:encoded>x</content:encoded><wp:post_id>1</wp:post_id></item></channel></rss>");
        lines(&xml).0.remove(0).unwrap()
    }

    #[test]
    fn character_references_in_names_are_decoded_once() {
        let named = post(
            "<title><![CDATA[Q&amp;A &#8220;x&#8221; &amp;lt;]]></title><excerpt:encoded><![CDATA[R&amp;D <em>e</em>]]></excerpt:encoded>\
             <category domain=\"category\" nicename=\"\"><![CDATA[News &amp; Co]]></category><category domain=\"post_tag\" nicename=\"rd\"><![CDATA[R&amp;D]]></category>",
        );
        assert_eq!((&named.item["title"], &named.item["excerpt"]), (&json!("Q&A “x” &lt;"), &json!("R&D e")));
        let terms = json!({ "category": { "slug": "news-co", "name": "News & Co" }, "tags": [{ "slug": "rd", "name": "R&D" }] });
        assert_eq!((&named.item["slug"], &named.item["terms"]), (&json!("q-a-x-lt"), &terms));
    }

    #[test]
    fn a_missing_date_is_noted() {
        for (dates, expected) in [
            ("", "there is no date; a new insight is published now"),
            (
                "<wp:post_date_gmt>0000-00-00 00:00:00</wp:post_date_gmt>",
                "\"0000-00-00 00:00:00\" is not a date; a new insight is published now",
            ),
            ("<wp:post_date>2024-01-05 12:00:00</wp:post_date>", "2024-01-05T12:00:00Z has no time zone and was read as UTC"),
            (
                "<wp:status>private</wp:status><wp:post_date_gmt>2024-01-05 12:00:00</wp:post_date_gmt>",
                "2024-01-05T12:00:00Z is lost: a draft has no date",
            ),
            ("<wp:status>draft</wp:status><wp:post_date>2024-01-05 12:00:00</wp:post_date>", ""),
        ] {
            let notes = post(&format!("<title>T</title>{dates}")).notes;
            assert_eq!(
                notes
                    .iter()
                    .map(|note| note.detail.as_str())
                    .find(|detail| detail.contains("date") || detail.contains("zone"))
                    .unwrap_or(""),
                expected
            );
        }
    }

    #[test]
    fn an_invalid_file_is_an_error() {
        for (xml, says) in
            [("", "no channel"), ("<rss><channel><item>", "ends before"), ("<rss><channel></rss>", "byte"), ("{}", "no channel")]
        {
            let (_, end) = lines(xml);
            assert!(end.as_ref().is_err_and(|e| e.contains(says)), "{xml}: {end:?}");
        }
        for end in 0..EXPORT.len() {
            if let Some(part) = EXPORT.get(..end) {
                assert!(lines(part).1.is_err(), "{end}");
            }
        }
    }
}
