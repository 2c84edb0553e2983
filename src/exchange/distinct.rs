//! Keeps the items of one import apart. No two of them become one insight unnoticed: the later one gets a slug of its own, or is refused and told why.

use std::collections::HashMap;

use serde_json::Value;

use crate::domain::slug::Slug;
use crate::exchange::plan::marked;
use crate::exchange::{ConversionNote, ConvertedLine};

/// What the items so far are, and their names.
#[derive(Debug, Default)]
pub struct ItemRegistry {
    ids: HashMap<String, String>,
    slugs: HashMap<String, String>,
    terms: HashMap<(String, String), (String, Value)>,
}

impl ItemRegistry {
    /// The line, under a slug that no line before it has. The same lines in the same order always get the same slugs.
    ///
    /// # Errors
    /// Its name, and what it shares with which item.
    pub fn keep(&mut self, mut line: ConvertedLine) -> Result<ConvertedLine, (String, String)> {
        let said = |field: &str| line.item.get(field).and_then(Value::as_str).map(str::to_owned);
        let (id, Some(slug)) = (said("id").map(|id| id.to_ascii_lowercase()), said("slug")) else { return Ok(line) };
        if let Some(kind) = said("kind") {
            return self.keep_term(line, kind, slug);
        }
        if let Some(other) = id.as_ref().and_then(|id| self.ids.get(id)) {
            return Err((line.name, format!("has the same id as {other}: give it another one, or none")));
        }
        let mut free = slug.clone();
        if let Some(other) = self.slugs.get(&slug) {
            let others = [line.own_slug.clone(), marked(&slug, &line.name)];
            let found = others.into_iter().find(|own| Slug::parse(own).is_some() && !self.slugs.contains_key(own));
            // What has an id is there under its slug, perhaps: to rename it is for somebody who knows.
            let Some(own) = found.filter(|_| id.is_none()) else {
                return Err((line.name, format!("has the same slug as {other}, {slug}: give it another one")));
            };
            line.notes.push(ConversionNote::new("slug-shared", format!("{other} has the slug {slug}; this one became {own}")));
            line.item["slug"] = Value::from(own.as_str());
            free = own;
        }
        self.slugs.insert(free, line.name.clone());
        self.ids.extend(id.map(|id| (id, line.name.clone())));
        Ok(line)
    }

    /// A category, tag or author is its slug: two that say the same are one.
    fn keep_term(&mut self, line: ConvertedLine, kind: String, slug: String) -> Result<ConvertedLine, (String, String)> {
        match self.terms.get(&(kind.clone(), slug.clone())) {
            Some((other, item)) if *item != line.item => {
                Err((line.name, format!("is the {kind} {slug}, and {other} is too, and says something else: make them one")))
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
    fn the_later_one_gets_a_slug_of_its_own() {
        let mut distinct = ItemRegistry::default();
        let mut slug = |name: &str, own: &str| {
            let kept = distinct.keep(line(name, own, json!({ "slug": "a" }))).unwrap();
            (kept.item["slug"].as_str().unwrap().to_owned(), kept.notes.first().map(|note| note.detail.clone()))
        };
        assert_eq!(slug("x/a.md", "a"), ("a".to_owned(), None));
        assert_eq!(slug("y/b.md", "b"), ("b".to_owned(), Some("x/a.md has the slug a; this one became b".to_owned())));
        let (third, _) = slug("z/b.md", "b");
        assert!(third.starts_with("a-") && third.len() == 10, "{third}");
        let (fourth, _) = slug("w/b.md", "b");
        assert!(fourth != third && fourth.starts_with("a-"), "{fourth}");
    }

    #[test]
    fn what_cannot_be_kept_apart_names_the_other() {
        let mut distinct = ItemRegistry::default();
        let mut refused = |name: &str, item: Value| distinct.keep(line(name, "", item)).err().map(|(_, reason)| reason);
        assert_eq!(refused("a.md", json!({ "id": "1A", "slug": "a" })), None);
        assert_eq!(refused("b.md", json!({ "id": "1a", "slug": "b" })).unwrap(), "has the same id as a.md: give it another one, or none");
        assert_eq!(refused("c.md", json!({ "id": "2", "slug": "a" })).unwrap(), "has the same slug as a.md, a: give it another one");
        let tag = |name: &str| json!({ "kind": "tag", "slug": "a", "name": name });
        assert_eq!((refused("d.md", tag("A")), refused("e.md", tag("A"))), (None, None));
        assert!(refused("f.md", tag("B")).unwrap().starts_with("is the tag a, and e.md is too"));
    }
}
