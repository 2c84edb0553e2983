//! The paths of the service with their methods, derived from the OpenAPI document.

use actix_web::dev::ResourceDef;
use serde_json::Value;

/// Each path pattern, with its methods as the value of `Allow`.
pub(crate) struct RouteTable(Vec<(ResourceDef, String)>);

impl RouteTable {
    #[must_use]
    pub(crate) fn from_document(document: &Value) -> Self {
        let paths = document["paths"].as_object().into_iter().flatten();
        let table = paths.map(|(path, operations)| {
            let mut methods: Vec<String> = operations.as_object().into_iter().flatten().map(|(m, _)| m.to_ascii_uppercase()).collect();
            if methods.iter().any(|method| method == "GET") {
                methods.push("HEAD".to_owned());
            }
            methods.push("OPTIONS".to_owned());
            (ResourceDef::new(path.as_str()), methods.join(", "))
        });
        Self(table.collect())
    }

    /// The value of `Allow` for a path that exists.
    #[must_use]
    pub(crate) fn allowed_methods(&self, path: &str) -> Option<String> {
        self.0.iter().find(|(pattern, _)| pattern.is_match(path)).map(|(_, methods)| methods.clone())
    }
}
