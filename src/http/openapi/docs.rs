//! Serves the OpenAPI document and its reference page. Everything is in the binary; the page loads nothing from other origins.

use std::io::Read as _;
use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, get, web};

use crate::http::request::negotiation;
use crate::http::request::query_params::Query;
use crate::http::response::buffered::BufferedResponse;
use crate::http::response::builder::respond_to_read;
use crate::http::response::encoding::Encoding;
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;

const PAGE: &str = include_str!("../../../assets/docs/index.html");
const INIT: &str = include_str!("../../../assets/docs/init.js");
const FAVICON: &str = include_str!("../../../assets/docs/favicon.svg");
const SCRIPT_BROTLI: &[u8] = include_bytes!("../../../assets/docs/scalar.js.br");
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const POLICY: &str = include_str!("../../../assets/docs/csp.txt");

static DOCS_PAGE: LazyLock<BufferedResponse> = LazyLock::new(|| {
    BufferedResponse::embedded(Bytes::from_static(PAGE.as_bytes()), "text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, POLICY.trim())
        .header(header::REFERRER_POLICY, "no-referrer")
});
static INIT_SCRIPT: LazyLock<BufferedResponse> =
    LazyLock::new(|| BufferedResponse::embedded(Bytes::from_static(INIT.as_bytes()), JAVASCRIPT));
static ICON: LazyLock<BufferedResponse> =
    LazyLock::new(|| BufferedResponse::embedded(Bytes::from_static(FAVICON.as_bytes()), "image/svg+xml"));
static BROTLI_SCRIPT: LazyLock<BufferedResponse> =
    LazyLock::new(|| BufferedResponse::embedded(Bytes::from_static(SCRIPT_BROTLI), JAVASCRIPT).encoded_as(Encoding::Brotli));
/// For clients that accept no brotli: browsers do only over https and on localhost.
static SCRIPT: LazyLock<BufferedResponse> = LazyLock::new(|| {
    let mut plain = Vec::new();
    let _ = brotli::Decompressor::new(SCRIPT_BROTLI, 4096).read_to_end(&mut plain);
    BufferedResponse::embedded(plain.into(), JAVASCRIPT)
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
pub(crate) async fn get_openapi_json(app: web::Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::require_empty(&request)?;
    Ok(respond_to_read(&app.documents.get().json, app.request_context(request.headers())))
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
pub(crate) async fn get_openapi_yaml(app: web::Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::require_empty(&request)?;
    Ok(respond_to_read(&app.documents.get().yaml, app.request_context(request.headers())))
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
pub(crate) async fn get_docs(app: web::Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::require_empty(&request)?;
    Ok(respond_to_read(&DOCS_PAGE, app.request_context(request.headers())))
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
pub(crate) async fn get_docs_asset(
    app: web::Data<AppState>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::require_empty(&request)?;
    let accepted = negotiation::combined_header(request.headers(), &header::ACCEPT_ENCODING).unwrap_or_default();
    let asset: &BufferedResponse = match path.as_str() {
        "init.js" => &INIT_SCRIPT,
        "favicon.svg" => &ICON,
        "scalar.js" if negotiation::quality(&accepted, "br") > 0.0 => &BROTLI_SCRIPT,
        "scalar.js" => {
            // The first request decompresses it, which takes too long for this thread.
            tokio::task::spawn_blocking(|| LazyLock::force(&SCRIPT)).await.map_err(|_panicked| Problem::internal())?
        }
        _ => return Err(Problem::not_found()),
    };
    Ok(respond_to_read(asset, app.request_context(request.headers())))
}
