//! The page at the `type` address of each problem.

use actix_web::{HttpRequest, get, web};

use crate::http::request::query_params::Query;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::cache_control::CachePolicy;
use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;

/// Explain a problem
///
/// The page at the `type` address of a problem: what it means and what to do about it.
#[utoipa::path(
    tag = "Documentation",
    params((
        "code" = inline(String), Path, description = "The problem's `code`.", pattern = "^[a-z]+(-[a-z]+)*$", example = "stale-revision"
    )),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
    security(()),
)]
#[get("/problems/{code}")]
pub(crate) async fn get_problem_page(request: HttpRequest, path: web::Path<String>) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    let code = ProblemCode::parse(&path).ok_or_else(Problem::not_found)?;
    let (name, title, status, help) = (code.as_str(), code.title(), code.status(), code.help());
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>body{{font:1.1rem/1.6 system-ui;max-width:40rem;margin:4rem auto;padding:0 1rem}}\
         code{{font-size:.95em}}</style>\n\
         <p><code>{status} {name}</code></p>\n<h1>{title}</h1>\n<p>{help}</p>\n<p><a href=\"/docs\">API reference</a></p>\n</html>\n"
    );
    Ok(ResponseBuilder::from_bytes(page.into_bytes(), "text/html; charset=utf-8").etag_prefix("p".to_owned()).policy(CachePolicy::Embedded))
}
