//! Detects items of one import that would become the same insight: the later one gets a slug of its own, or is refused with a reason.

use std::collections::HashMap;

use serde_json::Value;

use crate::domain::slug::Slug;
use crate::exchange::plan::slug_with_hash;
use crate::exchange::{ConversionNote, ConvertedLine};

/// The ids, slugs and terms of the items so far, and the name of each item.
#[derive(Debug, Default)]
pub struct ItemRegistry {
    ids: HashMap<String, String>,
    slugs: HashMap<String, String>,
    terms: HashMap<(String, String), (String, Value)>,
}

impl ItemRegistry {
    /// Registers a line, under a slug that no earlier line has. The same lines in the same order always get the same slugs.
    ///
    /// # Errors
    /// Its name, and which other item has the same id or slug.
    pub fn register(&mut self, mut line: ConvertedLine) -> Result<ConvertedLine, (String, String)> {
        let text = |field: &str| line.item.get(field).and_then(Value::as_str).map(str::to_owned);
        let (id, Some(slug)) = (text("id").map(|id| id.to_ascii_lowercase()), text("slug")) else { return Ok(line) };
        if let Some(kind) = text("kind") {
            return self.register_term(line, kind, slug);
        }
        if let Some(other) = id.as_ref().and_then(|id| self.ids.get(id)) {
            return Err((line.name, format!("has the same id as {other}: give it another one, or none")));
        }
        let mut final_slug = slug.clone();
        if let Some(other) = self.slugs.get(&slug) {
            let alternatives = [line.own_slug.clone(), slug_with_hash(&slug, &line.name)];
            let free = alternatives.into_iter().find(|own| Slug::parse(own).is_some() && !self.slugs.contains_key(own));
            // An item with an id may exist under its slug already. Renaming it is a decision for a person.
            let Some(own) = free.filter(|_| id.is_none()) else {
                return Err((line.name, format!("has the same slug as {other}, {slug}: give it another one")));
            };
            line.notes.push(ConversionNote::new("slug-shared", format!("{other} has the slug {slug}; this one became {own}")));
            line.item["slug"] = Value::from(own.as_str());
            final_slug = own;
        }
        self.slugs.insert(final_slug, line.name.clone());
        self.ids.extend(id.map(|id| (id, line.name.clone())));
        Ok(line)
    }

    /// Two lines of a term are accepted if they are equal.
    fn register_term(&mut self, line: ConvertedLine, kind: String, slug: String) -> Result<ConvertedLine, (String, String)> {
        match self.terms.get(&(kind.clone(), slug.clone())) {
            Some((other, item)) if *item != line.item => {
                Err((line.name, format!("is the {kind} {slug}, and {other} is too, with other fields: merge them")))
            }
            _ => {
                self.terms.insert((kind, slug), (line.name.clone(), line.item.clone()));
                Ok(line)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(name: &str, own_slug: &str, item: Value) -> ConvertedLine {
        ConvertedLine { name: name.to_owned(), own_slug: own_slug.to_owned(), item, notes: Vec::new() }
    }

    #[test]
    fn a_later_item_with_the_same_slug_gets_its_own() {
        let mut registry = ItemRegistry::default();
        let mut slug = |name: &str, own: &str| {
            let line = registry.register(line(name, own, json!({ "slug": "a" }))).unwrap();
            (line.item["slug"].as_str().unwrap().to_owned(), line.notes.first().map(|note| note.detail.clone()))
        };
        assert_eq!(slug("x/a.md", "a"), ("a".to_owned(), None));
        assert_eq!(slug("y/b.md", "b"), ("b".to_owned(), Some("x/a.md has the slug a; this one became b".to_owned())));
        let (third, _) = slug("z/b.md", "b");
        assert!(third.starts_with("a-") && third.len() == 10, "{third}");
        let (fourth, _) = slug("w/b.md", "b");
        assert!(fourth != third && fourth.starts_with("a-"), "{fourth}");
    }

    #[test]
    fn an_item_that_cannot_be_renamed_names_the_other() {
        let mut registry = ItemRegistry::default();
        let mut refused = |name: &str, item: Value| registry.register(line(name, "", item)).err().map(|(_, reason)| reason);
        assert_eq!(refused("a.md", json!({ "id": "1A", "slug": "a" })), None);
        assert_eq!(refused("b.md", json!({ "id": "1a", "slug": "b" })).unwrap(), "has the same id as a.md: give it another one, or none");
        assert_eq!(refused("c.md", json!({ "id": "2", "slug": "a" })).unwrap(), "has the same slug as a.md, a: give it another one");
        let tag = |name: &str| json!({ "kind": "tag", "slug": "a", "name": name });
        assert_eq!((refused("d.md", tag("A")), refused("e.md", tag("A"))), (None, None));
        assert!(refused("f.md", tag("B")).unwrap().starts_with("is the tag a, and e.md is too"));
    }
}
