//! Quotes values so that YAML and JSON parsers both read back exactly the same value: strings of front matter, and JSON on one line.

use std::fmt::Write as _;

use serde_json::Value;

/// YAML limits a key without `?` to 1 024 characters; the rest is for escapes.
const MAX_PLAIN_KEY: usize = 900;

/// Quotes a string with double quotes. Characters that YAML folds or refuses, or that are invisible, are escaped as in JSON.
#[must_use]
pub fn string(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // Writing to a `String` does not fail.
            c if is_escaped(c) => drop(write!(quoted, "\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Control characters, Unicode line separators, characters that YAML calls unprintable, and direction marks.
fn is_escaped(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
}

/// A value on one line, valid as JSON and as a YAML flow mapping.
#[must_use]
pub fn value(value: &Value) -> String {
    let mut text = String::new();
    push_value(value, &mut text);
    text
}

fn push_value(value: &Value, text: &mut String) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
        Value::String(inner) => text.push_str(&string(inner)),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                push_value(item, text);
            }
            text.push(']');
        }
        Value::Object(fields) => {
            text.push('{');
            for (index, (key, item)) in fields.iter().enumerate() {
                let key = string(key);
                text.push_str(if index == 0 { "" } else { ", " });
                text.push_str(if key.len() > MAX_PLAIN_KEY { "? " } else { "" });
                text.push_str(&key);
                text.push_str(": ");
                push_value(item, text);
            }
            text.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::exchange::front_matter;

    fn read_back(written: &str) -> Value {
        let file = front_matter::split(&format!("---\nx: {written}\n---\n\nbody")).unwrap();
        file.fields.get("x").cloned().unwrap()
    }

    #[test]
    fn special_characters_of_yaml_read_back() {
        for text in [
            "",
            " ",
            "\u{85}",
            "\u{2028}\u{2029}",
            "\u{feff}a",
            "\u{7f}\u{80}",
            "a\r\nb",
            "\\",
            "\"",
            "---",
            "{{ x }}",
            "\u{ffff}\u{1fffe}",
        ] {
            assert_eq!(read_back(&string(text)), json!(text), "{text:?}");
        }
        for exact in [
            json!({ "a": 1e300, "b": -0.5, "c": u64::MAX, "d": i64::MIN, "e": 1.0, "f": 1e-7, "g": 0.1, "h": -0.0 }),
            json!({ "<<": { "a": null }, "1": true, "true": [], "": {}, "!x": "!y", "a b: c": "~" }),
            json!({ "x".repeat(2_000): { "é".repeat(1_000): ["y".repeat(3_000)] } }),
            json!({ "deep": [[[[{ "a": [{}] }]]]] }),
        ] {
            assert_eq!(read_back(&value(&exact)).to_string(), exact.to_string());
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter("JSON has no such number", |n| n.is_finite()).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..6).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_string_reads_back(text in prop_oneof![any::<String>(), prop::collection::vec(any::<char>(), 0..40).prop_map(|c| c.into_iter().collect())]) {
            prop_assert_eq!(read_back(&string(&text)), Value::from(text.clone()));
            prop_assert_eq!(serde_json::from_str::<Value>(&string(&text)).unwrap(), Value::from(text));
        }

        #[test]
        fn every_value_reads_back(original in any_json()) {
            prop_assert_eq!(read_back(&value(&original)).to_string(), original.to_string());
        }
    }
}
