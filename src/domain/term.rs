//! Categories, tags and authors: three kinds of one shape.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::change::Resource;
use super::field_errors::FieldErrors;
use super::fields::{self, FieldReader};
use super::slug::Slug;
use super::text::{self, MAX_DESCRIPTION, MAX_NAME};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TermKind {
    Category,
    Tag,
    Author,
}

impl TermKind {
    pub const ALL: [Self; 3] = [Self::Category, Self::Tag, Self::Author];

    #[must_use]
    pub fn resource(self) -> Resource {
        match self {
            Self::Category => Resource::Category,
            Self::Tag => Resource::Tag,
            Self::Author => Resource::Author,
        }
    }

    /// The code of the fault that a term of this kind does not exist.
    #[must_use]
    pub fn unknown_code(self) -> &'static str {
        match self {
            Self::Category => "unknown-category",
            Self::Tag => "unknown-tag",
            Self::Author => "unknown-author",
        }
    }

    /// The cache tag of the lists that are filtered by a term of this kind.
    #[must_use]
    pub fn list_tag(self, slug: &str) -> String {
        format!("{}{slug}", self.list_tag_prefix())
    }

    /// The part of [`TermKind::list_tag`] before the slug.
    #[must_use]
    pub fn list_tag_prefix(self) -> &'static str {
        match self {
            Self::Category => "insights:category:",
            Self::Tag => "insights:tag:",
            Self::Author => "insights:author:",
        }
    }

    /// The plural, as in paths and table names.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Self::Category => "categories",
            Self::Tag => "tags",
            Self::Author => "authors",
        }
    }
}

/// The names of the writable fields, as the API spells them.
pub const FIELDS: [&str; 4] = ["slug", "name", "description", "translations"];

/// The writable fields of a category, tag or author.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TermDraft {
    pub slug: Option<Slug>,
    pub name: String,
    pub description: String,
    pub translations: BTreeMap<String, TermText>,
}

/// A name and a description in another locale.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TermText {
    pub name: String,
    pub description: String,
}

impl TermDraft {
    /// Its slug, else the one derived from its name.
    #[must_use]
    pub fn slug_or_derived(&self) -> Slug {
        self.slug.clone().unwrap_or_else(|| Slug::derive(&self.name))
    }

    /// # Errors
    /// Every fault of the input at once.
    pub fn parse(input: Value) -> Result<Self, FieldErrors> {
        let mut fields = FieldReader::new(input, "")?;
        let slug = fields.text("slug", fields::slug);
        let TermText { name, description } = TermText::read(&mut fields);
        let translations = fields.nested("translations", |inner| fields::by_locale(inner, TermText::read));
        fields.finish(Self { slug, name, description, translations })
    }

    #[must_use]
    pub fn to_input(&self) -> Value {
        let Self { slug, name, description, translations } = self;
        json!({
            "slug": slug.as_ref().map(Slug::as_str),
            "name": name,
            "description": description,
            "translations": translations,
        })
    }
}

impl TermText {
    fn read(fields: &mut FieldReader) -> Self {
        Self {
            name: fields.required_text("name", |text| text::present(text, MAX_NAME)),
            description: fields.text("description", |text| text::bounded(text, MAX_DESCRIPTION)).unwrap_or_default(),
        }
    }
}
