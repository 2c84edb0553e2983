//! The three-way merge of two drafts with a common base. A change of one side is taken; different changes of both are conflicts.

#[cfg(test)]
pub(in crate::domain) mod tests;
mod text;

use serde_json::{Map, Value};

use super::diff::joined;
use super::draft::{Draft, FIELDS};

#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    /// Whether there is no conflict.
    pub clean: bool,
    /// In the shape of [`Draft::to_input`]; not validated: two valid drafts can merge to one with too many tags.
    pub candidate: Value,
    pub conflicts: Vec<Conflict>,
}

/// A value that both sides changed differently. A missing value is `null`.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// Its place (RFC 6901), for example `/translations/it/title`.
    pub pointer: String,
    /// `null` for a body, as the other two: the candidate's text contains all three between conflict markers.
    pub base: Value,
    pub yours: Value,
    pub theirs: Value,
}

#[must_use]
pub fn merge(base: &Draft, yours: &Draft, theirs: &Draft) -> Merge {
    let [base, yours, theirs] = [base, yours, theirs].map(Draft::to_input);
    let all = ThreeWay { base: Some(&base), yours: Some(&yours), theirs: Some(&theirs) };
    let mut conflicts = Vec::new();
    let candidate = FIELDS
        .iter()
        .copied()
        .filter_map(|name| Some((name.to_owned(), field(name, joined("", name), all.get(name), &mut conflicts)?)))
        .collect();
    Merge { clean: conflicts.is_empty(), candidate: Value::Object(candidate), conflicts }
}

/// One value in all three drafts; `None` where it is missing.
#[derive(Clone, Copy)]
struct ThreeWay<'a> {
    base: Option<&'a Value>,
    yours: Option<&'a Value>,
    theirs: Option<&'a Value>,
}

/// Merges the value of one key; returns the candidate's value, if it has one.
type MergeRule = fn(&str, String, ThreeWay<'_>, &mut Vec<Conflict>) -> Option<Value>;

impl<'a> ThreeWay<'a> {
    fn get(self, key: &str) -> Self {
        let of = |value: Option<&'a Value>| value.and_then(|value| value.get(key));
        Self { base: of(self.base), yours: of(self.yours), theirs: of(self.theirs) }
    }

    /// The value if at most one side changed it, or both to the same; else the result of `resolve`.
    fn agreed_or(self, resolve: impl FnOnce() -> Option<Value>) -> Option<Value> {
        if self.yours == self.theirs || self.theirs == self.base {
            self.yours.cloned()
        } else if self.yours == self.base {
            self.theirs.cloned()
        } else {
            resolve()
        }
    }

    /// Records a conflict. The candidate takes yours, or theirs where you deleted what they changed.
    fn conflict(self, pointer: String, conflicts: &mut Vec<Conflict>) -> Option<Value> {
        let of = |value: Option<&Value>| value.cloned().unwrap_or_default();
        conflicts.push(Conflict { pointer, base: of(self.base), yours: of(self.yours), theirs: of(self.theirs) });
        self.yours.or(self.theirs).cloned()
    }

    /// Merges two objects key by key, in your order, followed by their new keys.
    fn by_key(self, pointer: &str, conflicts: &mut Vec<Conflict>, rule: MergeRule) -> Value {
        let empty = Map::new();
        let [yours, theirs] = [self.yours, self.theirs].map(|side| side.and_then(Value::as_object).unwrap_or(&empty));
        let keys = yours.keys().chain(theirs.keys().filter(|key| !yours.contains_key(*key)));
        keys.filter_map(|key| Some((key.clone(), rule(key, joined(pointer, key), self.get(key), conflicts)?))).collect()
    }

    fn texts(self) -> [&'a str; 3] {
        [self.base, self.yours, self.theirs].map(|value| value.and_then(Value::as_str).unwrap_or_default())
    }

    fn lists(self) -> [&'a [Value]; 3] {
        [self.base, self.yours, self.theirs].map(|value| value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice))
    }
}

/// A field of a draft or of a translation.
fn field(name: &str, pointer: String, three: ThreeWay<'_>, conflicts: &mut Vec<Conflict>) -> Option<Value> {
    three.agreed_or(|| match name {
        "body_markdown" => Some(body(pointer, three, conflicts)),
        "tags" | "authors" => Some(list(three).into()),
        "seo" | "extra" => tree(name, pointer, three, conflicts),
        "translations" => Some(three.by_key(&pointer, conflicts, locale)),
        _ => three.conflict(pointer, conflicts),
    })
}

fn locale(_: &str, pointer: String, three: ThreeWay<'_>, conflicts: &mut Vec<Conflict>) -> Option<Value> {
    three.agreed_or(|| match (three.yours, three.theirs) {
        (Some(_), Some(_)) => Some(three.by_key(&pointer, conflicts, field)),
        _ => three.conflict(pointer, conflicts),
    })
}

/// Objects key by key at any depth; anything else as a whole.
fn tree(_: &str, pointer: String, three: ThreeWay<'_>, conflicts: &mut Vec<Conflict>) -> Option<Value> {
    three.agreed_or(|| match (three.yours, three.theirs) {
        (Some(Value::Object(_)), Some(Value::Object(_))) => Some(three.by_key(&pointer, conflicts, tree)),
        _ => three.conflict(pointer, conflicts),
    })
}

fn body(pointer: String, three: ThreeWay<'_>, conflicts: &mut Vec<Conflict>) -> Value {
    let [base, yours, theirs] = three.texts();
    let merged = text::merge(base, yours, theirs);
    if !merged.clean {
        conflicts.push(Conflict { pointer, base: Value::Null, yours: Value::Null, theirs: Value::Null });
    }
    merged.text.into()
}

/// An ordered set: the additions and the removals of both sides, in the order of the side that changed the order.
fn list(three: ThreeWay<'_>) -> Vec<Value> {
    let [base, yours, theirs] = three.lists();
    let is_in_order = |side: &[Value]| {
        let kept = base.iter().filter(|item| side.contains(item));
        kept.eq(side.iter().filter(|item| base.contains(item)))
    };
    let (first, second) = if is_in_order(yours) && !is_in_order(theirs) { (theirs, yours) } else { (yours, theirs) };
    let mut merged: Vec<Value> = first.iter().filter(|item| second.contains(item) || !base.contains(item)).cloned().collect();
    for (index, item) in second.iter().enumerate() {
        if base.contains(item) || merged.contains(item) {
            continue;
        }
        // After its predecessor on its own side: the first author stays the first.
        let before = second[..index].iter().rev().find_map(|earlier| merged.iter().position(|item| item == earlier));
        merged.insert(before.map_or(0, |at| at + 1), item.clone());
    }
    merged
}
