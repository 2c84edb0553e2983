//! The six operations, for whichever kind.

use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};

use super::view::{TermListView, view};
use crate::domain::authority::Publisher;
use crate::domain::change::PublicSequence;
use crate::domain::clock::Timestamp;
use crate::domain::etag::named_state;
use crate::domain::locale::Locale;
use crate::domain::slug::Slug;
use crate::domain::term::{TermDraft, TermKind};
use crate::editorial;
use crate::editorial::error::EditorialError;
use crate::http::request::auth::Reader;
use crate::http::request::body::Body;
use crate::http::request::preconditions::Preconditions;
use crate::http::request::query_params::Query;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::headers::CONTENT_SEQUENCE;
use crate::http::response::pagination;
use crate::http::response::pagination::ListMeta;
use crate::http::response::problem::Problem;
use crate::http::response::write_outcome::WriteMode;
use crate::http::state::app_state::AppState;
use crate::store::terms::TermRow;
use crate::store::{self, Transaction};

pub(super) async fn list(app: &AppState, request: &HttpRequest, reader: &Reader, kind: TermKind) -> Result<ResponseBuilder, Problem> {
    let mut query = Query::from_request(request);
    let limit = query.limit();
    let cursor = pagination::read_cursor(&mut query, kind.plural(), false);
    let locale = query.locale();
    query.finish()?;
    let now = app.now();
    let freshness = app.freshness(now).await?;
    let page = store::terms::list(app.store.reader(), kind, cursor?.as_ref(), limit, now).await?;
    let chain = Locale::fallback_chain(locale.as_ref(), &freshness.default_locale);
    let info = pagination::page_info(&page, limit);
    let public = TermListView {
        data: page.rows.iter().map(|row| view(row, &chain, false)).collect(),
        page: info,
        meta: ListMeta { sequence: PublicSequence::default(), total: None },
    };
    let data = page.rows.iter().map(|row| view(row, &chain, reader.editor().is_some())).collect();
    let shown =
        TermListView { data, page: pagination::page_info(&page, limit), meta: ListMeta { sequence: freshness.sequence, total: None } };
    let policy = reader.policy(now, &freshness);
    let reply = ResponseBuilder::json(&shown)
        .etag_prefix("l".to_owned())
        .cacheable(&freshness, [kind.plural(), "insights"])
        .etag_from(&public)
        .last_modified(freshness.last_modified)
        .header(CONTENT_SEQUENCE, freshness.sequence.to_string())
        .policy(policy)
        .cache_tag_header(&[kind.plural().to_owned(), "insights".to_owned()]);
    Ok(pagination::add_links(reply, app, request, &public.page))
}

pub(super) async fn get(
    app: &AppState,
    request: &HttpRequest,
    reader: &Reader,
    kind: TermKind,
    slug: &str,
) -> Result<ResponseBuilder, Problem> {
    let mut query = Query::from_request(request);
    let locale = query.locale();
    query.finish()?;
    let now = app.now();
    let freshness = app.freshness(now).await?;
    let chain = Locale::fallback_chain(locale.as_ref(), &freshness.default_locale);
    let slug = Slug::parse(slug).ok_or_else(Problem::not_found)?;
    let row = store::terms::find(app.store.reader(), kind, slug.as_str(), now).await?.ok_or_else(Problem::not_found)?;
    let policy = reader.policy(now, &freshness);
    Ok(represent(&row, &chain, reader.editor().is_some())
        .last_modified(freshness.last_modified)
        .header(CONTENT_SEQUENCE, freshness.sequence.to_string())
        .policy(policy)
        .cacheable(&freshness, [format!("{}:{slug}", kind.resource().as_str()), kind.list_tag(slug.as_str())])
        .cache_tag_header(&[format!("{}:{slug}", kind.resource().as_str()), "insights".to_owned()]))
}

pub(super) async fn create(
    app: &AppState,
    request: &HttpRequest,
    publisher: &Publisher,
    kind: TermKind,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let intent = WriteMode::from_request(request)?;
    let now = app.now();
    let draft = body.parse(TermDraft::parse)?;
    let pending = editorial::terms::create(&app.store, publisher, kind, draft, now).await?;
    let show = async |txn: &Transaction, slug: &String| {
        let location = app.location(&format!("/v1/{}/{slug}", kind.plural()));
        Ok(written(txn, kind, slug, now).await?.status(StatusCode::CREATED).header(header::LOCATION, location))
    };
    intent.commit_or_dry_run(app, pending, now, show).await
}

pub(super) async fn replace(
    app: &AppState,
    request: &HttpRequest,
    publisher: &Publisher,
    at: (TermKind, &str),
    preconditions: Preconditions,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let intent = WriteMode::from_request(request)?;
    let now = app.now();
    known(app, at, now).await?;
    let draft = body.parse(TermDraft::parse)?;
    let pending = editorial::terms::replace(&app.store, publisher, at, &preconditions.optional()?, draft, now).await?;
    intent.commit_or_dry_run(app, pending, now, async |txn, slug| written(txn, at.0, slug, now).await).await
}

pub(super) async fn patch(
    app: &AppState,
    request: &HttpRequest,
    publisher: &Publisher,
    at: (TermKind, &str),
    preconditions: Preconditions,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let intent = WriteMode::from_request(request)?;
    let now = app.now();
    known(app, at, now).await?;
    let merge = body.merge_patch()?;
    let merge = |old| TermDraft::parse(merge(old)).map_err(EditorialError::Invalid);
    let pending = editorial::terms::patch(&app.store, publisher, at, &preconditions.optional()?, merge, now).await?;
    intent.commit_or_dry_run(app, pending, now, async |txn, slug| written(txn, at.0, slug, now).await).await
}

pub(super) async fn delete(
    app: &AppState,
    request: &HttpRequest,
    publisher: &Publisher,
    at: (TermKind, &str),
    preconditions: Preconditions,
) -> Result<ResponseBuilder, Problem> {
    let intent = WriteMode::from_request(request)?;
    let now = app.now();
    known(app, at, now).await?;
    let pending = editorial::terms::delete(&app.store, publisher, at, &preconditions.optional()?, now).await?;
    intent.commit_or_dry_run(app, pending, now, async |_, _| Ok(ResponseBuilder::empty(StatusCode::NO_CONTENT))).await
}

/// Whether it is there comes before what was sent.
async fn known(app: &AppState, (kind, slug): (TermKind, &str), now: Timestamp) -> Result<(), Problem> {
    Slug::parse(slug).ok_or_else(Problem::not_found)?;
    store::terms::find(app.store.reader(), kind, slug, now).await?.map(|_| ()).ok_or_else(Problem::not_found)
}

async fn written(txn: &Transaction, kind: TermKind, slug: &str, now: Timestamp) -> Result<ResponseBuilder, Problem> {
    let site = store::site::find(txn).await?.ok_or_else(Problem::internal)?;
    let chain = Locale::fallback_chain(None, &site.default_locale);
    let row = store::terms::find(txn, kind, slug, now).await?.ok_or_else(Problem::not_found)?;
    Ok(represent(&row, &chain, true))
}

/// The validator is the same for everybody: it is made of what the public sees.
fn represent(row: &TermRow, chain: &[String], for_editor: bool) -> ResponseBuilder {
    ResponseBuilder::json(&view(row, chain, for_editor)).etag_prefix(named_state(row.id, row.version)).etag_from(&view(row, chain, false))
}
