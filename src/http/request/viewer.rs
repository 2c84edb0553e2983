//! For whom a response is written.

use super::auth::Reader;

/// Who a view is for. Only editors get the texts of every locale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Viewer {
    Public,
    Editor,
}

impl From<&Reader> for Viewer {
    fn from(reader: &Reader) -> Self {
        if reader.editor().is_some() { Self::Editor } else { Self::Public }
    }
}
