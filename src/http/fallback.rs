//! Addresses that no handler took: 405 with `Allow` where another method would have been, else 404. Derived from the same document as the
//! routes, so there is no second list.

use actix_web::dev::ResourceDef;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _};
use serde_json::Value;

use super::docs::documents;
use super::problem::Problem;
use super::problem_codes::Code;

/// Every address of the service with the methods it takes.
pub(super) struct RouteTable(Vec<(ResourceDef, String)>);

impl RouteTable {
    #[must_use]
    pub(super) fn of(document: &Value) -> Self {
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
    pub(super) fn allowed(&self, path: &str) -> Option<String> {
        self.0.iter().find(|(pattern, _)| pattern.is_match(path)).map(|(_, methods)| methods.clone())
    }
}

pub(super) async fn fallback(request: HttpRequest) -> HttpResponse {
    let problem = match documents().routes.allowed(request.path()) {
        Some(methods) => Problem::new(Code::MethodNotAllowed, format!("this address takes {methods}")).header(header::ALLOW, methods),
        None => Problem::not_found(),
    };
    problem.error_response()
}
