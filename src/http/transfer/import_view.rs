//! Imports and their items, as the API shows them.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::clock::Timestamp;
use crate::domain::import_state::{ImportItemState, ImportNote, ImportState};
use crate::http::response::made_by::MadeBy;
use crate::http::response::pagination::{ListMeta, PageInfo};
use crate::http::response::problem_codes::ProblemCode;
use crate::store::imports::{Import, ImportItem};

/// The progress of an import.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportState)]
pub(crate) enum ImportStateView {
    Receiving,
    Running,
    Done,
    Failed,
}

/// The number of items by outcome.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportCounts)]
pub(crate) struct ImportCountsView {
    #[schema(minimum = 0)]
    pub total: i64,
    #[schema(minimum = 0)]
    pub waiting: i64,
    #[schema(minimum = 0)]
    pub created: i64,
    #[schema(minimum = 0)]
    pub updated: i64,
    #[schema(minimum = 0)]
    pub unchanged: i64,
    #[schema(minimum = 0)]
    pub failed: i64,
}

/// An import.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Import)]
pub(crate) struct ImportView {
    pub id: Uuid,
    pub state: ImportStateView,
    /// Where the lines came from.
    pub source: String,
    pub atomic: bool,
    pub validate_only: bool,
    pub counts: ImportCountsView,
    /// Why the import failed as a whole; null if it did not.
    #[schema(required = true)]
    pub problem: Option<String>,
    pub made_by: MadeBy,
    #[schema(format = DateTime)]
    pub created_at: String,
    #[schema(format = DateTime)]
    pub updated_at: String,
    #[schema(required = true, format = DateTime)]
    pub finished_at: Option<String>,
}

/// The outcome of an item.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportItemState)]
pub(crate) enum ImportItemStateView {
    Waiting,
    Created,
    Updated,
    Unchanged,
    Failed,
}

/// Something that was lost or guessed in the conversion.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportNote)]
pub(crate) struct ImportNoteView {
    #[schema(example = "alias-taken")]
    pub code: String,
    pub detail: String,
}

/// Why an item failed: a problem without a request of its own.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ItemProblem)]
pub(crate) struct ItemProblemView {
    #[serde(rename = "type")]
    #[schema(rename = "type", format = "uri")]
    pub kind: String,
    pub title: String,
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    pub code: String,
    pub detail: String,
    /// Further members, as in the same problem of a request: `errors`, `suggestions`.
    #[serde(flatten)]
    #[schema(value_type = Object, additional_properties)]
    pub more: Map<String, Value>,
}

/// A line and its outcome.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportItem)]
pub(crate) struct ImportItemView {
    #[schema(minimum = 1)]
    pub number: i64,
    /// Where it came from: a line, a path.
    #[schema(example = "line 1")]
    pub name: String,
    pub state: ImportItemStateView,
    #[schema(required = true)]
    pub insight_id: Option<Uuid>,
    #[schema(required = true)]
    pub slug: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub problem: Option<ItemProblemView>,
    pub notes: Vec<ImportNoteView>,
    #[schema(required = true, format = DateTime)]
    pub finished_at: Option<String>,
}

/// A page of items, in the order of the lines.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportItemList)]
pub(crate) struct ImportItemListView {
    pub data: Vec<ImportItemView>,
    pub page: PageInfo,
    pub meta: ListMeta,
}

pub(crate) fn view(import: &Import) -> ImportView {
    let Import { id, state, source, atomic, validate_only, total, created, updated, unchanged, failed, problem, .. } = import.clone();
    let state = match state {
        ImportState::Receiving => ImportStateView::Receiving,
        ImportState::Running => ImportStateView::Running,
        ImportState::Done => ImportStateView::Done,
        ImportState::Failed => ImportStateView::Failed,
    };
    let waiting = (total - created - updated - unchanged - failed).max(0);
    ImportView {
        id,
        state,
        source,
        atomic,
        validate_only,
        counts: ImportCountsView { total, waiting, created, updated, unchanged, failed },
        problem,
        made_by: MadeBy { name: import.made_by.clone(), user_id: import.user_id, token_id: import.token_id },
        created_at: Timestamp(import.created_at).rfc3339(),
        updated_at: Timestamp(import.updated_at).rfc3339(),
        finished_at: import.finished_at.map(|at| Timestamp(at).rfc3339()),
    }
}

pub(crate) fn item_view(item: ImportItem, base_url: &str) -> ImportItemView {
    let ImportItem { number, name, state, notes, insight_id, slug, problem, finished_at } = item;
    let state = match state {
        ImportItemState::Waiting => ImportItemStateView::Waiting,
        ImportItemState::Created => ImportItemStateView::Created,
        ImportItemState::Updated => ImportItemStateView::Updated,
        ImportItemState::Unchanged => ImportItemStateView::Unchanged,
        ImportItemState::Failed => ImportItemStateView::Failed,
    };
    ImportItemView {
        number,
        name,
        state,
        insight_id,
        slug,
        problem: problem.map(|fields| item_problem(fields.0, base_url)),
        notes: notes.0.into_iter().map(|ImportNote { code, detail }| ImportNoteView { code, detail }).collect(),
        finished_at: finished_at.map(|at| Timestamp(at).rfc3339()),
    }
}

fn item_problem(mut fields: Map<String, Value>, base_url: &str) -> ItemProblemView {
    let mut take = |name: &str| fields.shift_remove(name).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    let (code, detail) = (take("code"), take("detail"));
    let kind = ProblemCode::parse(&code).unwrap_or(ProblemCode::Internal);
    ItemProblemView {
        kind: format!("{base_url}/problems/{}", kind.as_str()),
        title: kind.title().to_owned(),
        status: kind.status(),
        code,
        detail,
        more: fields,
    }
}
