//! The settings of the site.

pub(crate) mod settings;
