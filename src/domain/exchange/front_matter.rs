//! Splits a Markdown file into its front matter (YAML, TOML or JSON) and its body, which stays as it is, byte for byte.

use serde_json::{Map, Number, Value};

/// A file in its two parts.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    pub fields: Map<String, Value>,
    pub body: String,
}

/// # Errors
/// A sentence about what is wrong with the front matter, with the line where the parser knows it.
pub fn split(text: &str) -> Result<File, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (first, rest) = first_line(text);
    match first.trim_end() {
        "---" => fenced(rest, "---", yaml),
        "+++" => fenced(rest, "+++", toml),
        _ if opens_json(text) => json(text),
        _ => Ok(File { fields: Map::new(), body: text.to_owned() }),
    }
}

/// The first line without its end, and what follows it.
fn first_line(text: &str) -> (&str, &str) {
    text.split_once('\n').map_or((text, ""), |(line, rest)| (line.strip_suffix('\r').unwrap_or(line), rest))
}

type Parse = fn(&str) -> Result<Map<String, Value>, String>;

fn fenced(text: &str, fence: &str, parse: Parse) -> Result<File, String> {
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = first_line(rest);
        let line_is_fence = line.trim_end() == fence || fence == "---" && line.trim_end() == "...";
        if line_is_fence {
            let head = &text[..text.len() - rest.len()];
            return Ok(File { fields: parse(head)?, body: after_blank_line(after).to_owned() });
        }
        rest = after;
    }
    Err(format!("the front matter is opened by {fence} in line 1 and never closed"))
}

/// Exactly one blank line belongs to the fence.
fn after_blank_line(text: &str) -> &str {
    text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n')).unwrap_or(text)
}

/// `{"` and not `{{< shortcode >}}`.
fn opens_json(text: &str) -> bool {
    text.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with(['"', '}']))
}

fn json(text: &str) -> Result<File, String> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Map<String, Value>>();
    let fields = match stream.next() {
        Some(Ok(fields)) => fields,
        Some(Err(e)) => return Err(format!("the JSON front matter cannot be read: {e}")),
        None => Map::new(),
    };
    let (same_line, rest) = first_line(&text[stream.byte_offset()..]);
    let body = if same_line.trim().is_empty() { after_blank_line(rest) } else { &text[stream.byte_offset()..] };
    Ok(File { fields, body: body.to_owned() })
}

fn yaml(text: &str) -> Result<Map<String, Value>, String> {
    let broken = |e: &yaml_serde::Error| match e.location() {
        Some(place) => format!("the YAML front matter cannot be read, line {}: {e}", place.line() + 1),
        None => format!("the YAML front matter cannot be read: {e}"),
    };
    // Windows line ends would stay in block texts.
    let value: yaml_serde::Value = yaml_serde::from_str(&text.replace("\r\n", "\n")).map_err(|e| broken(&e))?;
    match from_yaml(value) {
        Value::Object(fields) => Ok(fields),
        Value::Null => Ok(Map::new()),
        _ => Err("the YAML front matter is not a mapping of keys to values".to_owned()),
    }
}

fn from_yaml(value: yaml_serde::Value) -> Value {
    match value {
        yaml_serde::Value::Null => Value::Null,
        yaml_serde::Value::Bool(b) => Value::from(b),
        // JSON has no NaN and no infinity; their names say more than nothing.
        yaml_serde::Value::Number(n) => n
            .as_u64()
            .map(Value::from)
            .or_else(|| n.as_i64().map(Value::from))
            .or_else(|| n.as_f64().and_then(Number::from_f64).map(Value::Number))
            .unwrap_or_else(|| Value::from(n.to_string())),
        yaml_serde::Value::String(text) => Value::from(text),
        yaml_serde::Value::Sequence(items) => items.into_iter().map(from_yaml).collect(),
        yaml_serde::Value::Mapping(pairs) => {
            pairs.into_iter().map(|(key, value)| (key_text(from_yaml(key)), from_yaml(value))).collect::<Map<_, _>>().into()
        }
        yaml_serde::Value::Tagged(tagged) => from_yaml(tagged.value),
    }
}

fn key_text(key: Value) -> String {
    match key {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn toml(text: &str) -> Result<Map<String, Value>, String> {
    let table: toml::Table = toml::from_str(text).map_err(|e| {
        let line = e.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 2);
        let place = line.map_or(String::new(), |line| format!(", line {line}"));
        format!("the TOML front matter cannot be read{place}: {}", e.message())
    })?;
    Ok(table.into_iter().map(|(key, value)| (key, from_toml(value))).collect())
}

fn from_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text),
        toml::Value::Integer(n) => Value::from(n),
        toml::Value::Float(n) => Number::from_f64(n).map_or_else(|| Value::from(n.to_string()), Value::Number),
        toml::Value::Boolean(b) => Value::from(b),
        toml::Value::Datetime(moment) => Value::from(moment.to_string()),
        toml::Value::Array(items) => items.into_iter().map(from_toml).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, from_toml(value))).collect::<Map<_, _>>().into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_three_kinds_and_their_bodies() {
        for (text, fields, body) in [
            ("---\na: 1\n---\n\nb\n", json!({ "a": 1 }), "b\n"),
            ("\u{feff}---\r\na: 2024-01-05\r\n---\r\n\r\n\r\nb", json!({ "a": "2024-01-05" }), "\r\nb"),
            ("---\n---\nb", json!({}), "b"),
            ("--- \na: [x, {1: y}]\n...\nb", json!({ "a": ["x", { "1": "y" }] }), "b"),
            (
                "+++\nd = 2024-01-05T10:00:00+01:00\nl = 2024-01-05\n[t]\nx = 1.5\n+++\nb",
                json!({ "d": "2024-01-05T10:00:00+01:00", "l": "2024-01-05", "t": { "x": 1.5 } }),
                "b",
            ),
            ("{\n \"a\": {\"b\": \"}\"}\n}\n\nbody", json!({ "a": { "b": "}" } }), "body"),
            ("{{< x >}}\n", json!({}), "{{< x >}}\n"),
            ("# Plain", json!({}), "# Plain"),
            ("", json!({}), ""),
            ("---\na: .nan\nb: !tag x\nc: 18446744073709551615\n---\n", json!({ "a": ".nan", "b": "x", "c": u64::MAX }), ""),
        ] {
            let file = split(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
            assert_eq!((Value::from(file.fields), file.body.as_str()), (fields, body), "{text:?}");
        }
    }

    #[test]
    fn what_is_broken_says_where() {
        for (text, says) in [
            ("---\na: 1\n", "never closed"),
            ("---\ntitle: a\nb: [1\n---\n", "line"),
            ("+++\na = 1\nb = = 2\n+++\n", "line 3"),
            ("{\"a\": \n", "line"),
            ("---\n- a\n---\n", "not a mapping"),
            ("---\na: 1\na: 2\n---\n", "duplicate"),
        ] {
            let error = split(text).unwrap_err();
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }
}
