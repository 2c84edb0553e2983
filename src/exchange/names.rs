//! Converts names of categories, tags and authors into slugs. The names are preserved beside the slugs, so that missing
//! terms can be created.

use serde_json::{Map, Value};

use crate::domain::slug::Slug;
use crate::domain::text::{MAX_DESCRIPTION, MAX_NAME};
use crate::exchange::{ConversionNote, set, truncate};

/// The names of the terms of one line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TermReferences {
    pub category: Option<Value>,
    pub tags: Vec<Value>,
    pub authors: Vec<Value>,
}

impl TermReferences {
    /// The field `terms` of a line; null when it is empty.
    #[must_use]
    pub fn into_value(self) -> Value {
        let mut terms = Map::new();
        set(&mut terms, "category", self.category.unwrap_or_default());
        set(&mut terms, "tags", self.tags.into());
        set(&mut terms, "authors", self.authors.into());
        if terms.is_empty() { Value::Null } else { terms.into() }
    }
}

/// A slug as it is; any other name converted into one.
#[must_use]
pub fn to_slug(name: &str) -> String {
    Slug::parse(name).unwrap_or_else(|| Slug::derive(name)).into_string()
}

/// A term in the form of the field `terms`.
#[must_use]
pub fn term(slug: &str, name: &str, description: &str) -> Value {
    let mut term = Map::new();
    term.insert("slug".to_owned(), Value::from(slug));
    term.insert("name".to_owned(), Value::from(truncate(name.trim(), MAX_NAME).0));
    set(&mut term, "description", Value::from(truncate(description.trim(), MAX_DESCRIPTION).0));
    term.into()
}

/// Slugs in their order, each once, and the terms of those that were derived from a name.
#[derive(Debug, Default)]
pub struct SlugList {
    pub slugs: Vec<String>,
    pub terms: Vec<Value>,
}

impl SlugList {
    /// Adds a name. A name that is a slug already says nothing about the term's name.
    pub fn add(&mut self, name: &str, notes: &mut Vec<ConversionNote>) {
        let slug = to_slug(name);
        let term = (slug != name).then(|| term(&slug, name, ""));
        self.add_term(slug, name, term, notes);
    }

    /// Adds a slug with its term.
    pub fn add_term(&mut self, slug: String, name: &str, term: Option<Value>, notes: &mut Vec<ConversionNote>) {
        if self.slugs.contains(&slug) {
            let existing = self.terms.iter().find(|term| term["slug"] == slug.as_str()).and_then(|term| term["name"].as_str());
            let existing = existing.unwrap_or(&slug);
            if existing != name.trim() {
                notes.push(ConversionNote::new("names-merged", format!("{name:?} and {existing:?} both became {slug}")));
            }
            return;
        }
        self.terms.extend(term);
        self.slugs.push(slug);
    }

    /// Truncates the list to `max` slugs, with a note.
    pub fn limit(&mut self, max: usize, code: &'static str, notes: &mut Vec<ConversionNote>) {
        if self.slugs.len() > max {
            notes
                .push(ConversionNote::new(code, format!("only the first {max} were imported; left out: {}", self.slugs[max..].join(", "))));
            self.slugs.truncate(max);
            self.terms.retain(|term| self.slugs.iter().any(|slug| term["slug"] == slug.as_str()));
        }
    }
}

/// How to split a text in place of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListSyntax {
    /// One name.
    Whole,
    /// At commas, else at spaces: as Jekyll does.
    Words,
    /// At commas.
    Commas,
}

/// The names in a value: a text, a list, an object with a name, or a list of these.
#[must_use]
pub fn names(value: &Value, syntax: ListSyntax) -> Vec<String> {
    let mut names = Vec::new();
    match value {
        Value::String(text) if syntax == ListSyntax::Whole => names.push(text.trim().to_owned()),
        Value::String(text) if syntax == ListSyntax::Commas || text.contains(',') => {
            names.extend(text.split(',').map(|name| name.trim().to_owned()));
        }
        Value::String(text) => names.extend(text.split_whitespace().map(str::to_owned)),
        Value::Array(items) => names.extend(items.iter().flat_map(|item| crate::exchange::names::names(item, ListSyntax::Whole))),
        Value::Object(fields) => {
            let name = ["slug", "name", "title", "label", "id"].iter().find_map(|key| fields.get(*key).and_then(Value::as_str));
            names.extend(name.map(|name| name.trim().to_owned()));
        }
        Value::Number(_) | Value::Bool(_) => names.push(value.to_string()),
        Value::Null => {}
    }
    names.retain(|name| !crate::exchange::is_blank(name));
    names
}

/// Whether a value has more details of its terms than their names.
#[must_use]
pub fn has_details(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.len() > 1,
        Value::Array(items) => items.iter().any(has_details),
        _ => false,
    }
}

/// Adds all names in a value. Objects with a slug and a name are terms.
pub fn add_all(value: &Value, syntax: ListSyntax, slugs: &mut SlugList, notes: &mut Vec<ConversionNote>) {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        other => std::slice::from_ref(other),
    };
    let syntax = if value.is_array() { ListSyntax::Whole } else { syntax };
    for item in items {
        let (slug, name) = (item.get("slug").and_then(Value::as_str), item.get("name").and_then(Value::as_str));
        if let (Some(slug), Some(name)) = (slug, name) {
            let slug = to_slug(slug);
            let term = term(&slug, name, item.get("description").and_then(Value::as_str).unwrap_or(""));
            slugs.add_term(slug, name, Some(term), notes);
        } else {
            let without_slug = item.get("name").filter(|name| name.is_string()).unwrap_or(item);
            for name in names(without_slug, syntax) {
                slugs.add(&name, notes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_become_slugs_with_their_terms() {
        let (mut slugs, mut notes) = (SlugList::default(), Vec::new());
        add_all(
            &json!(["rust", "Web Dev", 2024, null, { "name": "Ada L." }, { "slug": "bob", "name": "Bob" }]),
            ListSyntax::Words,
            &mut slugs,
            &mut notes,
        );
        add_all(&json!("C++, C#"), ListSyntax::Words, &mut slugs, &mut notes);
        assert_eq!(slugs.slugs, ["rust", "web-dev", "2024", "ada-l", "bob", "c"]);
        let named: Vec<_> = slugs.terms.iter().map(|t| (t["slug"].as_str().unwrap(), t["name"].as_str().unwrap())).collect();
        assert_eq!(named, [("web-dev", "Web Dev"), ("ada-l", "Ada L."), ("bob", "Bob"), ("c", "C++")]);
        assert_eq!(notes.iter().map(|n| n.code).collect::<Vec<_>>(), ["names-merged"]);
    }

    #[test]
    fn a_text_is_split_by_the_syntax_of_its_key() {
        for (text, syntax, expected) in [
            ("web dev", ListSyntax::Words, vec!["web", "dev"]),
            ("web dev, rust", ListSyntax::Words, vec!["web dev", "rust"]),
            ("web dev", ListSyntax::Commas, vec!["web dev"]),
            ("a, b", ListSyntax::Whole, vec!["a, b"]),
            (" ", ListSyntax::Whole, vec![]),
        ] {
            assert_eq!(names(&json!(text), syntax), expected, "{text}");
        }
    }
}
