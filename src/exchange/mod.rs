//! Converts foreign content (Markdown folders, Ghost, `WordPress`) into import lines, and lines into the files of a Markdown folder.
//!
//! ```text
//! folder::plan -> folder::read | ghost::lines | wordpress::read -> ConvertedLine -> distinct::ItemRegistry -> import
//! ```
//!
//! Nothing here reads a file, a network or a clock: text in, text out.

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
pub mod term_names;
#[cfg(test)]
mod tests;
pub mod wordpress;
pub mod write;
pub mod wxr;

use serde_json::{Map, Value};

use crate::domain::text::is_blank;

/// One converted line: the import item, where it comes from, and notes about what was lost or guessed.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvertedLine {
    /// The path or paths, or the id in the foreign system.
    pub name: String,
    /// The slug to use when another item has the same one; empty when the source has no other.
    pub own_slug: String,
    pub item: Value,
    pub notes: Vec<ConversionNote>,
}

/// A lossy or guessed conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversionNote {
    /// A stable code of words and hyphens.
    pub code: &'static str,
    pub detail: String,
}

impl ConversionNote {
    #[must_use]
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// Whether a JSON value is null, or an empty text, list or object.
pub(crate) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Sets a field, unless the value is empty.
pub(crate) fn set(item: &mut Map<String, Value>, name: &str, value: Value) {
    if !is_empty(&value) {
        item.insert(name.to_owned(), value);
    }
}

/// Truncates a text to `max` characters, at the end of a word if there is one in the last third. Returns whether it was truncated.
pub(crate) fn truncate(text: &str, max: usize) -> (String, bool) {
    let Some((end, _)) = text.char_indices().nth(max) else { return (text.to_owned(), false) };
    let head = &text[..end];
    let next_is_space = text[end..].starts_with(char::is_whitespace);
    let word_end = if next_is_space { None } else { head.rfind(char::is_whitespace).filter(|start| *start >= end / 3 * 2) };
    (head[..word_end.unwrap_or(end)].trim_end().to_owned(), true)
}

/// Truncates a text to `max` characters, with a note.
pub(crate) fn truncate_with_note(text: &str, max: usize, code: &'static str, notes: &mut Vec<ConversionNote>) -> String {
    let (short, is_truncated) = truncate(text, max);
    if is_truncated {
        notes.push(ConversionNote::new(code, format!("truncated at {max} characters")));
    }
    short
}

/// Removes NUL, which the database cannot store, with a note.
pub(crate) fn remove_nul(text: String, notes: &mut Vec<ConversionNote>) -> String {
    if !text.contains('\0') {
        return text;
    }
    notes.push(ConversionNote::new("nul-removed", "the text contained the NUL character"));
    text.replace('\0', "")
}
