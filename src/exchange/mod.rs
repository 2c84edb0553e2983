//! Turns foreign content (Markdown folders, Ghost, `WordPress`) into import lines, and lines into the files of a Markdown folder.
//! Nothing here reads a file, a network or a clock: text goes in, text comes out.

pub mod autop;
pub mod code;
pub mod dates;
pub mod distinct;
pub mod fields;
pub mod folder;
pub mod front_matter;
pub mod ghost;
pub mod html;
pub mod languages;
pub mod names;
pub(crate) mod parsed;
pub mod plan;
pub mod publication;
pub mod quote;
pub mod syntax;
pub mod term_files;
#[cfg(test)]
mod tests;
pub mod wordpress;
pub mod write;
pub mod wxr;

use serde_json::{Map, Value};

use crate::domain::text::is_blank;

/// One line of an import: what it says, where it came from, and what was lost or guessed on the way.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvertedLine {
    /// The path or paths, or the foreign id.
    pub name: String,
    /// What it is called when another item has its slug already; empty when its source says nothing.
    pub own_slug: String,
    pub item: Value,
    pub notes: Vec<ConversionNote>,
}

/// A lossy or guessed conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversionNote {
    /// In words and hyphens, stable.
    pub code: &'static str,
    pub detail: String,
}

impl ConversionNote {
    #[must_use]
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// Whether a JSON value says nothing: null, an empty text, list or object.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Sets a field, unless the value says nothing.
pub(crate) fn set(item: &mut Map<String, Value>, name: &str, value: Value) {
    if !is_empty(&value) {
        item.insert(name.to_owned(), value);
    }
}

/// The text in at most `max` characters, cut at a word's end where there is one in the last third, and whether it was cut.
pub(crate) fn cut(text: &str, max: usize) -> (String, bool) {
    let Some((end, _)) = text.char_indices().nth(max) else { return (text.to_owned(), false) };
    let head = &text[..end];
    let next_is_space = text[end..].starts_with(char::is_whitespace);
    let place = if next_is_space { None } else { head.rfind(char::is_whitespace).filter(|place| *place >= end / 3 * 2) };
    (head[..place.unwrap_or(end)].trim_end().to_owned(), true)
}

/// The text without NUL, which the project cannot keep.
pub(crate) fn without_nul(text: String, notes: &mut Vec<ConversionNote>) -> String {
    if !text.contains('\0') {
        return text;
    }
    notes.push(ConversionNote::new("nul-removed", "the text held the NUL character"));
    text.replace('\0', "")
}
