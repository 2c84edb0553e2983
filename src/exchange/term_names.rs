//! Names for terms that a file only mentions: a slug becomes a name, so that a missing term can be created.

use serde_json::{Value, json};

/// Adds a description to `terms` for every category, tag and author that the item or its draft carries and that has none.
pub fn describe_terms(item: &mut Value) {
    if item.get("kind").is_some() {
        return;
    }
    for field in ["category", "tags", "authors"] {
        let mut described: Vec<Value> = match item["terms"][field].take() {
            Value::Array(list) => list,
            Value::Null => Vec::new(),
            one => vec![one],
        };
        for slug in slugs(item, field) {
            if !described.iter().any(|term| term["slug"] == slug.as_str()) {
                described.push(json!({ "slug": slug, "name": name_from_slug(&slug) }));
            }
        }
        item["terms"][field] = json!(described);
    }
}

/// The slugs in a field of the item and of its draft.
fn slugs(item: &Value, field: &str) -> Vec<String> {
    let drafts = [Some(item), item.get("draft")].into_iter().flatten();
    let values = drafts.filter_map(|draft| draft.get(field)).flat_map(|value| match value {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    });
    values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

/// `data-engineering` as `Data Engineering`.
fn name_from_slug(slug: &str) -> String {
    let capitalise =
        |word: &str| word.chars().next().map_or_else(String::new, |first| first.to_uppercase().chain(word.chars().skip(1)).collect());
    slug.split('-').map(capitalise).collect::<Vec<_>>().join(" ")
}
