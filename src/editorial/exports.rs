//! Exports insights as import lines: the live text, a newer draft, and redirected slugs. Importing the lines gives the same content.
//!
//! Terms that no insight carries have lines of their own, at the end.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::error::EditorialError;
use crate::domain::clock::Timestamp;
use crate::domain::draft::Draft;
use crate::domain::slug::Slug;
use crate::domain::term::TermKind;
use crate::store::exports::{self, ExportRange, Exported};
use crate::store::{self, Connection};

/// Categories, tags and authors that the lines so far describe.
#[derive(Debug, Default)]
pub struct ExplainedTerms(HashSet<(&'static str, String)>);

/// The lines of a range of insights, in the order of their ids.
pub async fn lines(
    db: &impl Connection,
    range: ExportRange,
    limit: i64,
    described: &mut ExplainedTerms,
    now: Timestamp,
) -> Result<Vec<(Uuid, Value)>, EditorialError> {
    let page = exports::page(db, range, limit, now).await?;
    let mut terms = HashMap::new();
    for kind in TermKind::ALL {
        let slugs: Vec<&Slug> = page.iter().flat_map(|insight| term_slugs(insight, kind)).collect();
        for term in store::terms::find_described(db, kind, &slugs).await? {
            terms.insert((kind.plural(), term.slug.clone()), term_fields(&term));
        }
    }
    described.0.extend(terms.keys().cloned());
    Ok(page.into_iter().map(|insight| (insight.id, line(insight, &terms))).collect())
}

/// The lines of the categories, tags and authors that no line has described.
pub async fn term_lines(db: &impl Connection, described: &ExplainedTerms) -> Result<Vec<Value>, EditorialError> {
    let mut lines = Vec::new();
    for kind in TermKind::ALL {
        let terms = store::terms::list_described(db, kind).await?;
        for term in terms.into_iter().filter(|term| !described.0.contains(&(kind.plural(), term.slug.clone()))) {
            let mut line = Map::from_iter([("kind".to_owned(), json!(kind.resource().as_str()))]);
            if let Value::Object(fields) = term_fields(&term) {
                line.extend(fields);
            }
            lines.push(Value::Object(line));
        }
    }
    Ok(lines)
}

/// The fields of terms, by the plural of their kind and their slug.
type TermExplanations = HashMap<(&'static str, String), Value>;

fn term_slugs(insight: &Exported, kind: TermKind) -> Vec<&Slug> {
    let drafts = [&insight.live, &insight.newer].into_iter().flatten();
    drafts.flat_map(|draft| draft.terms(kind)).collect()
}

fn line(insight: Exported, terms: &TermExplanations) -> Value {
    let descriptions = describe_terms(&insight, terms);
    let Exported { id, source_locale, live, newer, times, aliases } = insight;
    let is_live = live.is_some();
    let (text, newer) = match live {
        Some(live) => (live, newer),
        None => (newer.unwrap_or_default(), None),
    };
    let mut line = Map::from_iter([("id".to_owned(), json!(id)), ("locale".to_owned(), json!(source_locale))]);
    line.extend(present_fields(&text));
    line.insert("status".to_owned(), json!(if is_live { "published" } else { "draft" }));
    for (name, at) in times.members() {
        if let Some(at) = at {
            line.insert(name.to_owned(), json!(at.rfc3339()));
        }
    }
    if !aliases.is_empty() {
        line.insert("aliases".to_owned(), json!(aliases));
    }
    if let Some(newer) = newer {
        line.insert("draft".to_owned(), Value::Object(present_fields(&newer)));
    }
    line.insert("terms".to_owned(), descriptions);
    Value::Object(line)
}

/// The fields of a draft that are present: no nulls, no empty lists or objects.
fn present_fields(draft: &Draft) -> Map<String, Value> {
    fn is_present(value: &Value) -> bool {
        match value {
            Value::Null => false,
            Value::Array(items) => !items.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
            _ => true,
        }
    }
    fn without_nulls(value: Value) -> Value {
        match value {
            Value::Object(fields) => fields.into_iter().filter(|(_, value)| !value.is_null()).collect(),
            other => other,
        }
    }
    let Value::Object(fields) = draft.to_input() else { return Map::new() };
    fields
        .into_iter()
        .map(|(name, value)| match (name.as_str(), value) {
            ("seo", value) => (name, without_nulls(value)),
            ("translations", Value::Object(texts)) => {
                (name, texts.into_iter().map(|(locale, text)| (locale, without_nulls(text))).collect())
            }
            (_, value) => (name, value),
        })
        .filter(|(_, value)| is_present(value))
        .collect()
}

fn describe_terms(insight: &Exported, terms: &TermExplanations) -> Value {
    let fields_of = |kind: TermKind| -> Vec<Value> {
        let mut slugs: Vec<&Slug> = Vec::new();
        for slug in term_slugs(insight, kind) {
            if !slugs.contains(&slug) {
                slugs.push(slug);
            }
        }
        slugs.into_iter().filter_map(|slug| terms.get(&(kind.plural(), slug.to_string())).cloned()).collect()
    };
    let mut all = Map::new();
    let mut categories = fields_of(TermKind::Category);
    // A newer draft may have another category.
    let category = if categories.len() > 1 { json!(categories) } else { categories.pop().unwrap_or_default() };
    if !category.is_null() {
        all.insert("category".to_owned(), category);
    }
    for kind in [TermKind::Tag, TermKind::Author] {
        let list = fields_of(kind);
        if !list.is_empty() {
            all.insert(kind.plural().to_owned(), json!(list));
        }
    }
    Value::Object(all)
}

fn term_fields(term: &store::terms::DescribedTerm) -> Value {
    let mut fields = Map::from_iter([("slug".to_owned(), json!(term.slug)), ("name".to_owned(), json!(term.name))]);
    if !term.description.is_empty() {
        fields.insert("description".to_owned(), json!(term.description));
    }
    if !term.translations.0.is_empty() {
        fields.insert("translations".to_owned(), json!(term.translations));
    }
    Value::Object(fields)
}
