//! Converts lines into the files of a Markdown folder. The same line gives the same bytes, and converting the files back gives the line.

use serde_json::{Map, Value};

use crate::domain::draft::DETAILS;
use crate::domain::locale::Locale;
use crate::domain::publication_times::PublicationTimes;
use crate::exchange::names::to_slug;
use crate::exchange::{is_empty, quote};

/// The keys of an insight's front matter before its times. The body follows it, and translations have files of their own.
const KEYS_BEFORE_TIMES: [&str; 8] = ["id", "slug", "title", "excerpt", "locale", "category", "tags", "authors"];
/// The last keys, after the other details of the draft.
const LAST_KEYS: [&str; 3] = ["aliases", "seo", "extra"];

/// The files of an insight's line, as paths and texts: the published version in `insights/`, a draft in `_drafts/`.
#[must_use]
pub fn files(line: &Value) -> Vec<(String, String)> {
    let title = line.get("title").and_then(Value::as_str).unwrap_or("");
    let name = to_slug(line.get("slug").and_then(Value::as_str).unwrap_or(title));
    let is_draft = line.get("status").and_then(Value::as_str) == Some("draft");
    let mut files = Vec::new();
    push_version(line, if is_draft { "_drafts" } else { "insights" }, &name, &mut files);
    if let Some(Value::Object(draft)) = line.get("draft") {
        // The same id makes both files one insight.
        let id = line.get("id").cloned().unwrap_or_default();
        let draft: Map<String, Value> = [("id".to_owned(), id)].into_iter().chain(draft.clone()).collect();
        push_version(&draft.into(), "_drafts", &name, &mut files);
    }
    files
}

/// The files of a term's line: `categories/<slug>/_index.md` and its translations.
#[must_use]
pub fn term_file(line: &Value) -> Vec<(String, String)> {
    let folder = match line.get("kind").and_then(Value::as_str) {
        Some("tag") => "tags",
        Some("author") => "authors",
        _ => "categories",
    };
    let name = line.get("name").and_then(Value::as_str).unwrap_or("");
    let slug = to_slug(line.get("slug").and_then(Value::as_str).unwrap_or(name));
    let term_text = |text: &Value| {
        let name = text.get("name").and_then(Value::as_str).unwrap_or("");
        let description = text.get("description").and_then(Value::as_str).unwrap_or("");
        // Reading strips one line end, of either kind.
        let end = match description {
            "" => "",
            text if text.ends_with('\r') => "\r\n",
            _ => "\n",
        };
        format!("---\ntitle: {}\n---\n\n{description}{end}", quote::string(name))
    };
    let translations = texts_by_locale(line).map(|(locale, text)| (format!("{folder}/{slug}/_index.{locale}.md"), term_text(text)));
    [(format!("{folder}/{slug}/_index.md"), term_text(line))].into_iter().chain(translations).collect()
}

fn push_version(fields: &Value, folder: &str, name: &str, files: &mut Vec<(String, String)>) {
    let is_draft = folder == "_drafts";
    let details = DETAILS.into_iter().filter(|detail| !LAST_KEYS.contains(detail));
    let keys: Vec<&str> = KEYS_BEFORE_TIMES.into_iter().chain(PublicationTimes::NAMES).chain(details).chain(LAST_KEYS).collect();
    files.push((format!("{folder}/{name}.md"), insight_text(fields, &keys, is_draft)));
    for (locale, text) in texts_by_locale(fields) {
        files.push((format!("{folder}/{name}.{locale}.md"), insight_text(text, &["title", "excerpt"], false)));
    }
}

/// The translations by their canonical locale, sorted.
fn texts_by_locale(fields: &Value) -> impl Iterator<Item = (String, &Value)> {
    let translations = fields.get("translations").and_then(Value::as_object).into_iter().flatten();
    let mut texts: Vec<(String, &Value)> =
        translations.filter(|(_, text)| text.is_object()).filter_map(|(tag, text)| Some((Locale::parse(tag)?.to_string(), text))).collect();
    texts.sort_by(|a, b| a.0.cmp(&b.0));
    texts.into_iter()
}

fn insight_text(fields: &Value, keys: &[&str], is_draft: bool) -> String {
    let mut text = "---\n".to_owned();
    for key in keys {
        let mut value = fields.get(*key).cloned().unwrap_or_default();
        if let (&"seo", Value::Object(seo)) = (key, &mut value) {
            seo.retain(|_, member| !is_empty(member));
        }
        if !is_empty(&value) {
            text.extend([*key, ": ", quote::value(&value).as_str(), "\n"]);
        }
    }
    text.push_str(if is_draft { "draft: true\n" } else { "" });
    text.push_str("---\n\n");
    text.push_str(fields.get("body_markdown").and_then(Value::as_str).unwrap_or(""));
    text
}
