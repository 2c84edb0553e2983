//! `GET /v1/exports/insights`: everything outside the trash, one JSON object on each line, in constant memory.

use actix_web::{HttpRequest, HttpResponse, get, web};
use futures_util::stream;
use serde_json::Value;
use uuid::Uuid;

use crate::domain::authority::Editor;
use crate::editorial::error::EditorialError;
use crate::editorial::exports;
use crate::editorial::exports::ExplainedTerms;
use crate::http::request::query_params::Query;
use crate::http::response::problem::Problem;
use crate::http::response::streams::line_stream;
use crate::http::state::app_state::AppState;
use crate::store::exports::ExportRange;

/// Insights that are read together.
const PAGE_SIZE: i64 = 50;

/// The progress of an export.
#[derive(Default)]
struct ExportPosition {
    last_id: Option<Uuid>,
    explained: ExplainedTerms,
    is_finished: bool,
}

/// Export insights
///
/// Every insight outside the trash (for authors: their own) as a line of JSON (NDJSON), drafts and old slugs included, in the order of
/// their ids. After them follow the categories, tags and authors that no insight has (not for authors). Each line is consistent in itself;
/// the lines are read page by page, so an insight that is written meanwhile appears in its old or its new state. `POST /v1/imports` accepts
/// the export, and importing it unchanged changes nothing.
#[utoipa::path(
    tag = "Imports",
    responses((status = 200, description = "Lines of JSON.", body = String, content_type = "application/x-ndjson")),
    security(("bearer" = ["insights:write"])),
)]
#[get("/v1/exports/insights")]
pub(crate) async fn export_insights(app: web::Data<AppState>, request: HttpRequest, editor: Editor) -> Result<HttpResponse, Problem> {
    Query::require_empty(&request)?;
    let own = editor.principal().limited_to_own();
    let mut position = ExportPosition::default();
    // The first page before the response starts: an unreachable database is a 503.
    let first = next_lines(&app, &mut position, own).await?;
    let pages = stream::unfold(Some((Some(first), position)), move |state| {
        let app = app.clone();
        async move {
            let (first, mut position) = state?;
            let page = match first {
                Some(first) => Ok(first),
                None => next_lines(&app, &mut position, own).await,
            };
            match page {
                Ok(lines) => Some((Ok::<_, std::io::Error>(web::Bytes::from(lines?)), Some((None, position)))),
                Err(error) => {
                    // The connection is aborted: a client that reads a chunked body to its end notices that it is incomplete.
                    tracing::error!(%error, "export aborted");
                    Some((Err(std::io::Error::other("export aborted")), None))
                }
            }
        }
    });
    Ok(line_stream(pages))
}

/// The next lines, read in one snapshot; `None` at the end.
async fn next_lines(app: &AppState, position: &mut ExportPosition, own: Option<Uuid>) -> Result<Option<String>, EditorialError> {
    if position.is_finished {
        return Ok(None);
    }
    let snapshot = app.store.snapshot().await?;
    let page =
        exports::lines(&snapshot, ExportRange { after: position.last_id, own }, PAGE_SIZE, &mut position.explained, app.now()).await?;
    position.is_finished = page.is_empty();
    position.last_id = page.last().map(|(id, _)| *id);
    let lines: Vec<Value> = match own {
        _ if !position.is_finished => page.into_iter().map(|(_, line)| line).collect(),
        // An author could not import terms.
        Some(_) => Vec::new(),
        None => exports::term_lines(&snapshot, &position.explained).await?,
    };
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    Ok((!text.is_empty()).then(|| text.join("\n") + "\n"))
}
