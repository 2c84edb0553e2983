//! Pages of lists: the members `page` and `meta`, cursors, and the links to the neighbouring pages (RFC 8288).

use actix_web::HttpRequest;
use actix_web::http::header;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::change::PublicSequence;
use crate::domain::page::{Cursor, KeyValue, Page};
use crate::http::request::query_params;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;
use crate::http::state::app_state::AppState;

/// The position of a page in its list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PageInfo {
    /// The maximum number of items of a page.
    #[schema(minimum = 1, maximum = 100)]
    pub limit: i64,
    /// Send it as `cursor` to get the next page; null on the last one.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
    /// Send it as `cursor` to get the previous page; null on the first one.
    #[schema(required = true)]
    pub prev_cursor: Option<String>,
}

/// What is true of the whole list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ListMeta {
    /// The sequence of the newest change that the response takes into account.
    #[schema(value_type = i64, minimum = 0)]
    pub sequence: PublicSequence,
    /// The number of items on all pages; only with `count=exact`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, nullable = false)]
    pub total: Option<i64>,
}

pub(crate) fn page_info<T>(page: &Page<T>, limit: i64) -> PageInfo {
    PageInfo { limit, next_cursor: page.next.as_ref().map(Cursor::encode), prev_cursor: page.previous.as_ref().map(Cursor::encode) }
}

/// Reads the `cursor` parameter of a list. `identity` describes the filters and the sort; a cursor of another list is refused.
pub(crate) fn read_cursor(text: Option<&str>, identity: &str, text_key: bool) -> Result<Option<Cursor>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let cursor = Cursor::decode(text, identity).filter(|cursor| match &cursor.key {
        KeyValue::Number(_) => !text_key,
        KeyValue::Text(key) => text_key && !key.contains('\0'),
    });
    cursor.map(Some).ok_or_else(invalid_cursor)
}

pub(crate) fn invalid_cursor() -> Problem {
    Problem::new(ProblemCode::InvalidCursor, "the cursor does not belong to this list: follow the links of a page, or omit it")
}

/// Adds `Link` with the absolute addresses of the neighbouring pages.
pub(crate) fn add_links(response: ResponseBuilder, app: &AppState, request: &HttpRequest, page: &PageInfo) -> ResponseBuilder {
    let link = |cursor: &Option<String>, rel: &str| {
        cursor.as_ref().map(|cursor| {
            let query = query_params::with_parameter(request.query_string(), "cursor", cursor);
            format!("<{}{}?{query}>; rel=\"{rel}\"", app.base_url, request.path())
        })
    };
    let links: Vec<String> = [link(&page.next_cursor, "next"), link(&page.prev_cursor, "prev")].into_iter().flatten().collect();
    if links.is_empty() { response } else { response.header(header::LINK, links.join(", ")) }
}
