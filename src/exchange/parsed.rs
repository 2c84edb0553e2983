//! A file of a Markdown folder, taken apart.

use crate::exchange::front_matter;
use crate::exchange::plan::UnitPart;
use serde_json::{Map, Value};

/// A file of a unit, taken apart.
pub(crate) struct ParsedFile {
    pub(crate) path: String,
    pub(crate) part: UnitPart,
    pub(crate) file: front_matter::FrontMatterFile,
}

pub(crate) type IdAndFields = (Option<String>, Map<String, Value>);
