//! A draft: the writable part of an insight. [`Draft::parse`] reads every input: POST, PUT, a merged PATCH, an import
//! line and front matter.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::fields::{self, FieldError, FieldReader};
use super::slug::Slug;
use super::term::TermKind;
use super::text::{self, MAX_BODY, MAX_EXCERPT, MAX_TITLE};

pub const MAX_TAGS: usize = 30;
pub const MAX_AUTHORS: usize = 20;
pub const MAX_MINUTES: i64 = 600;
pub const MAX_EXTRA: usize = 50_000;
/// The nesting depth of `extra`. Import lines and files wrap it in some more levels, and their readers have a limit.
pub const MAX_DEPTH: usize = 100;

/// Defines the details of a draft: its fields that are stored as they are written. A new field is one line of the list below.
macro_rules! draft_details {
    ($($name:ident: $type:ty = $read:expr),+ $(,)?) => {
        /// The details of a draft.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct DraftDetails {
            $(pub $name: $type),+
        }

        /// The names of the writable fields, as the API spells them.
        pub const FIELDS: &[&str] =
            &["slug", "title", "excerpt", "body_markdown", "category", "tags", "authors", $(stringify!($name),)+ "translations"];

        /// The names of the details.
        pub const DETAILS: [&str; [$(stringify!($name)),+].len()] = [$(stringify!($name)),+];

        impl DraftDetails {
            fn read(fields: &mut FieldReader) -> Self {
                $(let $name: fn(&mut FieldReader, &'static str) -> $type = $read;)+
                Self { $($name: $name(fields, stringify!($name))),+ }
            }

            fn write(&self, input: &mut Map<String, Value>) {
                $(input.insert(stringify!($name).to_owned(), json!(self.$name));)+
            }
        }
    };
}

draft_details! {
    reading_minutes: Option<i64> = |fields, name| fields.integer(name, 1, MAX_MINUTES),
    canonical_url: Option<String> = |fields, name| fields.text(name, text::url),
    seo: Seo = |fields, name| fields.nested(name, Seo::read),
    extra: Map<String, Value> = |fields, name| fields.object(name, MAX_EXTRA, MAX_DEPTH),
}

impl DraftDetails {
    /// The value of one detail as an input has it, if it is valid.
    #[must_use]
    pub fn parse_detail(name: &'static str, value: &Value) -> Option<Value> {
        let mut fields = FieldReader::new(json!({ name: value }), "").ok()?;
        let details = Self::read(&mut fields);
        let mut input = Map::new();
        fields.finish(details).ok()?.write(&mut input);
        input.remove(name).filter(|value| !value.is_null())
    }
}

/// Everything that an editor writes, validated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    pub slug: Option<Slug>,
    pub text: LocalText,
    pub category: Slug,
    pub tags: Vec<Slug>,
    pub authors: Vec<Slug>,
    pub details: DraftDetails,
    pub translations: BTreeMap<String, LocalText>,
}

/// The texts of one locale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalText {
    pub title: String,
    pub excerpt: Option<String>,
    pub body_markdown: String,
}

/// The metadata of a page for search engines and link previews.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Seo {
    pub title: Option<String>,
    pub description: Option<String>,
    pub image_url: Option<String>,
}

impl Draft {
    /// Its category, tags or authors.
    #[must_use]
    pub fn terms(&self, kind: TermKind) -> &[Slug] {
        match kind {
            TermKind::Category => std::slice::from_ref(&self.category),
            TermKind::Tag => &self.tags,
            TermKind::Author => &self.authors,
        }
    }

    /// # Errors
    /// Every fault of the input, each with its JSON pointer.
    pub fn parse(input: Value) -> Result<Self, Vec<FieldError>> {
        let mut fields = FieldReader::new(input, "")?;
        let draft = Self {
            slug: fields.text("slug", fields::slug),
            text: LocalText::read(&mut fields),
            category: fields.required_text("category", fields::slug),
            tags: fields.list("tags", MAX_TAGS, fields::slug),
            authors: fields.list("authors", MAX_AUTHORS, fields::slug),
            details: DraftDetails::read(&mut fields),
            translations: fields.nested("translations", |inner| fields::by_locale(inner, LocalText::read)),
        };
        fields.finish(draft)
    }

    /// The input that parses to this draft: a merge patch (RFC 7396) is applied to it.
    #[must_use]
    pub fn to_input(&self) -> Value {
        let Self { slug, text, category, tags, authors, details, translations } = self;
        let slugs = |list: &[Slug]| list.iter().map(Slug::to_string).collect::<Vec<_>>();
        let translations: Map<String, Value> = translations.iter().map(|(locale, text)| (locale.clone(), text.to_input())).collect();
        let mut input = Map::from_iter([
            ("slug".to_owned(), json!(slug.as_ref().map(Slug::as_str))),
            ("title".to_owned(), json!(text.title)),
            ("excerpt".to_owned(), json!(text.excerpt)),
            ("body_markdown".to_owned(), json!(text.body_markdown)),
            ("category".to_owned(), json!(category.as_str())),
            ("tags".to_owned(), json!(slugs(tags))),
            ("authors".to_owned(), json!(slugs(authors))),
        ]);
        details.write(&mut input);
        input.insert("translations".to_owned(), json!(translations));
        Value::Object(input)
    }

    /// The fields in which two drafts differ.
    #[must_use]
    pub fn changed_fields(&self, other: &Self) -> Vec<&'static str> {
        let (mine, theirs) = (self.to_input(), other.to_input());
        FIELDS.iter().copied().filter(|name| mine.get(*name) != theirs.get(*name)).collect()
    }
}

impl LocalText {
    fn read(fields: &mut FieldReader) -> Self {
        Self {
            title: fields.required_text("title", |text| text::present(text, MAX_TITLE)),
            excerpt: fields.text("excerpt", |text| text::present(text, MAX_EXCERPT)),
            body_markdown: fields.required_text("body_markdown", |text| text::present(text, MAX_BODY)),
        }
    }

    fn to_input(&self) -> Value {
        json!({ "title": self.title, "excerpt": self.excerpt, "body_markdown": self.body_markdown })
    }
}

impl Seo {
    fn read(mut fields: FieldReader) -> Result<Self, Vec<FieldError>> {
        let seo = Self {
            title: fields.text("title", |text| text::present(text, MAX_TITLE)),
            description: fields.text("description", |text| text::present(text, MAX_EXCERPT)),
            image_url: fields.text("image_url", text::url),
        };
        fields.finish(seo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_reported_with_its_pointer() {
        let input = json!({
            "title": " ", "body_markdown": 5, "category": "No Slug", "tags": ["a", "B", "a"], "reading_minutes": 0,
            "seo": { "image_url": "javascript:alert(1)", "robots": "x" }, "translations": { "xx-": {}, "de": { "title": "T" } }, "status": "draft"
        });
        let errors = Draft::parse(input).unwrap_err();
        let pointers: Vec<&str> = errors.iter().map(|e| e.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            [
                "/title",
                "/body_markdown",
                "/category",
                "/tags/1",
                "/tags/2",
                "/reading_minutes",
                "/seo/image_url",
                "/seo/robots",
                "/translations/xx-",
                "/translations/de/body_markdown",
                "/status"
            ]
        );
    }

    #[test]
    fn an_input_parses_to_the_draft_that_it_was_written_from() {
        let input = json!({
            "slug": "a", "title": "A", "body_markdown": "text", "category": "c", "tags": ["x"], "authors": ["y"], "reading_minutes": 5.0,
            "seo": { "title": "S" }, "extra": { "k": [1] }, "translations": { "de-at": { "title": "B", "body_markdown": "t" } }
        });
        let draft = Draft::parse(input).unwrap();
        assert_eq!(draft.details.reading_minutes, Some(5));
        assert_eq!(Draft::parse(draft.to_input()).unwrap(), draft);
        assert!(draft.translations.contains_key("de-AT"));
    }

    #[test]
    fn the_list_of_fields_is_that_of_the_input() {
        let written = Draft::default().to_input();
        let names: Vec<&String> = written.as_object().unwrap().keys().collect();
        assert_eq!(names, FIELDS);
    }
}
