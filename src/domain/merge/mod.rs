//! Three-way merge of what two editors wrote from the same base: what only one of them changed is taken, the rest is named.

#[cfg(test)]
pub(in crate::domain) mod tests;
mod text;

use serde_json::{Map, Value};

use super::diff::joined;
use super::draft::{Draft, FIELDS};

#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    /// Whether nothing is left to decide.
    pub clean: bool,
    /// In the shape of [`Draft::to_input`]; not checked: two valid drafts can merge to one with too many tags.
    pub candidate: Value,
    pub conflicts: Vec<Conflict>,
}

/// What both sides changed differently. What is not there is `null`.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// Where (RFC 6901), for instance `/translations/it/title`.
    pub pointer: String,
    /// `null` for a body, as are the other two: the candidate's text holds all three between marks.
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
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), field(name, joined("", name), all.get(name), &mut conflicts)?)))
        .collect();
    Merge { clean: conflicts.is_empty(), candidate: Value::Object(candidate), conflicts }
}

/// One place in all three; `None` where it is not there.
#[derive(Clone, Copy)]
struct ThreeWay<'a> {
    base: Option<&'a Value>,
    yours: Option<&'a Value>,
    theirs: Option<&'a Value>,
}

/// How the value of one key is merged, and what is written to the candidate if anything.
type MergeRule = fn(&str, String, ThreeWay<'_>, &mut Vec<Conflict>) -> Option<Value>;

impl<'a> ThreeWay<'a> {
    fn get(self, key: &str) -> Self {
        let of = |value: Option<&'a Value>| value.and_then(|value| value.get(key));
        Self { base: of(self.base), yours: of(self.yours), theirs: of(self.theirs) }
    }

    /// The value that at most one side changed, or both to the same; otherwise what `disputed` makes of it.
    fn agreed_or(self, disputed: impl FnOnce() -> Option<Value>) -> Option<Value> {
        if self.yours == self.theirs || self.theirs == self.base {
            self.yours.cloned()
        } else if self.yours == self.base {
            self.theirs.cloned()
        } else {
            disputed()
        }
    }

    /// Both values stay in sight; the candidate takes yours, or theirs where you deleted what they changed.
    fn conflict(self, pointer: String, conflicts: &mut Vec<Conflict>) -> Option<Value> {
        let of = |value: Option<&Value>| value.cloned().unwrap_or_default();
        conflicts.push(Conflict { pointer, base: of(self.base), yours: of(self.yours), theirs: of(self.theirs) });
        self.yours.or(self.theirs).cloned()
    }

    /// Merges two objects key by key, in your order, with their new keys behind.
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
    let (lead, other) = if is_in_order(yours) && !is_in_order(theirs) { (theirs, yours) } else { (yours, theirs) };
    let mut merged: Vec<Value> = lead.iter().filter(|item| other.contains(item) || !base.contains(item)).cloned().collect();
    for (place, item) in other.iter().enumerate() {
        if base.contains(item) || merged.contains(item) {
            continue;
        }
        // Behind what it stands behind on its own side: the first author stays the first.
        let before = other[..place].iter().rev().find_map(|earlier| merged.iter().position(|item| item == earlier));
        merged.insert(before.map_or(0, |place| place + 1), item.clone());
    }
    merged
}
