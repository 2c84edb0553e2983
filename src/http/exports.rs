//! `GET /v1/exports/insights`: everything that is not in the trash, one JSON object on each line, in constant memory.

use actix_web::{HttpRequest, HttpResponse, get, web};
use futures_util::stream;
use serde_json::Value;
use uuid::Uuid;

use super::api::Api;
use super::problem::Problem;
use super::query::Query;
use super::reply::line_stream;
use crate::domain::authority::Editor;
use crate::editorial::error::EditorialError;
use crate::editorial::exports;

/// Insights that are read together.
const PAGE: i64 = 50;

/// Export insights
///
/// Every insight that is not in the trash (for authors: their own) as a line of JSON (NDJSON), drafts and old slugs included, in the order of their
/// ids. Each line is whole in itself; the lines are read one page after the other, so an insight that is written meanwhile is there as it was or as
/// it is. `POST /v1/imports` takes what comes out, and changes nothing by it.
#[utoipa::path(
    tag = "Imports",
    responses((status = 200, description = "Lines of JSON.", body = String, content_type = "application/x-ndjson")),
    security(("bearer" = ["insights:write"])),
)]
#[get("/v1/exports/insights")]
pub(super) async fn export_insights(api: web::Data<Api>, request: HttpRequest, editor: Editor) -> Result<HttpResponse, Problem> {
    Query::none(&request)?;
    let own = editor.principal().limited_to_own();
    // The first page before anything is promised: a database that is away is told as such.
    let first = read(&api, None, own).await?;
    let pages = stream::unfold(Some((None::<Uuid>, Some(first))), move |state| {
        let api = api.clone();
        async move {
            let (behind, page) = state?;
            let page = match page {
                Some(page) => Ok(page),
                None => read(&api, behind, own).await,
            };
            match page {
                Ok(lines) => {
                    let last = lines.last().map(|(id, _)| *id)?;
                    let text: Vec<String> = lines.iter().map(|(_, line)| line.to_string()).collect();
                    Some((Ok::<_, std::io::Error>(web::Bytes::from(text.join("\n") + "\n")), Some((Some(last), None))))
                }
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

/// A page is of one moment.
async fn read(api: &Api, behind: Option<Uuid>, own: Option<Uuid>) -> Result<Vec<(Uuid, Value)>, EditorialError> {
    let snapshot = api.store.snapshot().await?;
    exports::lines(&snapshot, behind, own, PAGE).await
}
