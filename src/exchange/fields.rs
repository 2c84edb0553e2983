//! Reads the front matter that Hugo, Jekyll and Astro let people write into the fields of an import line.

use serde_json::{Map, Value};

use crate::domain::draft::{MAX_AUTHORS, MAX_MINUTES, MAX_TAGS};
use crate::domain::text;
use crate::domain::text::{MAX_EXCERPT, MAX_TITLE};
use crate::exchange::names;
use crate::exchange::names::{ListSyntax, SlugList, TermReferences};
use crate::exchange::plan::Unit;
use crate::exchange::{ConversionNote, cut, is_blank, is_empty, set, syntax};

type KeyRule = fn(&str) -> bool;

/// One file on its way to a line. What is left in `fields` at the end was not known, and goes to `extra`.
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

    /// Takes the first of the fields that `read` understands; the others stay.
    pub(crate) fn first<T>(&mut self, names: &[&str], read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        let (name, found) = names.iter().find_map(|name| Some((*name, read(self.fields.get(*name)?)?)))?;
        self.fields.shift_remove(name);
        Some(found)
    }

    /// The writable fields, in their usual order. `slug` is what the place gives, if it gives one.
    pub fn writable(&mut self, slug: Option<&str>, default_category: &str) -> Map<String, Value> {
        self.hoist_taxonomies();
        let mut item = Map::new();
        let slug = self.slug(slug);
        set(&mut item, "slug", slug.map(Value::from).unwrap_or_default());
        let title = self.title(None);
        set(&mut item, "title", Value::from(title));
        let excerpt = self.excerpt();
        set(&mut item, "excerpt", Value::from(excerpt.unwrap_or_default()));
        item.insert("body_markdown".to_owned(), Value::from(self.body.as_str()));
        self.classify(&mut item, default_category);
        let minutes = self.first(&["reading_minutes"], |v| v.as_i64().filter(|n| (1..=MAX_MINUTES).contains(n)));
        set(&mut item, "reading_minutes", minutes.map(Value::from).unwrap_or_default());
        let address = |v: &Value| v.as_str().and_then(|text| text::url(text).ok());
        let canonical = self.first(&["canonical_url", "canonicalURL", "canonical"], address);
        set(&mut item, "canonical_url", Value::from(canonical.unwrap_or_default()));
        let seo = self.seo();
        set(&mut item, "seo", seo);
        for name in ["reading_minutes", "canonical_url"] {
            if self.fields.get(name).is_some_and(|value| !is_empty(value)) && !item.contains_key(name) {
                self.note("value-refused", format!("{name} is no valid value and was kept in extra"));
            }
        }
        item
    }

    /// The id, if it is one; other generators use the word for other things.
    pub fn id(&mut self) -> Option<String> {
        self.first(&["id"], |v| v.as_str().filter(|text| text.len() == 36 && uuid::Uuid::parse_str(text).is_ok()).map(str::to_owned))
    }

    /// Everything that is left.
    pub fn extra(&mut self) -> Value {
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
                self.note("extra-clash", format!("{name} is also a key of extra, which was kept"));
            } else {
                extra.insert(name, value);
            }
        }
        extra.into()
    }

    /// Zola keeps tags, categories and authors one level down.
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

    fn slug(&mut self, of_place: Option<&str>) -> Option<String> {
        let written = self.take("slug").as_ref().and_then(plain_text).filter(|text| !is_blank(text));
        let Some(written) = written else {
            if of_place.is_some() {
                self.notes.extend(self.unit.slug_notes.iter().cloned());
            }
            return of_place.map(str::to_owned);
        };
        let last = written.trim().trim_matches('/').rsplit('/').next().unwrap_or("");
        let slug = names::slug_of(last);
        if slug != written {
            self.note("slug-derived", format!("{written:?} became {slug}"));
        }
        Some(slug)
    }

    /// The title: as written, else the first heading, else what the caller or the file name has.
    pub fn title(&mut self, other: Option<&str>) -> String {
        let written = self.first(&["title"], |v| plain_text(v).filter(|text| !is_blank(text)));
        let title = written.unwrap_or_else(|| {
            if let Some(heading) = syntax::first_heading(&self.body) {
                self.note("title-from-heading", format!("the first heading: {heading}"));
                return heading;
            }
            if let Some(other) = other {
                self.note("title-from-main", "the translation has no title");
                return other.to_owned();
            }
            let words = self.unit.slug.replace('-', " ");
            let title = words[..1].to_ascii_uppercase() + &words[1..];
            self.note("title-from-file-name", title.clone());
            title
        });
        self.cut(title, MAX_TITLE, "title-cut")
    }

    /// The excerpt: one that is called so stays exactly as it is.
    pub fn excerpt(&mut self) -> Option<String> {
        let exact = self.first(&["excerpt"], |v| plain_text(v).filter(|text| !is_blank(text)));
        let text = exact.or_else(|| {
            let trimmed = |v: &Value| v.as_str().map(str::trim).filter(|text| !is_blank(text)).map(str::to_owned);
            self.first(&["summary", "description"], trimmed)
        })?;
        Some(self.cut(text, MAX_EXCERPT, "excerpt-cut"))
    }

    fn cut(&mut self, text: String, max: usize, code: &'static str) -> String {
        let (short, was_cut) = cut(&text, max);
        if !was_cut {
            return text;
        }
        self.note(code, format!("cut at {max} characters; left out: {}", cut(text[short.len()..].trim_start(), 200).0));
        short
    }

    fn classify(&mut self, item: &mut Map<String, Value>, default_category: &str) {
        let mut notes = Vec::new();
        let mut categories = SlugList::default();
        for (name, apart) in [("category", ListSyntax::Whole), ("categories", ListSyntax::Words)] {
            self.take(name).iter().for_each(|value| names::add_all(value, apart, &mut categories, &mut notes));
        }
        if categories.slugs.is_empty() {
            let folder = self.unit.folder.clone();
            let (code, name) = folder.map_or(("category-default", default_category.to_owned()), |folder| ("category-from-folder", folder));
            categories.add(&name, &mut notes);
            notes.push(ConversionNote::new(code, format!("no category was given; {name} was taken")));
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
        for (name, apart) in sources {
            self.take(name).iter().for_each(|value| names::add_all(value, *apart, &mut tags, &mut notes));
        }
        if !categories.slugs.is_empty() {
            notes.push(ConversionNote::new(
                "categories-to-tags",
                format!("an insight has one category; now tags: {}", categories.slugs.join(", ")),
            ));
        }
        for term in categories.terms {
            if term["slug"] == category.as_str() {
                if self.terms.category.get_or_insert_with(|| term.clone())["slug"] != term["slug"] {
                    notes.push(ConversionNote::new(
                        "term-name-lost",
                        format!("the draft has a category of its own; {category} will be its name"),
                    ));
                }
            } else if !tags.terms.iter().any(|known| known["slug"] == term["slug"]) {
                tags.terms.push(term);
            }
        }
        for slug in categories.slugs {
            if !tags.slugs.contains(&slug) {
                tags.slugs.push(slug);
            }
        }
        tags.limit(MAX_TAGS, "tags-limited", &mut notes);
        let authors = self.authors(&mut notes);
        set(item, "tags", tags.slugs.into());
        set(item, "authors", authors.slugs.into());
        merge(&mut self.terms.tags, tags.terms);
        merge(&mut self.terms.authors, authors.terms);
        self.notes.append(&mut notes);
    }

    fn authors(&mut self, notes: &mut Vec<ConversionNote>) -> SlugList {
        let mut authors = SlugList::default();
        for name in ["authors", "author"] {
            let Some(value) = self.take(name) else { continue };
            names::add_all(&value, ListSyntax::Whole, &mut authors, notes);
            if names::says_more(&value) {
                self.fields.insert(name.to_owned(), value);
            }
        }
        authors.limit(MAX_AUTHORS, "authors-limited", notes);
        authors
    }

    fn seo(&mut self) -> Value {
        let Some(Value::Object(mut given)) = self.fields.get("seo").cloned() else { return Value::Null };
        let mut seo = Map::new();
        let rules: [(&str, KeyRule); 3] = [
            ("title", |text| text::present(text, MAX_TITLE).is_ok()),
            ("description", |text| text::present(text, MAX_EXCERPT).is_ok()),
            ("image_url", |text| text::url(text).is_ok()),
        ];
        for (name, rule) in rules {
            if given.get(name).and_then(Value::as_str).is_some_and(rule) {
                set(&mut seo, name, given.shift_remove(name).unwrap_or_default());
            }
        }
        given.retain(|_, value| !value.is_null());
        self.fields.shift_remove("seo");
        if !given.is_empty() {
            let left = given.keys().cloned().collect::<Vec<_>>().join(", ");
            self.note("seo-to-extra", format!("not a valid part of seo and kept in extra: {left}"));
            self.fields.insert("seo".to_owned(), given.into());
        }
        seo.into()
    }
}

/// Terms that are not known yet, behind those that are.
fn merge(known: &mut Vec<Value>, more: Vec<Value>) {
    for term in more {
        if !known.iter().any(|other| other["slug"] == term["slug"]) {
            known.push(term);
        }
    }
}

/// A text, or what YAML made of one that looks like a number or a truth.
pub(crate) fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}
