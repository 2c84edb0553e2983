//! A parsed file of a Markdown folder.

use crate::exchange::front_matter;
use crate::exchange::plan::UnitPart;
use serde_json::{Map, Value};

/// A file of a unit: its path, its part in the unit, its front matter and body.
pub(crate) struct ParsedFile {
    pub(crate) path: String,
    pub(crate) part: UnitPart,
    pub(crate) file: front_matter::FrontMatterFile,
}

/// The id of an item, if it has one, and its fields.
pub(crate) type IdAndFields = (Option<String>, Map<String, Value>);
