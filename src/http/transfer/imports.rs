//! `/v1/imports`: lines of JSON are received in constant memory; the outcome of each can be read as soon as it is known.

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, delete, get, post, web};
use futures_util::StreamExt as _;
use memchr::memchr;
use serde_json::json;

use crate::domain::authority::{Editor, Principal};
use crate::domain::import_state::ImportItemState;
use crate::editorial::imports;
use crate::editorial::imports::{ImportMode, ImportReceiver, ReceivedLine};
use crate::http::middleware::request_context::{RequestId, wait_for_latest_write};
use crate::http::request::body;
use crate::http::request::param_rules::{CURSOR, Flag, OneOf, PAGE_LIMIT, query_params};
use crate::http::request::params::IdPath;
use crate::http::request::query_params::{Query, QueryParams as _};
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::pagination;
use crate::http::response::pagination::ListMeta;
use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;
use crate::http::response::write_outcome::WriteMode;
use crate::http::state::app_state::{AppState, Limits};
use crate::http::transfer::import_view::{ImportItemListView, ImportView, item_view, view};
use crate::store;
use crate::store::Transaction;

const MEDIA_TYPES: [&str; 4] = ["application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-lines"];
/// Lines, and bytes of lines, that are stored together.
const MAX_CHUNK_LINES: usize = 500;
const MAX_CHUNK_BYTES: usize = 4_000_000;

query_params! {
    struct ImportParams {
        /// `true`: all items or none.
        atomic: bool = Flag.or(false),
        /// `true`: check every item and change nothing; the outcomes say what would become of each.
        validate_only: bool = Flag.or(false),
    }
}

query_params! {
    struct ItemParams {
        /// Only items in this state.
        state: Option<&'static str> = OneOf(&ImportItemState::WORDS),
        /// Maximum number of items on a page.
        limit: i64 = PAGE_LIMIT,
        /// `page.next_cursor` or `page.prev_cursor` of an earlier response.
        cursor: Option<String> = CURSOR,
    }
}

/// The body as a stream.
pub(crate) struct LinesBody {
    payload: Payload,
    media_type: String,
}

impl FromRequest for LinesBody {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self { payload: payload.take(), media_type: request.content_type().to_ascii_lowercase() }))
    }
}

/// Import insights
///
/// Accepts any number of lines of JSON (NDJSON): insights as `GET /v1/exports/insights` writes them, or categories, tags and authors. An
/// insight is identified by its `id` or its `slug`, so importing twice changes nothing. The response is sent when everything was received;
/// then the items are processed one by one, and each outcome can be read at once. A service that stops in between resumes after the last
/// finished item. With `atomic=true` all items are imported or none; with `validate_only=true` everything is checked and nothing changed.
/// Publishing, and creating categories, tags and authors, needs `insights:publish`. An import may do what its sender may at that moment:
/// when the token is revoked or expires, the session ends, or the user is disabled, it ends as `failed`, and what is `waiting` is never
/// applied. An `atomic` import that fails changes nothing and
/// leaves its other items `waiting`; it may have at most 10 000 items, because other writers wait for it.
#[utoipa::path(
    tag = "Imports",
    params(ImportParams),
    request_body(content = String, content_type = "application/x-ndjson"),
    responses((status = 202, description = "Everything was received; processing has started.", body = ImportView)),
    security(("bearer" = ["insights:write"])),
    extensions(("x-problems" = json!(["import-ended"]))),
)]
#[post("/v1/imports")]
pub(crate) async fn create_import(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    lines: LinesBody,
) -> Result<ResponseBuilder, Problem> {
    let ImportParams { atomic, validate_only } = ImportParams::parse(&request)?;
    if !MEDIA_TYPES.contains(&lines.media_type.as_str()) {
        return Err(Problem::new(ProblemCode::UnsupportedMediaType, format!("send the lines as Content-Type: {}", MEDIA_TYPES[0]))
            .with("accepted", MEDIA_TYPES.to_vec()));
    }
    if body::is_encoded(request.headers()) {
        return Err(Problem::new(ProblemCode::UnsupportedMediaType, "send the lines without a Content-Encoding")
            .with("accepted", MEDIA_TYPES.to_vec()));
    }
    let write_mode = WriteMode::for_import(&request, validate_only);
    let mode = ImportMode { source: format!("request {}", RequestId::from_request(&request)), atomic, validate_only };
    let mut receiving = imports::begin(&app.store, &editor, mode, app.now()).await?;
    if let Err(problem) = receive(&app, &mut receiving, lines.payload).await {
        receiving.discard(&app.store).await?;
        return Err(problem);
    }
    let now = app.now();
    let pending = receiving.complete(&app.store, &editor, None, now).await?;
    let show = async |_: &Transaction, import: &store::imports::Import| {
        let location = app.location(&format!("/v1/imports/{}", import.id));
        Ok(ResponseBuilder::json(&view(import)).status(StatusCode::ACCEPTED).header(header::LOCATION, location))
    };
    let response = write_mode.commit_or_dry_run(&app, pending, now, show).await?;
    app.import_received().notify_one();
    Ok(response)
}

/// Get an import
///
/// The progress of an import. When it is `done`, everything that it changed can be read and found.
#[utoipa::path(
    tag = "Imports",
    params(IdPath),
    responses((status = 200, description = "The import.", body = ImportView)),
    security(("bearer" = ["insights:write"])),
)]
#[get("/v1/imports/{id}")]
pub(crate) async fn get_import(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<IdPath>,
) -> Result<ResponseBuilder, Problem> {
    Query::require_empty(&request)?;
    let import = find_authorized(&app, &path, editor.principal()).await?;
    if import.finished_at.is_some() {
        // Another node may have processed it.
        wait_for_latest_write(&app).await;
    }
    Ok(ResponseBuilder::json(&view(&import)))
}

/// List the items of an import
///
/// The outcome of each line, in the order of the lines: `created`, `updated`, `unchanged`, `failed` with its problem, or still `waiting`;
/// with notes on what was lost or guessed.
#[utoipa::path(
    tag = "Imports",
    params(IdPath, ItemParams),
    responses((status = 200, description = "A page of items.", body = ImportItemListView)),
    security(("bearer" = ["insights:write"])),
)]
#[get("/v1/imports/{id}/items")]
pub(crate) async fn list_import_items(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<IdPath>,
) -> Result<ResponseBuilder, Problem> {
    let ItemParams { state, limit, cursor } = ItemParams::parse(&request)?;
    let state = state.and_then(ImportItemState::parse);
    let import = find_authorized(&app, &path, editor.principal()).await?;
    let cursor = pagination::read_cursor(cursor.as_deref(), &store::imports::identity(import.id, state), false)?;
    let page = store::imports::list_items(app.store.reader(), import.id, state, cursor.as_ref(), limit).await?;
    let sequence = app.freshness(app.now()).await?.sequence;
    let info = pagination::page_info(&page, limit);
    let data = page.rows.into_iter().map(|row| item_view(row, &app.base_url)).collect();
    let view = ImportItemListView { data, page: info, meta: ListMeta { sequence, total: None } };
    Ok(pagination::add_links(ResponseBuilder::json(&view), &app, &request, &view.page))
}

/// Cancel an import
///
/// Ends an import that is being received, waits or runs: it is `failed`, with a `problem` that says so. It stops after the batch in hand,
/// of at most 128 items (an atomic one applies nothing, or has finished first). What was applied stays; the other items stay `waiting`
/// and are never applied. Only its sender or an administrator may cancel an import.
#[utoipa::path(
    tag = "Imports",
    params(IdPath),
    responses((status = 204, description = "The import applies nothing more.")),
    security(("bearer" = ["insights:write"])),
    extensions(("x-problems" = json!(["import-ended"]))),
)]
#[delete("/v1/imports/{id}")]
pub(crate) async fn cancel_import(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<IdPath>,
) -> Result<ResponseBuilder, Problem> {
    let mode = WriteMode::from_request(&request)?;
    let now = app.now();
    let pending = imports::cancel(&app.store, &editor, path.parse()?, now).await?;
    mode.commit_or_dry_run(&app, pending, now, async |_, ()| Ok(ResponseBuilder::empty(StatusCode::NO_CONTENT))).await
}

/// An import that the caller may read.
async fn find_authorized(app: &AppState, path: &IdPath, caller: &Principal) -> Result<store::imports::Import, Problem> {
    let import = store::imports::find(app.store.reader(), path.parse()?).await?;
    import.filter(|import| imports::is_visible_to(import, caller)).ok_or_else(Problem::not_found)
}

/// Receives the lines and stores them in chunks. A line that is too long becomes a failed item.
async fn receive(app: &AppState, receiving: &mut ImportReceiver, mut payload: Payload) -> Result<(), Problem> {
    let Limits { body_bytes, body_time, .. } = app.limits;
    let mut buffer = BytesMut::new();
    let mut chunk: Vec<ReceivedLine> = Vec::new();
    let (mut bytes, mut number, mut skipping) = (0, 0_u64, false);
    loop {
        let bytes_received = tokio::time::timeout(body_time, payload.next()).await.map_err(|_elapsed| body::timeout_problem())?;
        let ended = bytes_received.is_none();
        if let Some(bytes_received) = bytes_received {
            buffer.extend_from_slice(
                &bytes_received.map_err(|_e| Problem::new(ProblemCode::MalformedBody, "the body ended early: nothing was imported"))?,
            );
        } else if !buffer.is_empty() || skipping {
            buffer.extend_from_slice(b"\n");
        }
        while let Some(end) = memchr(b'\n', &buffer) {
            let line = buffer.split_to(end + 1).freeze();
            number += 1;
            let is_too_long = std::mem::take(&mut skipping) || line.len() > body_bytes;
            let line = if is_too_long { Some(too_long(number, body_bytes)) } else { parse_line(number, &line) };
            bytes += line.as_ref().map_or(0, |line| line.input.len());
            chunk.extend(line);
            if chunk.len() >= MAX_CHUNK_LINES || bytes >= MAX_CHUNK_BYTES {
                receiving.add(&app.store, std::mem::take(&mut chunk), app.now()).await?;
                bytes = 0;
            }
        }
        if buffer.len() > body_bytes {
            buffer.clear();
            skipping = true;
        }
        if ended {
            return Ok(receiving.add(&app.store, chunk, app.now()).await?);
        }
    }
}

/// A line as it is stored; `None` for a blank one.
fn parse_line(number: u64, line: &Bytes) -> Option<ReceivedLine> {
    let name = format!("line {number}");
    let Ok(text) = std::str::from_utf8(line) else {
        let problem = json!({ "code": "malformed-body", "detail": "the line is not UTF-8" });
        return Some(ReceivedLine { name, input: String::new(), notes: Vec::new(), refused: Some(problem) });
    };
    let text = text.trim().trim_start_matches('\u{feff}');
    (!text.is_empty()).then(|| ReceivedLine { name, input: text.to_owned(), notes: Vec::new(), refused: None })
}

/// A line that is not stored, as a failed item.
fn too_long(number: u64, max_bytes: usize) -> ReceivedLine {
    let problem = json!({ "code": "payload-too-large", "detail": format!("a line may have at most {max_bytes} bytes") });
    ReceivedLine { name: format!("line {number}"), input: String::new(), notes: Vec::new(), refused: Some(problem) }
}
