//! Splits a Markdown file into its front matter (YAML, TOML or JSON) and its body, which is preserved byte for byte.

use serde_json::{Map, Number, Value};

/// A file, split.
#[derive(Clone, Debug, PartialEq)]
pub struct FrontMatterFile {
    pub fields: Map<String, Value>,
    pub body: String,
}

/// Splits a file. Without front matter, the fields are empty.
///
/// # Errors
/// What is wrong with the front matter, with the line if the parser knows it.
pub fn split(text: &str) -> Result<FrontMatterFile, String> {
    let whole = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (blank, text) = skip_blank_lines(whole);
    let (first, rest) = first_line(text);
    match first.trim_end() {
        "---" if blank == 0 || opens_fields(rest, "---", ':') => split_fenced(rest, "---", blank, parse_yaml),
        "+++" if blank == 0 || opens_fields(rest, "+++", '=') => split_fenced(rest, "+++", blank, parse_toml),
        _ if opens_json(text) => split_json(text),
        _ => Ok(FrontMatterFile { fields: Map::new(), body: whole.to_owned() }),
    }
}

/// The number of leading blank lines, and the rest. Other generators accept blank lines before front matter.
fn skip_blank_lines(text: &str) -> (usize, &str) {
    let lines = text.split_inclusive('\n').take_while(|line| line.ends_with('\n') && line.trim().is_empty());
    let (count, size) = lines.fold((0, 0), |(count, size), line| (count + 1, size + line.len()));
    (count, &text[size..])
}

/// After blank lines, a fence may be a horizontal rule. Front matter has a closing fence, and starts with a key.
fn opens_fields(text: &str, fence: &str, separator: char) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or("");
    let key = first.split_once(separator).map_or("", |(key, _)| key.trim());
    let is_key = first == fence || first.starts_with('[') || !key.is_empty() && !key.contains(char::is_whitespace);
    is_key && text.lines().any(|line| line.trim_end() == fence)
}

/// The first line without its line end, and the rest.
fn first_line(text: &str) -> (&str, &str) {
    text.split_once('\n').map_or((text, ""), |(line, rest)| (line.strip_suffix('\r').unwrap_or(line), rest))
}

type FormatParser = fn(&str) -> Result<Map<String, Value>, String>;

fn split_fenced(text: &str, fence: &str, blank: usize, parse: FormatParser) -> Result<FrontMatterFile, String> {
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = first_line(rest);
        let line_is_fence = line.trim_end() == fence || fence == "---" && line.trim_end() == "...";
        if line_is_fence {
            let head = &text[..text.len() - rest.len()];
            // Parser errors count lines from the first line of the file.
            let head = "\n".repeat(blank) + head;
            return Ok(FrontMatterFile { fields: parse(&head)?, body: skip_blank_line(after).to_owned() });
        }
        rest = after;
    }
    Err(format!("the front matter opens with {fence} in line {} and is never closed", blank + 1))
}

/// Exactly one blank line after the fence is not part of the body.
fn skip_blank_line(text: &str) -> &str {
    text.strip_prefix("\r\n").or_else(|| text.strip_prefix('\n')).unwrap_or(text)
}

/// `{"` and not `{{< shortcode >}}`.
fn opens_json(text: &str) -> bool {
    text.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with(['"', '}']))
}

fn split_json(text: &str) -> Result<FrontMatterFile, String> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Map<String, Value>>();
    let fields = match stream.next() {
        Some(Ok(fields)) => fields,
        Some(Err(e)) => return Err(format!("the JSON front matter cannot be read: {e}")),
        None => Map::new(),
    };
    let (same_line, rest) = first_line(&text[stream.byte_offset()..]);
    let body = if same_line.trim().is_empty() { skip_blank_line(rest) } else { &text[stream.byte_offset()..] };
    Ok(FrontMatterFile { fields, body: body.to_owned() })
}

fn parse_yaml(text: &str) -> Result<Map<String, Value>, String> {
    let invalid = |e: &yaml_serde::Error| match e.location() {
        Some(location) => format!("the YAML front matter cannot be read, line {}: {e}", location.line() + 1),
        None => format!("the YAML front matter cannot be read: {e}"),
    };
    // CRLF would stay in block scalars.
    let text = text.replace("\r\n", "\n");
    let merges = text.contains("<<") && !text.contains(QUOTED_MERGE_KEY);
    let text = if merges { text.replace("\"<<\"", "\"\u{f8ff}\"").replace("'<<'", "'\u{f8ff}'") } else { text };
    let value: yaml_serde::Value = yaml_serde::from_str(&text).map_err(|e| invalid(&e))?;
    match if merges { apply_merge_keys(from_yaml(value)) } else { from_yaml(value) } {
        Value::Object(fields) => Ok(fields),
        Value::Null => Ok(Map::new()),
        _ => Err("the YAML front matter is not a mapping of keys to values".to_owned()),
    }
}

/// Replaces a quoted `<<`, which is an ordinary key, because the parser does not distinguish the two.
const QUOTED_MERGE_KEY: char = '\u{f8ff}';

/// Applies merge keys (`<<`, YAML 1.1): a key in the mapping itself has precedence, then the first merged mapping.
fn apply_merge_keys(value: Value) -> Value {
    let plain = |text: String| if text.contains(QUOTED_MERGE_KEY) { text.replace(QUOTED_MERGE_KEY, "<<") } else { text };
    match value {
        Value::String(text) => Value::from(plain(text)),
        Value::Array(items) => items.into_iter().map(apply_merge_keys).collect(),
        Value::Object(fields) => {
            let (mut own, mut merged) = (Map::new(), Vec::new());
            for (key, value) in fields {
                match apply_merge_keys(value) {
                    Value::Object(more) if key == "<<" => merged.push(more),
                    Value::Array(list) if key == "<<" && list.iter().all(Value::is_object) => {
                        merged.extend(list.into_iter().filter_map(|more| more.as_object().cloned()));
                    }
                    value => drop(own.insert(plain(key), value)),
                }
            }
            for (key, value) in merged.into_iter().flatten() {
                own.entry(key).or_insert(value);
            }
            own.into()
        }
        other => other,
    }
}

fn from_yaml(value: yaml_serde::Value) -> Value {
    match value {
        yaml_serde::Value::Null => Value::Null,
        yaml_serde::Value::Bool(b) => Value::from(b),
        // JSON has no NaN and no infinity: they become text.
        yaml_serde::Value::Number(n) => n
            .as_u64()
            .map(Value::from)
            .or_else(|| n.as_i64().map(Value::from))
            .or_else(|| n.as_f64().and_then(Number::from_f64).map(Value::Number))
            .unwrap_or_else(|| Value::from(n.to_string())),
        yaml_serde::Value::String(text) => Value::from(text),
        yaml_serde::Value::Sequence(items) => items.into_iter().map(from_yaml).collect(),
        yaml_serde::Value::Mapping(pairs) => {
            pairs.into_iter().map(|(key, value)| (key_to_string(from_yaml(key)), from_yaml(value))).collect::<Map<_, _>>().into()
        }
        yaml_serde::Value::Tagged(tagged) => from_yaml(tagged.value),
    }
}

fn key_to_string(key: Value) -> String {
    match key {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn parse_toml(text: &str) -> Result<Map<String, Value>, String> {
    let table: toml::Table = toml::from_str(text).map_err(|e| {
        let line = e.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 2);
        let location = line.map_or(String::new(), |line| format!(", line {line}"));
        format!("the TOML front matter cannot be read{location}: {}", e.message())
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
    fn yaml_toml_and_json_are_split_from_the_body() {
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
            ("\u{feff}\n \r\n---\ntitle: x\n---\nb", json!({ "title": "x" }), "b"),
            ("\n\n+++\n# note\na = 1\n+++\nb", json!({ "a": 1 }), "b"),
            ("\n{\"a\": 1}\nb", json!({ "a": 1 }), "b"),
            ("\n---\nA rule: two\n\n---\n", json!({}), "\n---\nA rule: two\n\n---\n"),
            ("\n---\nkey: never closed", json!({}), "\n---\nkey: never closed"),
            ("---\nx: &b {a: 1, c: 2}\ny:\n  <<: *b\n  a: 3\n---\n", json!({ "x": { "a": 1, "c": 2 }, "y": { "a": 3, "c": 2 } }), ""),
            ("---\n<<: [{a: 1}, {a: 2, b: 2}]\nb: 3\n---\n", json!({ "b": 3, "a": 1 }), ""),
            ("---\n\"<<\": {a: 1}\nz: {'<<': '<<'}\n<<: no\n---\n", json!({ "<<": "no", "z": { "<<": "<<" } }), ""),
            ("---\na: .nan\nb: !tag x\nc: 18446744073709551615\n---\n", json!({ "a": ".nan", "b": "x", "c": u64::MAX }), ""),
        ] {
            let file = split(text).unwrap_or_else(|e| panic!("{text:?}: {e}"));
            assert_eq!((Value::from(file.fields), file.body.as_str()), (fields, body), "{text:?}");
        }
    }

    #[test]
    fn an_error_names_the_line() {
        for (text, expected) in [
            ("---\na: 1\n", "never closed"),
            ("---\ntitle: a\nb: [1\n---\n", "line"),
            ("+++\na = 1\nb = = 2\n+++\n", "line 3"),
            ("{\"a\": \n", "line"),
            ("---\n- a\n---\n", "not a mapping"),
            ("---\na: 1\na: 2\n---\n", "duplicate"),
            ("\n\n---\ntitle: a\nb: [1\n---\n", "line"),
            ("\n\n+++\na = 1\nb = = 2\n+++\n", "line 5"),
        ] {
            let error = split(text).unwrap_err();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
