//! The differences between two drafts, field by field, for an editor who compares revisions.

mod edits;
#[cfg(test)]
mod tests;
mod text;

use serde_json::{Map, Value};

use super::draft::{Draft, FIELDS};

pub(in crate::domain) use edits::{Edit, edits};
pub use text::{DiffPart, Hunk, Op, TextDiff};

/// A field that differs. What is not there on one side is `null`.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldDiff {
    /// Where (RFC 6901), for instance `/translations/it/title`.
    pub pointer: String,
    /// `null` for a body: `text` is complete.
    pub before: Value,
    pub after: Value,
    pub text: Option<TextDiff>,
}

/// The fields in which two drafts differ, in the order of [`FIELDS`]; keys of `seo`, `extra` and `translations` on their own.
#[must_use]
pub fn diff(old: &Draft, new: &Draft) -> Vec<FieldDiff> {
    let (old, new) = (old.to_input(), new.to_input());
    let mut diffs = Vec::new();
    for name in FIELDS.iter().copied() {
        let (pointer, sides) = (joined("", name), (old.get(name), new.get(name)));
        match name {
            "seo" | "extra" => by_key(&pointer, sides, &mut diffs, |_, pointer, sides| vec![whole(pointer, sides)]),
            "translations" => by_key(&pointer, sides, &mut diffs, |_, pointer, sides| locale(pointer, sides)),
            _ if sides.0 != sides.1 => diffs.push(field(name, pointer, sides)),
            _ => {}
        }
    }
    diffs
}

type Sides<'a> = (Option<&'a Value>, Option<&'a Value>);

/// Compares two objects key by key: the old one's keys in their order, then the new ones.
fn by_key(pointer: &str, (old, new): Sides<'_>, found: &mut Vec<FieldDiff>, compare: fn(&str, String, Sides<'_>) -> Vec<FieldDiff>) {
    let empty = Map::new();
    let [old, new] = [old, new].map(|side| side.and_then(Value::as_object).unwrap_or(&empty));
    let added = new.keys().filter(|key| !old.contains_key(*key));
    for key in old.keys().chain(added) {
        let sides = (old.get(key), new.get(key));
        if sides.0 != sides.1 {
            found.append(&mut compare(key, joined(pointer, key), sides));
        }
    }
}

/// The texts of one locale; as a whole if only one side has the locale.
fn locale(pointer: String, sides: Sides<'_>) -> Vec<FieldDiff> {
    let mut found = Vec::new();
    match sides {
        (Some(_), Some(_)) => by_key(&pointer, sides, &mut found, |name, pointer, sides| vec![field(name, pointer, sides)]),
        _ => found.push(whole(pointer, sides)),
    }
    found
}

fn field(name: &str, pointer: String, sides: Sides<'_>) -> FieldDiff {
    let is_text = matches!(name, "title" | "excerpt" | "body_markdown");
    let words = |side: Option<&'_ Value>| side.and_then(Value::as_str).unwrap_or_default().to_owned();
    let text = is_text.then(|| text::diff(&words(sides.0), &words(sides.1)));
    let shown = if name == "body_markdown" { (None, None) } else { sides };
    FieldDiff { text, ..whole(pointer, shown) }
}

fn whole(pointer: String, (old, new): Sides<'_>) -> FieldDiff {
    FieldDiff { pointer, before: old.cloned().unwrap_or_default(), after: new.cloned().unwrap_or_default(), text: None }
}

/// A JSON pointer one key longer (RFC 6901, section 3).
pub(in crate::domain) fn joined(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}
