//! Turns the items of a `WordPress` export (WXR) into import lines, one after another.

use std::collections::{BTreeMap, HashMap};
use std::io::BufRead;

use serde_json::{Map, Value};

use crate::domain::draft::{MAX_AUTHORS, MAX_TAGS};
use crate::domain::slug::Slug;
use crate::domain::text::{MAX_EXCERPT, MAX_TITLE};
use crate::exchange::names::{SlugList, TermReferences, slug_of, term};
use crate::exchange::wxr;
use crate::exchange::wxr::{WxrItem, WxrPart};
use crate::exchange::{ConversionNote, ConvertedLine, autop, code, cut, dates, html, is_blank, set, without_nul};

/// A post's line, or its name and what is wrong with it.
pub type WordPressResult = Result<ConvertedLine, (String, String)>;

/// What the channel says about the names in its items.
#[derive(Debug, Default)]
struct Channel {
    authors: HashMap<String, String>,
    descriptions: HashMap<(&'static str, String), String>,
}

/// Calls `each` for every post and page, and answers how many items of which other type or status were skipped.
///
/// # Errors
/// When the XML is broken; what was called back before stays valid.
pub fn read(
    source: impl BufRead,
    default_category: &Slug,
    mut each: impl FnMut(WordPressResult),
) -> Result<BTreeMap<String, usize>, String> {
    let mut channel = Channel::default();
    let mut skipped = BTreeMap::new();
    wxr::read(source, |part| match part {
        WxrPart::Author { login, name } => drop(channel.authors.insert(login, html::decoded(&name))),
        WxrPart::Term { domain, nicename, description } if !is_blank(&description) => {
            channel.descriptions.insert((domain, slug_of(&decoded(&nicename))), html::decoded(&description));
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
                each(line(&item, &channel, default_category.as_str()));
            }
        }
    })?;
    Ok(skipped)
}

fn line(item: &WxrItem, channel: &Channel, default_category: &str) -> WordPressResult {
    let id = item.text("wp:post_id").unwrap_or("?");
    let name = format!("wordpress:{id}");
    let mut notes = Vec::new();
    let mut line = Map::new();
    let title = without_nul(html::decoded(item.text("title").unwrap_or("Untitled")), &mut notes);
    let slug = item.text("wp:post_name").map_or_else(|| Slug::derive(&title).into_string(), |name| slug_of(&decoded(name)));
    let own_slug = format!("{slug}-{}", if item.text("wp:post_type") == Some("page") { "page" } else { id });
    line.insert("slug".to_owned(), Value::from(slug));
    line.insert("title".to_owned(), Value::from(short(&title, MAX_TITLE, "title-cut", &mut notes)));
    if let Some(excerpt) = item.text("excerpt:encoded") {
        let excerpt = html::decoded(&html::plain_text(&autop::page(excerpt)));
        set(&mut line, "excerpt", Value::from(short(&excerpt, MAX_EXCERPT, "excerpt-cut", &mut notes)));
    }
    let (content, gone) = code::in_blocks(item.text("content:encoded").unwrap_or(""), true);
    let (body, more) = html::to_markdown(&autop::page(&content));
    notes.extend(gone.into_iter().chain(more));
    let body = without_nul(body, &mut notes);
    if is_blank(&body) {
        return Err((name, format!("{title:?} has no text")));
    }
    let shortcodes = autop::shortcodes(&content);
    if shortcodes > 0 {
        notes.push(ConversionNote::new("wordpress-shortcodes", format!("{shortcodes} shortcodes kept as text")));
    }
    line.insert("body_markdown".to_owned(), Value::from(body));
    let mut terms = TermReferences::default();
    classify(item, channel, default_category, &mut line, &mut terms, &mut notes);
    let meta = meta(item);
    if !meta.is_empty() {
        line.insert("extra".to_owned(), Map::from_iter([("wordpress".to_owned(), Value::from(meta))]).into());
    }
    publication(item, &mut line, &mut notes);
    set(&mut line, "terms", terms.into_value());
    Ok(ConvertedLine { name, own_slug, item: line.into(), notes })
}

fn short(text: &str, max: usize, code: &'static str, notes: &mut Vec<ConversionNote>) -> String {
    let (short, was_cut) = cut(text, max);
    if was_cut {
        notes.push(ConversionNote::new(code, format!("cut at {max} characters")));
    }
    short
}

/// Names that are not Latin stand percent-encoded in an export.
fn decoded(name: &str) -> String {
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

fn classify(
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
            let name = html::decoded(&category.name);
            let nicename = if is_blank(&category.nicename) { &name } else { &category.nicename };
            let slug = slug_of(&decoded(nicename));
            let description = channel.descriptions.get(&(domain, slug.clone())).map_or("", String::as_str);
            let name = if is_blank(&name) { slug.as_str() } else { name.as_str() };
            let meaning = term(&slug, name, description);
            list.add_term(slug.clone(), name, Some(meaning), notes);
        }
    }
    if categories.slugs.is_empty() {
        notes.push(ConversionNote::new("category-default", format!("no category was given; {default_category} was taken")));
        categories.slugs.push(default_category.to_owned());
    }
    let category = categories.slugs.remove(0);
    if !categories.slugs.is_empty() {
        notes.push(ConversionNote::new(
            "categories-to-tags",
            format!("an insight has one category; now tags: {}", categories.slugs.join(", ")),
        ));
    }
    for meaning in categories.terms {
        let slug = meaning["slug"].as_str().unwrap_or("").to_owned();
        if slug == category {
            terms.category = Some(meaning);
        } else if !tags.slugs.contains(&slug) {
            tags.slugs.push(slug);
            tags.terms.push(meaning);
        }
    }
    if let Some(login) = item.text("dc:creator") {
        let name = channel.authors.get(login).filter(|name| !is_blank(name)).map_or(login, String::as_str);
        let slug = slug_of(login);
        let meaning = term(&slug, name, "");
        authors.add_term(slug, name, Some(meaning), notes);
    }
    line.insert("category".to_owned(), Value::from(category));
    tags.limit(MAX_TAGS, "tags-limited", notes);
    authors.limit(MAX_AUTHORS, "authors-limited", notes);
    set(line, "tags", tags.slugs.into());
    set(line, "authors", authors.slugs.into());
    (terms.tags, terms.authors) = (tags.terms, authors.terms);
}

/// What the writer's own fields say; keys with an underscore are the machine's. A key that comes twice is a list.
fn meta(item: &WxrItem) -> Map<String, Value> {
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

fn publication(item: &WxrItem, line: &mut Map<String, Value>, notes: &mut Vec<ConversionNote>) {
    if item.text("wp:post_type") == Some("page") {
        notes.push(ConversionNote::new("page", "a page of the site, not a post"));
    }
    let written = item.text("wp:status").unwrap_or("publish");
    let mut status = if matches!(written, "publish" | "future") { "published" } else { "draft" };
    if !matches!(written, "publish" | "future" | "draft") {
        notes.push(ConversionNote::new("not-public", format!("the status is {written}; taken as a draft")));
    }
    if item.text("wp:post_password").is_some() {
        notes.push(ConversionNote::new("not-public", "behind a password; taken as a draft"));
        status = "draft";
    }
    line.insert("status".to_owned(), Value::from(status));
    let written = ["wp:post_date_gmt", "wp:post_date"].map(|name| item.text(name));
    let [utc, local] = written.map(|text| text.and_then(dates::parse).map(|date| date.rfc3339));
    // The local date of what never was public is the day of its writing.
    let date = utc.or_else(|| {
        let local = local.filter(|_| status == "published")?;
        notes.push(ConversionNote::new("zone-guessed", format!("{local} names no zone and was read as UTC")));
        Some(local)
    });
    notes.extend(dates::note(status, date.as_deref(), written.into_iter().flatten().next()));
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
    fn an_export_becomes_lines() {
        let (lines, skipped) = lines(EXPORT);
        let post = lines[0].as_ref().unwrap();
        let wanted = json!({
            "slug": "a-b", "title": "A & B – C", "excerpt": "Ex c", "body_markdown": "Hi \\[gallery ids=\"1\"\\] **you** \\]\\]> end",
            "category": "dev", "tags": ["rust", "r-d"], "authors": ["ada"], "extra": { "wordpress": { "mood": "good" } },
            "status": "published", "published_at": "2020-01-02T03:04:05Z",
            "terms": { "category": { "slug": "dev", "name": "Dev", "description": "About dev" }, "tags": [{ "slug": "rust", "name": "Rust" }, { "slug": "r-d", "name": "R&D" }], "authors": [{ "slug": "ada", "name": "Ada L" }] }
        });
        assert_eq!(post.item, wanted);
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
    fn code_comes_as_code() {
        for (content, wanted) in [
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
            assert_eq!(body(content), (wanted.to_owned(), Vec::new()));
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
    fn names_are_decoded_once() {
        let named = post(
            "<title><![CDATA[Q&amp;A &#8220;x&#8221; &amp;lt;]]></title><excerpt:encoded><![CDATA[R&amp;D <em>e</em>]]></excerpt:encoded>\
             <category domain=\"category\" nicename=\"\"><![CDATA[News &amp; Co]]></category><category domain=\"post_tag\" nicename=\"rd\"><![CDATA[R&amp;D]]></category>",
        );
        assert_eq!((&named.item["title"], &named.item["excerpt"]), (&json!("Q&A “x” &lt;"), &json!("R&D e")));
        let terms = json!({ "category": { "slug": "news-co", "name": "News & Co" }, "tags": [{ "slug": "rd", "name": "R&D" }] });
        assert_eq!((&named.item["slug"], &named.item["terms"]), (&json!("q-a-x-lt"), &terms));
    }

    #[test]
    fn a_date_that_is_missing_is_told() {
        for (dates, told) in [
            ("", "there is no date; what is new is published now"),
            (
                "<wp:post_date_gmt>0000-00-00 00:00:00</wp:post_date_gmt>",
                "\"0000-00-00 00:00:00\" is no date; what is new is published now",
            ),
            ("<wp:post_date>2024-01-05 12:00:00</wp:post_date>", "2024-01-05T12:00:00Z names no zone and was read as UTC"),
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
                told
            );
        }
    }

    #[test]
    fn broken_files_end_with_a_sentence() {
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
