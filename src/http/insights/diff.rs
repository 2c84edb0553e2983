//! How two revisions differ: field by field, texts line by line and word by word.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::revisions::{RevisionPath, find, number};
use crate::domain::authority::Editor;
use crate::domain::diff::{self, FieldDiff};
use crate::domain::diff::{DiffPart, Hunk, Op, TextDiff};
use crate::http::request::query_params::Query;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;
use crate::store;

/// What happened to some words.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum DiffOp {
    Equal,
    Delete,
    Insert,
}

/// Words that stayed, went or came, with the white space between them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DiffPart)]
pub(in crate::http) struct DiffPartView {
    pub op: DiffOp,
    pub text: String,
}

/// A place where two texts differ. The parts that are `equal` or `delete` are its old lines, those that are `equal` or `insert` its new ones.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DiffHunk)]
pub(in crate::http) struct DiffHunkView {
    /// As in a unified diff: of no lines, the line before.
    #[schema(minimum = 0)]
    pub old_line: usize,
    #[schema(minimum = 0)]
    pub old_lines: usize,
    #[schema(minimum = 0)]
    pub new_line: usize,
    #[schema(minimum = 0)]
    pub new_lines: usize,
    pub parts: Vec<DiffPartView>,
}

/// How a text differs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TextDiff)]
pub(in crate::http) struct TextDiffView {
    /// In the unified format of POSIX `diff -u`, with three lines of context.
    pub unified: String,
    pub hunks: Vec<DiffHunkView>,
}

/// How a field differs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldDiff)]
pub(in crate::http) struct FieldDiffView {
    /// The field (RFC 6901), as inputs name it.
    #[schema(example = "/translations/it/title")]
    pub pointer: String,
    /// Its value before; null for long texts, whose difference is in `text`, and where there was none.
    #[schema(required = true)]
    pub before: Value,
    #[schema(required = true)]
    pub after: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub text: Option<TextDiffView>,
}

/// How one revision became another.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RevisionDiff)]
pub(in crate::http) struct RevisionDiffView {
    /// The revision that is compared against.
    #[schema(minimum = 1)]
    pub from: i64,
    #[schema(minimum = 1)]
    pub to: i64,
    pub changes: Vec<FieldDiffView>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(in crate::http) struct DiffParams {
    /// The revision to compare against; the one before when absent.
    #[param(minimum = 1, maximum = 2_147_483_647_i64, nullable = false)]
    against: Option<i64>,
}

/// Compare two revisions
///
/// What changed from the revision `against` (the one before, unless it is given) to this one: field by field, texts as a unified diff and as
/// hunks of words.
#[utoipa::path(
    tag = "Editorial",
    params(RevisionPath, DiffParams),
    responses((status = 200, description = "The differences; none when both say the same.", body = RevisionDiffView)),
    security(("bearer" = ["insights:write"])),
)]
#[get("/v1/insights/{id_or_slug}/revisions/{number}/diff")]
pub(in crate::http) async fn compare_revisions(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<(String, String)>,
) -> Result<ResponseBuilder, Problem> {
    let mut query = Query::from_request(&request);
    let against = query.integer("against", 1, i64::from(i32::MAX));
    query.finish()?;
    let (name, text) = path.into_inner();
    let insight = find(&app, &name, &editor).await?;
    let to = number(&text)?;
    let from = against.unwrap_or_else(|| (to - 1).max(1));
    let db = app.store.reader();
    let new = store::drafts::find(db, insight.id, to).await?.ok_or_else(Problem::not_found)?;
    let old = store::drafts::find(db, insight.id, from).await?.ok_or_else(Problem::not_found)?;
    // Long texts take a while to compare: not on the thread that answers everybody.
    let changes = web::block(move || diff::diff(&old, &new)).await.map_err(|_cancelled| Problem::internal())?;
    let view = RevisionDiffView { from, to, changes: changes.into_iter().map(field).collect() };
    Ok(ResponseBuilder::json(&view).etag_prefix(format!("n{from}n{to}")))
}

fn field(diff: FieldDiff) -> FieldDiffView {
    let FieldDiff { pointer, before, after, text } = diff;
    let text = text.map(|TextDiff { unified, hunks }| TextDiffView { unified, hunks: hunks.into_iter().map(hunk).collect() });
    FieldDiffView { pointer, before, after, text }
}

fn hunk(hunk: Hunk) -> DiffHunkView {
    let Hunk { old_line, new_line, old_lines, new_lines, parts } = hunk;
    let part = |DiffPart { op, text }| {
        let op = match op {
            Op::Equal => DiffOp::Equal,
            Op::Delete => DiffOp::Delete,
            Op::Insert => DiffOp::Insert,
        };
        DiffPartView { op, text }
    };
    DiffHunkView { old_line, old_lines, new_line, new_lines, parts: parts.into_iter().map(part).collect() }
}
