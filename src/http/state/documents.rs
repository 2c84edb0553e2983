//! The OpenAPI document as it is served, and the route table that is read off it.

use std::sync::OnceLock;

use serde_json::Value;

use crate::http::state::route_table::RouteTable;

/// The document in the forms that are served, and the table of routes derived from it.
pub(crate) struct RenderedDocument {
    pub(crate) json: Vec<u8>,
    pub(crate) yaml: Vec<u8>,
    pub(crate) routes: RouteTable,
}

/// The document, rendered once by whichever request needs it first: that takes longer than all else of a start.
pub(crate) struct ServedDocument {
    rendered: OnceLock<RenderedDocument>,
    derive: fn() -> Value,
}

impl ServedDocument {
    /// `derive` makes the document of the routes.
    #[must_use]
    pub(crate) fn new(derive: fn() -> Value) -> Self {
        Self { rendered: OnceLock::new(), derive }
    }

    pub(crate) fn get(&self) -> &RenderedDocument {
        self.rendered.get_or_init(|| {
            let document = (self.derive)();
            RenderedDocument {
                json: serde_json::to_vec_pretty(&document).unwrap_or_default(),
                yaml: yaml_serde::to_string(&document).unwrap_or_default().into_bytes(),
                routes: RouteTable::of(&document),
            }
        })
    }

    /// Renders the document ahead of the requests that need it.
    pub(crate) fn prepare(&self) {
        self.get();
    }
}
