//! The OpenAPI document as it is served, and the route table that is derived from it.

use std::sync::OnceLock;

use serde_json::Value;

use crate::http::response::buffered::BufferedResponse;
use crate::http::state::route_table::RouteTable;

/// The document in the formats that are served, and the route table.
pub(crate) struct RenderedDocument {
    pub(crate) json: BufferedResponse,
    pub(crate) yaml: BufferedResponse,
    pub(crate) routes: RouteTable,
}

/// The document, rendered once, by a background task or by the first request that needs it: rendering takes longer than the rest of the
/// start.
pub(crate) struct ServedDocument {
    rendered: OnceLock<RenderedDocument>,
    derive: fn() -> Value,
}

impl ServedDocument {
    /// `derive` builds the document from the routes.
    #[must_use]
    pub(crate) fn new(derive: fn() -> Value) -> Self {
        Self { rendered: OnceLock::new(), derive }
    }

    pub(crate) fn get(&self) -> &RenderedDocument {
        self.rendered.get_or_init(|| {
            let document = (self.derive)();
            let json = serde_json::to_vec_pretty(&document).unwrap_or_else(|error| log_failure(&error));
            let yaml = yaml_serde::to_string(&document).map_or_else(|error| log_failure(&error), String::into_bytes);
            RenderedDocument {
                json: BufferedResponse::embedded(json.into(), "application/json"),
                yaml: BufferedResponse::embedded(yaml.into(), "application/yaml"),
                routes: RouteTable::from_document(&document),
            }
        })
    }
}

fn log_failure(error: &dyn std::fmt::Display) -> Vec<u8> {
    tracing::error!(%error, "the OpenAPI document cannot be serialised");
    Vec::new()
}
