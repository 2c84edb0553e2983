//! Maps the front matter of Hugo, Jekyll, Astro and Zola to the fields of an import line.

use serde_json::{Map, Value};

use crate::domain::draft::{DETAILS, DraftDetails, MAX_AUTHORS, MAX_TAGS};
use crate::domain::text;
use crate::domain::text::{MAX_EXCERPT, MAX_TITLE};
use crate::exchange::names;
use crate::exchange::names::{ListSyntax, SlugList, TermReferences};
use crate::exchange::plan::Unit;
use crate::exchange::{ConversionNote, is_blank, is_empty, set, syntax, truncate};

type KeyRule = fn(&str) -> bool;

/// Characters of truncated text that a note quotes.
const MAX_NOTED_CHARS: usize = 200;

/// One file during its conversion. Each step takes the fields that it knows; what is left at the end goes to `extra`.
pub struct ArticleFields<'a> {
    pub unit: &'a Unit,
    pub fields: Map<String, Value>,
    pub body: String,
    pub notes: Vec<ConversionNote>,
    pub terms: TermReferences,
}

impl ArticleFields<'_> {
    pub(crate) fn note(&mut self, code: &'static str, detail: impl Into<String>) {
        self.notes.push(ConversionNote::new(code, detail));
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.shift_remove(name).filter(|value| !value.is_null())
    }

    /// Takes the first of the fields that `parse` accepts; the others stay.
    pub(crate) fn take_first<T>(&mut self, names: &[&str], parse: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let (name, value) = names.iter().find_map(|name| Some((*name, parse(self.fields.get(*name)?)?)))?;
        self.fields.shift_remove(name);
        Some(value)
    }

    /// The writable fields, in their usual order. `path_slug` is the slug from the file's path, if it has one.
    pub fn take_writable(&mut self, path_slug: Option<&str>, default_category: &str) -> Map<String, Value> {
        self.hoist_taxonomies();
        let mut item = Map::new();
        let slug = self.take_slug(path_slug);
        set(&mut item, "slug", slug.map(Value::from).unwrap_or_default());
        let title = self.take_title(None);
        set(&mut item, "title", Value::from(title));
        let excerpt = self.take_excerpt();
        set(&mut item, "excerpt", Value::from(excerpt.unwrap_or_default()));
        item.insert("body_markdown".to_owned(), Value::from(self.body.as_str()));
        self.take_terms(&mut item, default_category);
        // What is left at the end goes to `extra`.
        let details = || DETAILS.into_iter().filter(|name| *name != "extra");
        for name in details() {
            let parse = |value: &Value| DraftDetails::parse_detail(name, value);
            let value = match name {
                "seo" => Some(self.take_seo()),
                "canonical_url" => self.take_first(&[name, "canonicalURL", "canonical"], parse),
                _ => self.take_first(&[name], parse),
            };
            set(&mut item, name, value.unwrap_or_default());
        }
        for name in details().filter(|name| *name != "seo") {
            if self.fields.get(name).is_some_and(|value| !is_empty(value)) && !item.contains_key(name) {
                self.note("value-refused", format!("{name} is not valid and was moved to extra"));
            }
        }
        item
    }

    /// The id, if it is a UUID; other generators use the name for something else.
    pub fn take_id(&mut self) -> Option<String> {
        self.take_first(&["id"], |v| v.as_str().filter(|text| text.len() == 36 && uuid::Uuid::parse_str(text).is_ok()).map(str::to_owned))
    }

    /// All remaining fields.
    pub fn take_extra(&mut self) -> Value {
        let mut extra = match self.take("extra") {
            Some(Value::Object(extra)) => extra,
            None => Map::new(),
            Some(other) => Map::from_iter([("extra".to_owned(), other)]),
        };
        for (name, value) in std::mem::take(&mut self.fields) {
            if value.is_null() || extra.get(&name) == Some(&value) {
                continue;
            }
            if extra.contains_key(&name) {
                self.note("extra-clash", format!("{name} is also a key of extra, which has precedence"));
            } else {
                extra.insert(name, value);
            }
        }
        extra.into()
    }

    /// Zola has tags, categories and authors under `taxonomies`.
    fn hoist_taxonomies(&mut self) {
        let Some(Value::Object(mut lists)) = self.fields.get("taxonomies").cloned() else { return };
        for name in ["categories", "tags", "authors"] {
            if !self.fields.contains_key(name)
                && let Some(list) = lists.shift_remove(name)
            {
                self.fields.insert(name.to_owned(), list);
            }
        }
        self.fields.shift_remove("taxonomies");
        set(&mut self.fields, "taxonomies", lists.into());
    }

    fn take_slug(&mut self, path_slug: Option<&str>) -> Option<String> {
        let written = self.take("slug").as_ref().and_then(plain_text).filter(|text| !is_blank(text));
        let Some(written) = written else {
            if path_slug.is_some() {
                self.notes.extend(self.unit.slug_notes.iter().cloned());
            }
            return path_slug.map(str::to_owned);
        };
        let last = written.trim().trim_matches('/').rsplit('/').next().unwrap_or("");
        let slug = names::to_slug(last);
        if slug != written {
            self.note("slug-derived", format!("{written:?} became {slug}"));
        }
        Some(slug)
    }

    /// The title: as written, else the first heading, else that of the main file, else the file name.
    pub fn take_title(&mut self, main_title: Option<&str>) -> String {
        let written = self.take_first(&["title"], |v| plain_text(v).filter(|text| !is_blank(text)));
        let title = written.unwrap_or_else(|| {
            if let Some(heading) = syntax::first_heading(&self.body) {
                self.note("title-from-heading", format!("the first heading: {heading}"));
                return heading;
            }
            if let Some(main_title) = main_title {
                self.note("title-from-main", "the translation has no title");
                return main_title.to_owned();
            }
            let words = self.unit.slug.replace('-', " ");
            let title = words[..1].to_ascii_uppercase() + &words[1..];
            self.note("title-from-file-name", title.clone());
            title
        });
        self.truncate_with_note(title, MAX_TITLE, "title-cut")
    }

    /// The excerpt: a field `excerpt` as it is, else the trimmed summary or description.
    pub fn take_excerpt(&mut self) -> Option<String> {
        let exact = self.take_first(&["excerpt"], |v| plain_text(v).filter(|text| !is_blank(text)));
        let text = exact.or_else(|| {
            let trimmed = |v: &Value| v.as_str().map(str::trim).filter(|text| !is_blank(text)).map(str::to_owned);
            self.take_first(&["summary", "description"], trimmed)
        })?;
        Some(self.truncate_with_note(text, MAX_EXCERPT, "excerpt-cut"))
    }

    fn truncate_with_note(&mut self, text: String, max: usize, code: &'static str) -> String {
        let (short, is_truncated) = truncate(&text, max);
        if !is_truncated {
            return text;
        }
        self.note(
            code,
            format!("truncated at {max} characters; left out: {}", truncate(text[short.len()..].trim_start(), MAX_NOTED_CHARS).0),
        );
        short
    }

    fn take_terms(&mut self, item: &mut Map<String, Value>, default_category: &str) {
        let mut notes = Vec::new();
        let mut categories = SlugList::default();
        for (name, syntax) in [("category", ListSyntax::Whole), ("categories", ListSyntax::Words)] {
            self.take(name).iter().for_each(|value| names::add_all(value, syntax, &mut categories, &mut notes));
        }
        if categories.slugs.is_empty() {
            let folder = self.unit.folder.clone();
            let (code, name) = folder.map_or(("category-default", default_category.to_owned()), |folder| ("category-from-folder", folder));
            categories.add(&name, &mut notes);
            notes.push(ConversionNote::new(code, format!("the file has no category; {name} was used")));
        }
        let category = categories.slugs.remove(0);
        item.insert("category".to_owned(), Value::from(category.as_str()));
        let mut tags = SlugList::default();
        let has_tags = self.fields.get("tags").or_else(|| self.fields.get("tag")).is_some_and(|value| !is_empty(value));
        let sources: &[(&str, ListSyntax)] = if has_tags {
            &[("tags", ListSyntax::Words), ("tag", ListSyntax::Whole)]
        } else {
            &[("tags", ListSyntax::Words), ("keywords", ListSyntax::Commas)]
        };
        for (name, syntax) in sources {
            self.take(name).iter().for_each(|value| names::add_all(value, *syntax, &mut tags, &mut notes));
        }
        if !categories.slugs.is_empty() {
            notes.push(ConversionNote::new(
                "categories-to-tags",
                format!("an insight has one category; the others became tags: {}", categories.slugs.join(", ")),
            ));
        }
        for term in categories.terms {
            if term["slug"] == category.as_str() {
                if self.terms.category.get_or_insert_with(|| term.clone())["slug"] != term["slug"] {
                    notes.push(ConversionNote::new(
                        "term-name-lost",
                        format!("the draft has a category of its own; {category} gets its slug as its name"),
                    ));
                }
            } else if !tags.terms.iter().any(|other| other["slug"] == term["slug"]) {
                tags.terms.push(term);
            }
        }
        for slug in categories.slugs {
            if !tags.slugs.contains(&slug) {
                tags.slugs.push(slug);
            }
        }
        tags.limit(MAX_TAGS, "tags-limited", &mut notes);
        let authors = self.take_authors(&mut notes);
        set(item, "tags", tags.slugs.into());
        set(item, "authors", authors.slugs.into());
        add_missing(&mut self.terms.tags, tags.terms);
        add_missing(&mut self.terms.authors, authors.terms);
        self.notes.append(&mut notes);
    }

    fn take_authors(&mut self, notes: &mut Vec<ConversionNote>) -> SlugList {
        let mut authors = SlugList::default();
        for name in ["authors", "author"] {
            let Some(value) = self.take(name) else { continue };
            names::add_all(&value, ListSyntax::Whole, &mut authors, notes);
            if names::has_details(&value) {
                self.fields.insert(name.to_owned(), value);
            }
        }
        authors.limit(MAX_AUTHORS, "authors-limited", notes);
        authors
    }

    fn take_seo(&mut self) -> Value {
        let Some(Value::Object(mut written)) = self.fields.get("seo").cloned() else { return Value::Null };
        let mut seo = Map::new();
        let rules: [(&str, KeyRule); 3] = [
            ("title", |text| text::present(text, MAX_TITLE).is_ok()),
            ("description", |text| text::present(text, MAX_EXCERPT).is_ok()),
            ("image_url", |text| text::url(text).is_ok()),
        ];
        for (name, rule) in rules {
            if written.get(name).and_then(Value::as_str).is_some_and(rule) {
                set(&mut seo, name, written.shift_remove(name).unwrap_or_default());
            }
        }
        written.retain(|_, value| !value.is_null());
        self.fields.shift_remove("seo");
        if !written.is_empty() {
            let left = written.keys().cloned().collect::<Vec<_>>().join(", ");
            self.note("seo-to-extra", format!("not valid in seo and moved to extra: {left}"));
            self.fields.insert("seo".to_owned(), written.into());
        }
        seo.into()
    }
}

/// Appends the terms whose slugs are not in the list yet.
fn add_missing(terms: &mut Vec<Value>, more: Vec<Value>) {
    for term in more {
        if !terms.iter().any(|other| other["slug"] == term["slug"]) {
            terms.push(term);
        }
    }
}

/// A text, or a number or boolean as text: YAML parses `2024` and `yes` as such.
pub(crate) fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
