//! The landing page at `/`: what the service is, and where to continue. A static page without scripts, embedded in the binary.

use actix_web::http::header;
use actix_web::{HttpRequest, get};

use crate::http::request::query_params::Query;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::cache_control::CachePolicy;
use crate::http::response::problem::Problem;

/// Its links are relative, so that they also work below a base URL with a path.
const PAGE: &str = include_str!("../../../assets/home/index.html");
const CONTENT_SECURITY_POLICY: &str = include_str!("../../../assets/home/csp.txt");

/// Get the landing page
///
/// A page for people: what this service is, with links to the reference and to the insights.
#[utoipa::path(
    tag = "Documentation",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
    security(()),
    extensions(
        ("x-headers" = json!({
            "Content-Security-Policy": "The page loads its icon, and runs nothing.",
            "Referrer-Policy": "Links do not send the address of the page.",
        })),
    ),
)]
#[get("/")]
pub(crate) async fn get_home(request: HttpRequest) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    Ok(ResponseBuilder::from_bytes(PAGE.as_bytes().to_vec(), "text/html; charset=utf-8")
        .etag_prefix("h".to_owned())
        .policy(CachePolicy::Embedded)
        .header(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY.trim())
        .header(header::REFERRER_POLICY, "no-referrer"))
}
