//! Converts a Ghost export (JSON) into import lines.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::domain::draft::{MAX_AUTHORS, MAX_TAGS};
use crate::domain::slug::Slug;
use crate::domain::text;
use crate::domain::text::{MAX_EXCERPT, MAX_TITLE};
use crate::exchange::names::{SlugList, TermReferences, term, to_slug};
use crate::exchange::{ConversionNote, ConvertedLine, dates, html, is_blank, is_empty, remove_nul, set, truncate_with_note};

/// The line of a post, or its name and what is wrong with it.
pub type GhostResult = Result<ConvertedLine, (String, String)>;

/// The tables of an export, indexed by their lookup keys.
struct GhostTables<'a> {
    tags: HashMap<&'a str, &'a Value>,
    users: HashMap<&'a str, &'a Value>,
    meta: HashMap<&'a str, &'a Value>,
    post_tags: HashMap<&'a str, Vec<&'a Value>>,
    post_authors: HashMap<&'a str, Vec<&'a Value>>,
}

/// Converts every post and page.
///
/// # Errors
/// When the JSON is not a Ghost export.
pub fn lines(export: &Value, default_category: &Slug) -> Result<Vec<GhostResult>, String> {
    let data = export.pointer("/db/0/data").or_else(|| export.get("data")).ok_or("it has no db[0].data and no data")?;
    let posts = data.get("posts").and_then(Value::as_array).ok_or("it has no posts")?;
    let tables = GhostTables {
        tags: index_rows(data, "tags", "id"),
        users: index_rows(data, "users", "id"),
        meta: index_rows(data, "posts_meta", "post_id"),
        post_tags: group_by_post(data, "posts_tags"),
        post_authors: group_by_post(data, "posts_authors"),
    };
    Ok(posts.iter().map(|post| convert_post(post, &tables, default_category.as_str())).collect())
}

fn rows<'a>(data: &'a Value, table: &str) -> impl Iterator<Item = &'a Value> {
    data.get(table).and_then(Value::as_array).into_iter().flatten()
}

/// The rows of a table by a key.
fn index_rows<'a>(data: &'a Value, table: &str, key: &str) -> HashMap<&'a str, &'a Value> {
    rows(data, table).filter_map(|row| Some((row.get(key)?.as_str()?, row))).collect()
}

/// The rows of a join table by post, in their order.
fn group_by_post<'a>(data: &'a Value, table: &str) -> HashMap<&'a str, Vec<&'a Value>> {
    let mut groups: HashMap<&str, Vec<&Value>> = HashMap::new();
    for row in rows(data, table) {
        if let Some(post) = row.get("post_id").and_then(Value::as_str) {
            groups.entry(post).or_default().push(row);
        }
    }
    for rows in groups.values_mut() {
        rows.sort_by_key(|row| row.get("sort_order").and_then(Value::as_i64).unwrap_or(0));
    }
    groups
}

/// A text of a row, unless it is blank.
fn text_field<'a>(row: &'a Value, name: &str) -> Option<&'a str> {
    row.get(name).and_then(Value::as_str).filter(|text| !is_blank(text))
}

fn convert_post(post: &Value, tables: &GhostTables, default_category: &str) -> GhostResult {
    let id = text_field(post, "id").unwrap_or("");
    let name = format!("ghost:{}", text_field(post, "slug").unwrap_or(id));
    let mut notes = Vec::new();
    let mut item = Map::new();
    let title = remove_nul(text_field(post, "title").unwrap_or("Untitled").to_owned(), &mut notes);
    let slug = text_field(post, "slug").map_or_else(|| Slug::derive(&title).into_string(), to_slug);
    let own_slug = format!("{slug}-{}", if is_page(post) { "page" } else { id });
    item.insert("slug".to_owned(), Value::from(slug));
    item.insert("title".to_owned(), Value::from(truncate_with_note(&title, MAX_TITLE, "title-cut", &mut notes)));
    if let Some(excerpt) = text_field(post, "custom_excerpt") {
        item.insert("excerpt".to_owned(), Value::from(truncate_with_note(excerpt, MAX_EXCERPT, "excerpt-cut", &mut notes)));
    }
    let body = remove_nul(body(post, &mut notes), &mut notes);
    if is_blank(&body) {
        return Err((name, "the post has no text".to_owned()));
    }
    item.insert("body_markdown".to_owned(), Value::from(body));
    let mut terms = TermReferences::default();
    convert_terms(post, tables, default_category, &mut item, &mut terms, &mut notes);
    convert_metadata(post, tables.meta.get(id).copied(), &mut item, &mut notes);
    convert_publication(post, &mut item, &mut notes);
    set(&mut item, "terms", terms.into_value());
    Ok(ConvertedLine { name, own_slug, item: item.into(), notes })
}

/// Replaces Ghost's placeholder for the site's own URL: links become paths.
fn remove_host(text: &str, notes: &mut Vec<ConversionNote>) -> String {
    let count = text.matches("__GHOST_URL__").count();
    if count > 0 {
        notes.push(ConversionNote::new("ghost-url-removed", format!("{count} URLs of the old site are now paths")));
    }
    text.replace("__GHOST_URL__", "")
}

fn body(post: &Value, notes: &mut Vec<ConversionNote>) -> String {
    if let Some(html) = text_field(post, "html") {
        let (markdown, more) = html::to_markdown(&remove_host(html, notes));
        notes.extend(more);
        return markdown;
    }
    let Some(plain) = text_field(post, "plaintext") else { return String::new() };
    notes.push(ConversionNote::new("plain-text", "the post has no HTML; its plain text was used, without markup"));
    remove_host(plain, notes)
}

fn convert_terms(
    post: &Value,
    tables: &GhostTables,
    default_category: &str,
    item: &mut Map<String, Value>,
    terms: &mut TermReferences,
    notes: &mut Vec<ConversionNote>,
) {
    let id = text_field(post, "id").unwrap_or("");
    let (mut category, mut tags, mut authors) = (None, SlugList::default(), SlugList::default());
    for row in tables.post_tags.get(id).into_iter().flatten() {
        let Some(tag) = text_field(row, "tag_id").and_then(|id| tables.tags.get(id)) else { continue };
        let name = text_field(tag, "name").or_else(|| text_field(tag, "slug")).unwrap_or("untitled");
        let slug = to_slug(text_field(tag, "slug").unwrap_or(name));
        let description = term(&slug, name, text_field(tag, "description").unwrap_or(""));
        if text_field(tag, "visibility") == Some("internal") || name.starts_with('#') {
            notes.push(ConversionNote::new("internal-tag-lost", name));
        } else if category.is_none() {
            category = Some(slug);
            terms.category = Some(description);
        } else {
            tags.add_term(slug, name, Some(description), notes);
        }
    }
    let first_author = post.get("author_id").filter(|_| !tables.post_authors.contains_key(id)).and_then(Value::as_str);
    let rows = tables.post_authors.get(id).into_iter().flatten().filter_map(|row| text_field(row, "author_id"));
    for user in rows.chain(first_author).filter_map(|id| tables.users.get(id)) {
        let name = text_field(user, "name").or_else(|| text_field(user, "slug")).unwrap_or("untitled");
        let slug = to_slug(text_field(user, "slug").unwrap_or(name));
        let description = term(&slug, name, text_field(user, "bio").unwrap_or(""));
        authors.add_term(slug, name, Some(description), notes);
    }
    let category = category.unwrap_or_else(|| {
        notes.push(ConversionNote::new("category-default", format!("the post has no public tag; {default_category} was used")));
        default_category.to_owned()
    });
    item.insert("category".to_owned(), Value::from(category));
    tags.limit(MAX_TAGS, "tags-limited", notes);
    authors.limit(MAX_AUTHORS, "authors-limited", notes);
    set(item, "tags", tags.slugs.into());
    set(item, "authors", authors.slugs.into());
    (terms.tags, terms.authors) = (tags.terms, authors.terms);
}

/// Converts URLs, SEO fields and images. Older exports have them in the post, newer ones in a table.
fn convert_metadata(post: &Value, meta: Option<&Value>, item: &mut Map<String, Value>, notes: &mut Vec<ConversionNote>) {
    let field = |name: &str| meta.and_then(|meta| text_field(meta, name)).or_else(|| text_field(post, name));
    let (mut seo, mut extra) = (Map::new(), Map::new());
    if let Some(title) = field("meta_title") {
        seo.insert("title".to_owned(), Value::from(truncate_with_note(title, MAX_TITLE, "title-cut", notes)));
    }
    if let Some(description) = field("meta_description") {
        seo.insert("description".to_owned(), Value::from(truncate_with_note(description, MAX_EXCERPT, "excerpt-cut", notes)));
    }
    for (name, seo_name) in [("canonical_url", None), ("og_image", Some("image_url"))] {
        let Some(url) = field(name).map(|url| remove_host(url, notes)) else { continue };
        match (text::url(&url).is_ok(), seo_name) {
            (true, Some(seo_name)) => drop(seo.insert(seo_name.to_owned(), Value::from(url))),
            (true, None) => drop(item.insert(name.to_owned(), Value::from(url))),
            (false, _) => {
                notes.push(ConversionNote::new("value-refused", format!("{name} is not an absolute URL and was moved to extra")));
                extra.insert(name.to_owned(), Value::from(url));
            }
        }
    }
    for name in ["feature_image", "feature_image_alt", "feature_image_caption"] {
        let value = field(name).map(|text| remove_host(text, notes)).unwrap_or_default();
        set(&mut extra, name, Value::from(value));
    }
    if post.get("featured").is_some_and(|featured| *featured == true || *featured == 1) {
        extra.insert("featured".to_owned(), Value::from(true));
    }
    for name in ["codeinjection_head", "codeinjection_foot"] {
        if field(name).is_some() {
            notes.push(ConversionNote::new("code-lost", format!("{name} was left out")));
        }
    }
    set(item, "seo", seo.into());
    set(item, "extra", extra.into());
}

fn is_page(post: &Value) -> bool {
    text_field(post, "type") == Some("page") || post.get("page").is_some_and(|page| *page == true || *page == 1)
}

fn convert_publication(post: &Value, item: &mut Map<String, Value>, notes: &mut Vec<ConversionNote>) {
    if is_page(post) {
        notes.push(ConversionNote::new("page", "a page of the site, not a post"));
    }
    let written = text_field(post, "status").unwrap_or("draft");
    let mut status = if matches!(written, "published" | "scheduled") { "published" } else { "draft" };
    if written == "sent" {
        notes.push(ConversionNote::new("email-only", "the post was sent as email and never shown on the site; imported as a draft"));
    }
    if let Some(readers) = text_field(post, "visibility").filter(|readers| *readers != "public") {
        notes.push(ConversionNote::new("not-public", format!("only for {readers}; imported as a draft")));
        status = "draft";
    }
    item.insert("status".to_owned(), Value::from(status));
    let date = match post.get("published_at") {
        Some(Value::String(text)) => dates::parse(text).map(|date| date.rfc3339),
        // The oldest exports have milliseconds.
        Some(Value::Number(millis)) => millis.as_i64().map(|millis| crate::domain::clock::Timestamp(millis).rfc3339()),
        _ => None,
    };
    let written = post
        .get("published_at")
        .filter(|value| !is_empty(value))
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    notes.extend(dates::date_note(status, date.as_deref(), written.as_deref()));
    set(item, "published_at", Value::from(date.unwrap_or_default()));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn posts_and_pages_become_lines() {
        let export = json!({ "db": [{ "meta": { "version": "5.0" }, "data": {
            "posts": [
                { "id": "1", "title": "Hello", "slug": "hello", "html": "<p>See <a href=\"__GHOST_URL__/b/\">b</a></p><script>x</script>", "type": "post", "status": "published",
                  "visibility": "public", "published_at": "2021-01-02T03:04:05.000Z", "custom_excerpt": "Short", "feature_image": "__GHOST_URL__/content/images/a.png", "featured": 1 },
                { "id": "2", "title": "Paid", "slug": "paid", "html": null, "lexical": "{}", "plaintext": "Plain", "type": "page", "status": "scheduled", "visibility": "paid" },
                { "id": "3", "title": "Empty", "slug": "empty", "html": "", "status": "draft" }],
            "tags": [{ "id": "t1", "name": "Dev Ops", "slug": "dev-ops", "description": "D" }, { "id": "t2", "name": "#int", "slug": "hash-int", "visibility": "internal" }, { "id": "t3", "name": "Rust", "slug": "rust" }],
            "users": [{ "id": "u1", "name": "Ada L", "slug": "ada", "bio": "Bio" }],
            "posts_tags": [{ "post_id": "1", "tag_id": "t3", "sort_order": 2 }, { "post_id": "1", "tag_id": "t2", "sort_order": 0 }, { "post_id": "1", "tag_id": "t1", "sort_order": 1 }],
            "posts_authors": [{ "post_id": "1", "author_id": "u1", "sort_order": 0 }],
            "posts_meta": [{ "post_id": "1", "meta_title": "M", "og_image": "https://x.example/o.png" }]
        } }] });
        let lines = lines(&export, &Slug::parse("general").unwrap()).unwrap();
        let hello = lines[0].as_ref().unwrap();
        let expected = json!({
            "slug": "hello", "title": "Hello", "excerpt": "Short", "body_markdown": "See [b](/b/)", "category": "dev-ops", "tags": ["rust"], "authors": ["ada"],
            "seo": { "title": "M", "image_url": "https://x.example/o.png" }, "extra": { "feature_image": "/content/images/a.png", "featured": true },
            "status": "published", "published_at": "2021-01-02T03:04:05.000Z",
            "terms": { "category": { "slug": "dev-ops", "name": "Dev Ops", "description": "D" }, "tags": [{ "slug": "rust", "name": "Rust" }], "authors": [{ "slug": "ada", "name": "Ada L", "description": "Bio" }] }
        });
        assert_eq!(hello.item, expected);
        assert_eq!(
            hello.notes.iter().map(|n| n.code).collect::<Vec<_>>(),
            ["ghost-url-removed", "html-dropped", "internal-tag-lost", "ghost-url-removed"]
        );
        let paid = lines[1].as_ref().unwrap();
        assert_eq!((&paid.item["status"], &paid.item["category"]), (&json!("draft"), &json!("general")));
        assert_eq!(paid.notes.iter().map(|n| n.code).collect::<Vec<_>>(), ["plain-text", "category-default", "page", "not-public"]);
        assert_eq!(lines[2], Err(("ghost:empty".to_owned(), "the post has no text".to_owned())));
        assert!(super::lines(&json!({ "x": 1 }), &Slug::default()).is_err());
    }

    #[test]
    fn only_posts_that_were_on_the_site_are_published_and_a_missing_date_is_noted() {
        for (status, date, expected, noted) in [
            ("published", json!("2021-01-02T03:04:05.000Z"), "published", ""),
            ("sent", json!("2021-01-02T03:04:05.000Z"), "draft", "email-only date-of-draft"),
            ("sent", Value::Null, "draft", "email-only"),
            ("draft", Value::Null, "draft", ""),
            ("published", Value::Null, "published", "date-unreadable"),
            ("published", json!("soon"), "published", "date-unreadable"),
            ("scheduled", json!({}), "published", "date-unreadable"),
            ("published", json!(1_609_556_645_000_i64), "published", ""),
        ] {
            let export =
                json!({ "data": { "posts": [{ "id": "1", "title": "T", "html": "<p>x</p>", "status": status, "published_at": date }] } });
            let line = lines(&export, &Slug::default()).unwrap().remove(0).unwrap();
            let codes: Vec<&str> = line.notes.iter().map(|note| note.code).filter(|code| *code != "category-default").collect();
            assert_eq!((line.item["status"].as_str().unwrap(), codes.join(" ").as_str()), (expected, noted), "{status} {date}");
        }
    }
}
