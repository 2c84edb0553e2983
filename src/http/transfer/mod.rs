//! Imports and exports.

pub(crate) mod exports;
pub(crate) mod import_view;
pub(crate) mod imports;
