//! Reads a JSON object field by field and collects its faults, each with its JSON pointer.
//!
//! Create a [`FieldReader`], call an accessor per field, then [`FieldReader::finish`], which also reports unknown fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::field_errors::{FieldError, FieldErrors};
use super::locale::Locale;
use super::slug::Slug;
use super::text::Refused;

pub const MAX_TRANSLATIONS: usize = 50;
/// No object whose fields are read has more: one that does is refused before its members are looked at.
pub const MAX_MEMBERS: usize = 1_000;

/// An object that is being read. Every accessor removes its field; the fields that remain at the end are unknown.
pub struct FieldReader {
    at: String,
    object: Map<String, Value>,
    known: Vec<&'static str>,
    errors: FieldErrors,
}

impl FieldReader {
    /// # Errors
    /// When the value is not an object, or has more than [`MAX_MEMBERS`] members.
    pub fn new(value: Value, at: &str) -> Result<Self, FieldErrors> {
        match value {
            Value::Object(object) => {
                require_few_members(&object, at)?;
                Ok(Self { at: at.to_owned(), object, known: Vec::new(), errors: FieldErrors::default() })
            }
            _ => Err(FieldError { pointer: at.to_owned(), code: "invalid-type", detail: "must be an object".to_owned() }.into()),
        }
    }

    /// The field's value. Absent and `null` are the same.
    pub fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.object.remove(name).filter(|value| !value.is_null())
    }

    pub fn fault(&mut self, name: &str, refused: Refused) {
        let pointer = format!("{}/{}", self.at, escaped(name));
        self.fault_at(pointer, refused);
    }

    /// A fault of the object as a whole.
    pub fn fault_here(&mut self, refused: Refused) {
        self.fault_at(self.at.clone(), refused);
    }

    fn fault_at(&mut self, pointer: String, refused: Refused) {
        self.errors.push(FieldError { pointer, code: refused.code, detail: refused.detail });
    }

    /// An optional text under a rule.
    pub fn text<T>(&mut self, name: &'static str, rule: impl Fn(&str) -> Result<T, Refused>) -> Option<T> {
        let value = self.take(name)?;
        let Value::String(text) = value else {
            self.fault(name, Refused::new("invalid-type", "must be a string"));
            return None;
        };
        rule(&text).map_err(|refused| self.fault(name, refused)).ok()
    }

    /// A required text. Its value after a fault is never used: [`FieldReader::finish`] fails.
    pub fn required_text<T: Default>(&mut self, name: &'static str, rule: impl Fn(&str) -> Result<T, Refused>) -> T {
        if matches!(self.object.get(name), None | Some(Value::Null)) {
            self.take(name);
            self.fault(name, Refused::new("required", "is required"));
            return T::default();
        }
        self.text(name, rule).unwrap_or_default()
    }

    /// An optional whole number; `5.0` is one.
    pub fn integer(&mut self, name: &'static str, min: i64, max: i64) -> Option<i64> {
        let value = self.take(name)?;
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked below, and the cast saturates")]
        let number = value.as_i64().or_else(|| value.as_f64().filter(|f| f.fract() == 0.0).map(|f| f as i64));
        if let Some(number) = number.filter(|n| (min..=max).contains(n)) {
            return Some(number);
        }
        self.fault(name, Refused::new("invalid-integer", format!("must be a whole number from {min} to {max}")));
        None
    }

    /// An optional true or false.
    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        let value = self.take(name)?;
        if value.as_bool().is_none() {
            self.fault(name, Refused::new("invalid-type", "must be true or false"));
        }
        value.as_bool()
    }

    /// An optional list of different texts under a rule.
    pub fn list<T: PartialEq>(&mut self, name: &'static str, max: usize, rule: impl Fn(&str) -> Result<T, Refused>) -> Vec<T> {
        let Some(value) = self.take(name) else { return Vec::new() };
        let Value::Array(items) = value else {
            self.fault(name, Refused::new("invalid-type", "must be an array of strings"));
            return Vec::new();
        };
        if items.len() > max {
            self.fault(name, Refused::new("too-many", format!("must have at most {max} items")));
        }
        let mut list = Vec::new();
        for (index, item) in items.iter().take(max).enumerate() {
            let pointer = format!("{}/{name}/{index}", self.at);
            let read = item.as_str().ok_or_else(|| Refused::new("invalid-type", "must be a string")).and_then(&rule);
            match read {
                Ok(item) if list.contains(&item) => {
                    self.fault_at(pointer, Refused::new("duplicate", "must not repeat an earlier item"));
                }
                Ok(item) => list.push(item),
                Err(refused) => self.fault_at(pointer, refused),
            }
        }
        list
    }

    /// An optional object of any shape; at most `max` bytes of JSON, and `depth` levels.
    pub fn object(&mut self, name: &'static str, max: usize, depth: usize) -> Map<String, Value> {
        match self.take(name) {
            None => Map::new(),
            Some(Value::Object(object)) => {
                let length = serde_json::to_vec(&object).map_or(usize::MAX, |text| text.len());
                if length > max {
                    self.fault(name, Refused::new("too-long", format!("must have at most {max} bytes of JSON")));
                }
                if object.values().any(|value| is_deeper(value, depth.saturating_sub(1))) {
                    self.fault(name, Refused::new("too-deep", format!("must have at most {depth} levels of objects and lists")));
                }
                if object.iter().any(|(key, value)| key.contains('\0') || has_nul(value)) {
                    self.fault(name, Refused::new("invalid-character", "must not contain the NUL character"));
                }
                object
            }
            Some(_) => {
                self.fault(name, Refused::new("invalid-type", "must be an object"));
                Map::new()
            }
        }
    }

    /// Reads an optional inner object with its own fields; its faults join this object's.
    pub fn nested<T: Default>(&mut self, name: &'static str, read: impl FnOnce(FieldReader) -> Result<T, FieldErrors>) -> T {
        let Some(value) = self.take(name) else { return T::default() };
        let at = format!("{}/{name}", self.at);
        match FieldReader::new(value, &at).and_then(read) {
            Ok(read) => read,
            Err(faults) => {
                self.errors.append(faults);
                T::default()
            }
        }
    }

    /// Removes all remaining fields, for objects whose keys are data (locales).
    pub fn drain(&mut self) -> Vec<(String, Value, String)> {
        let at = self.at.clone();
        std::mem::take(&mut self.object)
            .into_iter()
            .map(|(key, value)| {
                let pointer = format!("{at}/{}", escaped(&key));
                (key, value, pointer)
            })
            .collect()
    }

    pub fn add_errors(&mut self, errors: FieldErrors) {
        self.errors.append(errors);
    }

    /// The result, if there is no fault and no unknown field.
    ///
    /// # Errors
    /// The faults in the order of the accessors, then one for each unknown field; the first of these lists the known ones.
    pub fn finish<T>(mut self, result: T) -> Result<T, FieldErrors> {
        let unknown: Vec<String> = self.object.keys().cloned().collect();
        let mut detail = format!("is not known here; known fields: {}", self.known.join(", "));
        for name in unknown {
            self.fault(&name, Refused::new("unknown-field", std::mem::replace(&mut detail, "is not known here".to_owned())));
        }
        if self.errors.is_empty() { Ok(result) } else { Err(self.errors) }
    }
}

/// Reads an object whose keys are locales and whose values are objects of one shape.
///
/// # Errors
/// Every fault of every locale.
pub fn by_locale<T>(mut fields: FieldReader, read: impl Fn(&mut FieldReader) -> T) -> Result<BTreeMap<String, T>, FieldErrors> {
    let mut texts = BTreeMap::new();
    for (key, value, pointer) in fields.drain() {
        if value.is_null() {
            continue;
        }
        let Some(locale) = Locale::parse(&key) else {
            fields.fault(&key, Refused::new("invalid-locale", "the key must be a language tag such as de or it-CH (BCP 47)"));
            continue;
        };
        let text = FieldReader::new(value, &pointer).and_then(|mut inner| {
            let text = read(&mut inner);
            inner.finish(text)
        });
        match text {
            Ok(text) => {
                if texts.insert(locale.to_string(), text).is_some() {
                    fields.fault(&key, Refused::new("duplicate", "names the same locale as an earlier key"));
                }
            }
            Err(errors) => fields.add_errors(errors),
        }
    }
    if texts.len() > MAX_TRANSLATIONS {
        fields.fault_here(Refused::new("too-many", format!("must have at most {MAX_TRANSLATIONS} locales")));
    }
    fields.finish(texts)
}

/// Refuses an object with more than [`MAX_MEMBERS`] members.
///
/// # Errors
/// One fault, of the object as a whole.
pub fn require_few_members(object: &Map<String, Value>, at: &str) -> Result<(), FieldErrors> {
    if object.len() <= MAX_MEMBERS {
        return Ok(());
    }
    let detail = format!("must have at most {MAX_MEMBERS} members");
    Err(FieldError { pointer: at.to_owned(), code: "too-many-members", detail }.into())
}

/// A key as a segment of a JSON pointer (RFC 6901, section 3).
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    let inner: Vec<&Value> = match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => return false,
    };
    levels == 0 || inner.into_iter().any(|value| is_deeper(value, levels - 1))
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The rule for a slug of the input.
pub fn slug(text: &str) -> Result<Slug, Refused> {
    Slug::parse(text).ok_or_else(|| {
        Refused::new("invalid-slug", "must be lower-case letters and digits in words joined by single hyphens, at most 100 characters")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn unknown_members(count: usize) -> Value {
        (0..count).map(|n| (n.to_string(), json!(1))).collect::<Map<_, _>>().into()
    }

    fn read(value: Value) -> Vec<FieldError> {
        let read = FieldReader::new(value, "").and_then(|mut fields| {
            let name = fields.text("name", |text| Ok(text.to_owned()));
            fields.finish(name)
        });
        read.err().unwrap_or_default().into_iter().collect()
    }

    #[test]
    fn unknown_members_are_listed_up_to_a_bound_and_the_known_ones_once() {
        let faults = read(unknown_members(250));
        assert_eq!(faults.len(), 101);
        assert_eq!(faults.iter().filter(|fault| fault.detail.contains("known fields: name")).count(), 1);
        assert!(faults[..100].iter().all(|fault| fault.code == "unknown-field"));
        assert_eq!((faults[100].code, faults[100].detail.as_str()), ("more-faults", "and 150 more"));
    }

    #[test]
    fn an_object_with_too_many_members_has_one_fault() {
        assert_eq!(read(unknown_members(MAX_MEMBERS)).len(), 101);
        let faults = read(unknown_members(MAX_MEMBERS + 1));
        assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["too-many-members"]);
        let mut fields = FieldReader::new(json!({ "translations": unknown_members(MAX_MEMBERS + 1) }), "").unwrap();
        fields.nested("translations", |inner| by_locale(inner, |_| ()));
        let faults: Vec<FieldError> = fields.finish(()).unwrap_err().into_iter().collect();
        assert_eq!((faults.len(), faults[0].pointer.as_str(), faults[0].code), (1, "/translations", "too-many-members"));
    }
}
