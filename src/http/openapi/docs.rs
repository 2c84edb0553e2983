//! Serves the OpenAPI document and its reference page. Everything is in the binary; the page loads nothing from other origins.

use std::io::Read as _;
use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpRequest, get, web};

use crate::http::request::negotiation;
use crate::http::request::query_params::Query;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::cache_control::CachePolicy;
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;

const PAGE: &str = include_str!("../../../assets/docs/index.html");
const INIT: &str = include_str!("../../../assets/docs/init.js");
const FAVICON: &str = include_str!("../../../assets/docs/favicon.svg");
const SCRIPT_BROTLI: &[u8] = include_bytes!("../../../assets/docs/scalar.js.br");
const POLICY: &str = include_str!("../../../assets/docs/csp.txt");

/// For clients that accept no brotli: browsers do only over https and on localhost.
static SCRIPT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut plain = Vec::new();
    let _ = brotli::Decompressor::new(SCRIPT_BROTLI, 4096).read_to_end(&mut plain);
    plain
});

/// Get this document as JSON
///
/// OpenAPI 3.1, derived from the routes that serve it.
#[utoipa::path(
    tag = "Documentation",
    responses((status = 200, description = "The document.", body = Object, content_type = "application/json")),
    security(()),
)]
#[get("/openapi.json")]
pub(crate) async fn get_openapi_json(app: web::Data<AppState>, request: HttpRequest) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    Ok(embedded(&app.documents.get().json, "application/json"))
}

/// Get this document as YAML
///
/// The same document as `/openapi.json`.
#[utoipa::path(
    tag = "Documentation",
    responses((status = 200, description = "The document.", body = Object, content_type = "application/yaml")),
    security(()),
)]
#[get("/openapi.yaml")]
pub(crate) async fn get_openapi_yaml(app: web::Data<AppState>, request: HttpRequest) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    Ok(embedded(&app.documents.get().yaml, "application/yaml"))
}

/// Get the reference page
///
/// This document as a web page.
#[utoipa::path(
    tag = "Documentation",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
    security(()),
    extensions(
        ("x-headers" = json!({
            "Content-Security-Policy": "The page runs only its own scripts.",
            "Referrer-Policy": "The address of the page is not sent to other sites.",
        })),
    ),
)]
#[get("/docs")]
pub(crate) async fn get_docs(request: HttpRequest) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    Ok(embedded(PAGE.as_bytes(), "text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, POLICY.trim())
        .header(header::REFERRER_POLICY, "no-referrer"))
}

/// Get an asset of the reference page
///
/// The scripts and the icon of the page.
#[utoipa::path(
    tag = "Documentation",
    params(("asset" = inline(String), Path, description = "The file's name.", pattern = "^[a-z]+\\.[a-z]+$", example = "init.js")),
    responses((status = 200, description = "The file.", content((String = "text/javascript"), (String = "image/svg+xml")))),
    security(()),
)]
#[get("/docs/{asset}")]
pub(crate) async fn get_docs_asset(request: HttpRequest, path: web::Path<String>) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    let accepted = negotiation::combined_header(request.headers(), &header::ACCEPT_ENCODING).unwrap_or_default();
    match path.as_str() {
        "init.js" => Ok(embedded(INIT.as_bytes(), "text/javascript; charset=utf-8")),
        "favicon.svg" => Ok(embedded(FAVICON.as_bytes(), "image/svg+xml")),
        "scalar.js" if negotiation::quality(&accepted, "br") > 0.0 => {
            Ok(embedded(SCRIPT_BROTLI, "text/javascript; charset=utf-8").body_encoding("br"))
        }
        "scalar.js" => Ok(embedded(&SCRIPT, "text/javascript; charset=utf-8")),
        _ => Err(Problem::not_found()),
    }
}

fn embedded(bytes: &[u8], content_type: &'static str) -> ResponseBuilder {
    ResponseBuilder::from_bytes(bytes.to_vec(), content_type).etag_prefix("e".to_owned()).policy(CachePolicy::Embedded)
}
