//! How two revisions differ: field by field, texts line by line and word by word.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::params::DiffParams;
use super::path::RevisionPath;
use super::write_target::find_authorized;
use crate::domain::authority::Editor;
use crate::domain::diff::{self, DiffPart, FieldDiff, Hunk, Op, TextDiff};
use crate::http::request::query_params::QueryParams as _;
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

/// Words that are equal, deleted or inserted, with the white space between them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DiffPart)]
pub(in crate::http) struct DiffPartView {
    pub op: DiffOp,
    pub text: String,
}

/// A range of lines where two texts differ. Its parts `equal` and `delete` are the old lines, `equal` and `insert` the new ones.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DiffHunk)]
pub(in crate::http) struct DiffHunkView {
    /// As in a unified diff: for an empty range, the line before.
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
    /// The field of the input (RFC 6901).
    #[schema(example = "/translations/it/title")]
    pub pointer: String,
    /// The old value; null for long texts, whose difference is in `text`, and if there was none.
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
    /// The revision to compare with.
    #[schema(minimum = 1)]
    pub from: i64,
    #[schema(minimum = 1)]
    pub to: i64,
    pub changes: Vec<FieldDiffView>,
}

/// Compare two revisions
///
/// What changed from the revision `against` (by default the previous one) to this one: field by field, texts as a unified diff and as hunks
/// of words.
#[utoipa::path(
    tag = "Editorial",
    params(RevisionPath, DiffParams),
    responses((status = 200, description = "The differences; empty if both have the same content.", body = RevisionDiffView)),
    security(("bearer" = ["insights:write"])),
)]
#[get("/v1/insights/{id_or_slug}/revisions/{number}/diff")]
pub(in crate::http) async fn compare_revisions(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<RevisionPath>,
) -> Result<ResponseBuilder, Problem> {
    let DiffParams { against } = DiffParams::parse(&request)?;
    let insight = find_authorized(&app, &path.id_or_slug, editor.principal()).await?;
    let to = path.number()?;
    let from = against.unwrap_or_else(|| (to - 1).max(1));
    let db = app.store.reader();
    let new = store::drafts::find(db, insight.id, to).await?.ok_or_else(Problem::not_found)?;
    let old = store::drafts::find(db, insight.id, from).await?.ok_or_else(Problem::not_found)?;
    // Comparing long texts takes a while: off the reactor.
    let changes = web::block(move || diff::diff(&old, &new)).await.map_err(|_cancelled| Problem::internal())?;
    let view = RevisionDiffView { from, to, changes: changes.into_iter().map(field_view).collect() };
    Ok(ResponseBuilder::json(&view).etag_prefix(format!("n{from}n{to}")))
}

fn field_view(diff: FieldDiff) -> FieldDiffView {
    let FieldDiff { pointer, before, after, text } = diff;
    let text = text.map(|TextDiff { unified, hunks }| TextDiffView { unified, hunks: hunks.into_iter().map(hunk_view).collect() });
    FieldDiffView { pointer, before, after, text }
}

fn hunk_view(hunk: Hunk) -> DiffHunkView {
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
