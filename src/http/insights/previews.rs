//! Preview tokens: create, list, revoke, and the read with one.

use actix_web::http::header::HeaderName;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, delete, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::lookup::ReadContext;
use super::path::{InsightPath, PreviewTokenPath};
use super::related;
use super::represent::{Representation, represent};
use super::write_target::find_authorized;
use crate::domain::authority::Editor;
use crate::domain::clock::Timestamp;
use crate::domain::secret::{self, PREVIEW};
use crate::editorial::previews::{self, PreviewDraft};
use crate::http::request::body::Body;
use crate::http::request::negotiation::INSIGHT_MEDIA_TYPES;
use crate::http::request::params::PageParams;
use crate::http::request::query_params::QueryParams as _;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::made_by::MadeBy;
use crate::http::response::pagination;
use crate::http::response::pagination::{ListMeta, PageInfo};
use crate::http::response::problem::Problem;
use crate::http::response::write_outcome::WriteMode;
use crate::http::state::app_state::AppState;
use crate::store::insights::InsightName;
use crate::store::previews::Preview;
use crate::store::{self, Transaction};

const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

/// A preview token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreviewToken)]
pub(in crate::http) struct PreviewTokenView {
    pub id: Uuid,
    pub insight_id: Uuid,
    /// The revision that it shows.
    #[schema(minimum = 1)]
    pub revision: i64,
    pub made_by: MadeBy,
    #[schema(format = DateTime)]
    pub created_at: String,
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// A new preview token. The secret, and the address that contains it, are shown here only.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewPreviewToken)]
pub(in crate::http) struct NewPreviewTokenView {
    pub id: Uuid,
    pub insight_id: Uuid,
    #[schema(minimum = 1)]
    pub revision: i64,
    pub token: String,
    /// The address at which the revision can be read.
    #[schema(format = "uri")]
    pub url: String,
    pub made_by: MadeBy,
    #[schema(format = DateTime)]
    pub created_at: String,
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// A page of preview tokens.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreviewTokenList)]
pub(in crate::http) struct PreviewTokenListView {
    pub data: Vec<PreviewTokenView>,
    pub page: PageInfo,
    pub meta: ListMeta,
}

/// What a preview token shows, and until when. Empty: the newest revision, for a day.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the input; the domain parses it")]
pub(in crate::http) struct PreviewTokenInput {
    /// The number of the revision; the newest by default.
    #[schema(minimum = 1, maximum = 2_147_483_647_i64)]
    revision: Option<i64>,
    /// Seconds until it expires; at most 30 days.
    #[schema(minimum = 60, maximum = 2_592_000)]
    expires_in: Option<i64>,
    /// When it expires, instead of `expires_in`.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// Create a preview token
///
/// Its holder can read one revision of one insight, published or not, at `url` (`?preview=` on the ordinary address), until the token
/// expires or is revoked. No cache stores what is read with it, and no search engine indexes it.
#[utoipa::path(
    tag = "Editorial",
    params(InsightPath),
    request_body(content = Option<PreviewTokenInput>, content_type = "application/json"),
    responses((status = 201, description = "The token with its secret.", body = NewPreviewTokenView)),
    security(("bearer" = ["insights:write"])),
)]
#[post("/v1/insights/{id_or_slug}/preview-tokens")]
pub(in crate::http) async fn create_preview_token(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<InsightPath>,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let mode = WriteMode::from_request(&request)?;
    let now = app.now();
    let insight = find_authorized(&app, &path.id_or_slug, editor.principal()).await?.id;
    let draft = body.parse_optional(PreviewDraft::parse)?;
    let pending = previews::create(&app.store, &editor, insight, draft, now).await?;
    let show = async |_: &Transaction, (preview, token): &(Preview, String)| {
        let PreviewTokenView { id, insight_id, revision, made_by, created_at, expires_at } = view(preview);
        let url = format!("{}/v1/insights/{insight_id}?preview={token}", app.base_url);
        let location = app.location(&format!("/v1/insights/{insight_id}/preview-tokens/{id}"));
        let new = NewPreviewTokenView { id, insight_id, revision, token: token.clone(), url, made_by, created_at, expires_at };
        Ok(ResponseBuilder::json(&new).etag_prefix(format!("n{revision}")).status(StatusCode::CREATED).header(header::LOCATION, location))
    };
    mode.commit_or_dry_run(&app, pending, now, show).await
}

/// List preview tokens
///
/// The valid tokens of an insight, oldest first, without their secrets.
#[utoipa::path(
    tag = "Editorial",
    params(InsightPath, PageParams),
    responses((status = 200, description = "A page of tokens.", body = PreviewTokenListView)),
    security(("bearer" = ["insights:write"])),
)]
#[get("/v1/insights/{id_or_slug}/preview-tokens")]
pub(in crate::http) async fn list_preview_tokens(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<InsightPath>,
) -> Result<ResponseBuilder, Problem> {
    let PageParams { limit, cursor } = PageParams::parse(&request)?;
    let insight = find_authorized(&app, &path.id_or_slug, editor.principal()).await?.id;
    let cursor = pagination::read_cursor(cursor.as_deref(), &store::previews::identity(insight), false)?;
    let now = app.now();
    let page = store::previews::list(app.store.reader(), insight, cursor.as_ref(), limit, now).await?;
    let sequence = app.freshness(now).await?.sequence;
    let info = pagination::page_info(&page, limit);
    let view = PreviewTokenListView { data: page.rows.iter().map(view).collect(), page: info, meta: ListMeta { sequence, total: None } };
    Ok(pagination::add_links(ResponseBuilder::json(&view).etag_prefix(format!("s{sequence}")), &app, &request, &view.page))
}

/// Revoke a preview token
///
/// Takes effect at once, on every node.
#[utoipa::path(
    tag = "Editorial",
    params(PreviewTokenPath),
    responses((status = 204, description = "The token is no longer valid.")),
    security(("bearer" = ["insights:write"])),
)]
#[delete("/v1/insights/{id_or_slug}/preview-tokens/{id}")]
pub(in crate::http) async fn revoke_preview_token(
    app: web::Data<AppState>,
    request: HttpRequest,
    editor: Editor,
    path: web::Path<PreviewTokenPath>,
) -> Result<ResponseBuilder, Problem> {
    let mode = WriteMode::from_request(&request)?;
    let now = app.now();
    let insight = find_authorized(&app, &path.id_or_slug, editor.principal()).await?.id;
    let pending = previews::revoke(&app.store, &editor, insight, path.token_id()?, now).await?;
    mode.commit_or_dry_run(&app, pending, now, async |_, ()| Ok(ResponseBuilder::empty(StatusCode::NO_CONTENT))).await
}

fn view(preview: &Preview) -> PreviewTokenView {
    let Preview { id, insight_id, revision, made_by, user_id, token_id, created_at, expires_at } = preview;
    PreviewTokenView {
        id: *id,
        insight_id: *insight_id,
        revision: *revision,
        made_by: MadeBy { name: made_by.clone(), user_id: *user_id, token_id: *token_id },
        created_at: Timestamp(*created_at).rfc3339(),
        expires_at: Timestamp(*expires_at).rfc3339(),
    }
}

/// A read with a preview token.
pub(super) struct PreviewRequest {
    pub(super) name: InsightName,
    pub(super) token: String,
    pub(super) form: &'static str,
    pub(super) with_related: bool,
}

/// One revision for the holder of a token. With a token that is invalid, or for another insight, nothing is found: not even what is public.
pub(super) async fn read(context: &ReadContext<'_>, request: PreviewRequest) -> Result<ResponseBuilder, Problem> {
    let PreviewRequest { name, token, form, with_related } = request;
    let ReadContext { app, chain, now, .. } = context;
    if !secret::is_well_formed(PREVIEW, &token) {
        return Err(Problem::not_found());
    }
    let db = app.store.reader();
    let preview = store::previews::find_by_digest(db, &secret::digest(&token), *now).await?.ok_or_else(Problem::not_found)?;
    let insight_id = match name {
        InsightName::Id(id) => Some(id),
        InsightName::Slug(slug) => store::slugs::find_owner(db, &slug).await?,
    };
    if insight_id != Some(preview.insight_id) {
        return Err(Problem::not_found());
    }
    let revision = store::insights::find_revision(db, preview.insight_id, preview.revision, chain).await?;
    let (row, body) = revision.ok_or_else(Problem::not_found)?;
    let related = if with_related && form == INSIGHT_MEDIA_TYPES[0] {
        Some(related::find_for_each(app, &[row.id], chain, *now).await?.0.remove(&row.id).unwrap_or_default())
    } else {
        None
    };
    Ok(represent(&row, body, chain, Representation { form, related }, *now)
        .header(X_ROBOTS_TAG, "noindex, nofollow, noarchive")
        .header(header::REFERRER_POLICY, "no-referrer"))
}
