//! `GET /v1/exports/insights`: everything that is not in the trash, one JSON object on each line, in constant memory.

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
const PAGE: i64 = 50;

/// How far an export is.
#[derive(Default)]
struct ExportPosition {
    behind: Option<Uuid>,
    told: ExplainedTerms,
    is_over: bool,
}

/// Export insights
///
/// Every insight that is not in the trash (for authors: their own) as a line of JSON (NDJSON), drafts and old slugs included, in the order of their
/// ids. Behind them come categories, tags and authors that none of them names (not for authors). Each line is whole in itself; the lines are read
/// one page after the other, so an insight that is written meanwhile is there as it was or as it is. `POST /v1/imports` takes what comes out, and
/// changes nothing by it.
#[utoipa::path(
    tag = "Imports",
    responses((status = 200, description = "Lines of JSON.", body = String, content_type = "application/x-ndjson")),
    security(("bearer" = ["insights:write"])),
)]
#[get("/v1/exports/insights")]
pub(crate) async fn export_insights(app: web::Data<AppState>, request: HttpRequest, editor: Editor) -> Result<HttpResponse, Problem> {
    Query::require_empty(&request)?;
    let own = editor.principal().limited_to_own();
    let mut place = ExportPosition::default();
    // The first page before anything is promised: a database that is away is told as such.
    let first = next(&app, &mut place, own).await?;
    let pages = stream::unfold(Some((Some(first), place)), move |state| {
        let app = app.clone();
        async move {
            let (first, mut place) = state?;
            let page = match first {
                Some(first) => Ok(first),
                None => next(&app, &mut place, own).await,
            };
            match page {
                Ok(lines) => Some((Ok::<_, std::io::Error>(web::Bytes::from(lines?)), Some((None, place)))),
                Err(error) => {
                    // The connection ends in the middle: whoever reads to the end of a chunked body sees that it is not whole.
                    tracing::error!(%error, "an export broke off");
                    Some((Err(std::io::Error::other("the export broke off")), None))
                }
            }
        }
    });
    Ok(line_stream(pages))
}

/// The next lines, of one moment; nothing at the end.
async fn next(app: &AppState, place: &mut ExportPosition, own: Option<Uuid>) -> Result<Option<String>, EditorialError> {
    if place.is_over {
        return Ok(None);
    }
    let snapshot = app.store.snapshot().await?;
    let page = exports::lines(&snapshot, ExportRange { after: place.behind, own }, PAGE, &mut place.told, app.now()).await?;
    place.is_over = page.is_empty();
    place.behind = page.last().map(|(id, _)| *id);
    let lines: Vec<Value> = match own {
        _ if !place.is_over => page.into_iter().map(|(_, line)| line).collect(),
        // An author could not import them.
        Some(_) => Vec::new(),
        None => exports::term_lines(&snapshot, &place.told).await?,
    };
    let text: Vec<String> = lines.iter().map(Value::to_string).collect();
    Ok((!text.is_empty()).then(|| text.join("\n") + "\n"))
}
