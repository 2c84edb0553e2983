//! The six operations, for every kind of term.

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
use crate::http::request::params::{LocaleParam, PageParams};
use crate::http::request::preconditions::Preconditions;
use crate::http::request::query_params::{Query, QueryParams as _};
use crate::http::request::viewer::Viewer;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::headers::CONTENT_SEQUENCE;
use crate::http::response::pagination;
use crate::http::response::pagination::ListMeta;
use crate::http::response::problem::Problem;
use crate::http::response::write_outcome::WriteMode;
use crate::http::state::app_state::AppState;
use crate::store::terms::TermRow;
use crate::store::{self, Transaction};

/// A term that is to be written, in the state that the request expects.
pub(super) struct TermTarget<'r> {
    mode: WriteMode,
    kind: TermKind,
    slug: &'r str,
    preconditions: Preconditions,
    now: Timestamp,
}

impl<'r> TermTarget<'r> {
    /// Checks that the term exists, before anything that was sent is checked.
    pub(super) async fn find(
        app: &AppState,
        mode: WriteMode,
        (kind, slug): (TermKind, &'r str),
        preconditions: Preconditions,
    ) -> Result<Self, Problem> {
        let now = app.now();
        Slug::parse(slug).ok_or_else(Problem::not_found)?;
        store::terms::find(app.store.reader(), kind, slug, now).await?.ok_or_else(Problem::not_found)?;
        Ok(Self { mode, kind, slug, preconditions, now })
    }
}

pub(super) async fn list(app: &AppState, request: &HttpRequest, reader: &Reader, kind: TermKind) -> Result<ResponseBuilder, Problem> {
    let mut query = Query::from_request(request);
    let PageParams { limit, cursor } = PageParams::read(&mut query);
    let LocaleParam { locale } = LocaleParam::read(&mut query);
    query.finish()?;
    let cursor = pagination::read_cursor(cursor.as_deref(), kind.plural(), false)?;
    let now = app.now();
    let freshness = app.freshness(now).await?;
    let page = store::terms::list(app.store.reader(), kind, cursor.as_ref(), limit, now).await?;
    let chain = Locale::fallback_chain(locale.as_ref(), &freshness.default_locale);
    let list = |viewer, sequence| TermListView {
        data: page.rows.iter().map(|row| view(row, &chain, viewer)).collect(),
        page: pagination::page_info(&page, limit),
        meta: ListMeta { sequence, total: None },
    };
    let public = list(Viewer::Public, PublicSequence::default());
    let response = ResponseBuilder::json(&list(reader.into(), freshness.sequence))
        .etag_prefix("l".to_owned())
        .cacheable(&freshness, [kind.plural(), "insights"])
        .etag_from(&public)
        .last_modified(freshness.last_modified)
        .header(CONTENT_SEQUENCE, freshness.sequence.to_string())
        .policy(reader.policy(now, &freshness))
        .cache_tag_header(&[kind.plural().to_owned(), "insights".to_owned()]);
    Ok(pagination::add_links(response, app, request, &public.page))
}

pub(super) async fn get(
    app: &AppState,
    request: &HttpRequest,
    reader: &Reader,
    (kind, slug): (TermKind, &str),
) -> Result<ResponseBuilder, Problem> {
    let LocaleParam { locale } = LocaleParam::parse(request)?;
    let now = app.now();
    let freshness = app.freshness(now).await?;
    let chain = Locale::fallback_chain(locale.as_ref(), &freshness.default_locale);
    let slug = Slug::parse(slug).ok_or_else(Problem::not_found)?;
    let row = store::terms::find(app.store.reader(), kind, slug.as_str(), now).await?.ok_or_else(Problem::not_found)?;
    let term_tag = format!("{}:{slug}", kind.resource().as_str());
    Ok(represent(&row, &chain, reader.into())
        .last_modified(freshness.last_modified)
        .header(CONTENT_SEQUENCE, freshness.sequence.to_string())
        .policy(reader.policy(now, &freshness))
        .cacheable(&freshness, [term_tag.clone(), kind.list_tag(slug.as_str())])
        .cache_tag_header(&[term_tag, "insights".to_owned()]))
}

pub(super) async fn create(
    app: &AppState,
    mode: WriteMode,
    publisher: &Publisher,
    kind: TermKind,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let now = app.now();
    let draft = body.parse(TermDraft::parse)?;
    let pending = editorial::terms::create(&app.store, publisher, kind, draft, now).await?;
    let show = async |txn: &Transaction, slug: &String| {
        let location = app.location(&format!("/v1/{}/{slug}", kind.plural()));
        Ok(read_written(txn, kind, slug, now).await?.status(StatusCode::CREATED).header(header::LOCATION, location))
    };
    mode.commit_or_dry_run(app, pending, now, show).await
}

pub(super) async fn replace(app: &AppState, publisher: &Publisher, target: TermTarget<'_>, body: Body) -> Result<ResponseBuilder, Problem> {
    let TermTarget { mode, kind, slug, preconditions, now } = target;
    let draft = body.parse(TermDraft::parse)?;
    let expected = preconditions.optional()?;
    let pending = editorial::terms::replace(&app.store, publisher, (kind, slug), &expected, draft, now).await?;
    mode.commit_or_dry_run(app, pending, now, async |txn, slug| read_written(txn, kind, slug, now).await).await
}

pub(super) async fn patch(app: &AppState, publisher: &Publisher, target: TermTarget<'_>, body: Body) -> Result<ResponseBuilder, Problem> {
    let TermTarget { mode, kind, slug, preconditions, now } = target;
    let merge = body.merge_patch()?;
    let merge = |old| TermDraft::parse(merge(old)).map_err(EditorialError::Invalid);
    let expected = preconditions.optional()?;
    let pending = editorial::terms::patch(&app.store, publisher, (kind, slug), &expected, merge, now).await?;
    mode.commit_or_dry_run(app, pending, now, async |txn, slug| read_written(txn, kind, slug, now).await).await
}

pub(super) async fn delete(app: &AppState, publisher: &Publisher, target: TermTarget<'_>) -> Result<ResponseBuilder, Problem> {
    let TermTarget { mode, kind, slug, preconditions, now } = target;
    let pending = editorial::terms::delete(&app.store, publisher, (kind, slug), &preconditions.optional()?, now).await?;
    mode.commit_or_dry_run(app, pending, now, async |_, _| Ok(ResponseBuilder::empty(StatusCode::NO_CONTENT))).await
}

/// The written term, read in the transaction of the write.
async fn read_written(txn: &Transaction, kind: TermKind, slug: &str, now: Timestamp) -> Result<ResponseBuilder, Problem> {
    let site = store::site::find(txn).await?.ok_or_else(Problem::internal)?;
    let chain = Locale::fallback_chain(None, &site.default_locale);
    let row = store::terms::find(txn, kind, slug, now).await?.ok_or_else(Problem::not_found)?;
    Ok(represent(&row, &chain, Viewer::Editor))
}

/// The validator is the same for every viewer: its digest is of what the public sees.
fn represent(row: &TermRow, chain: &[String], viewer: Viewer) -> ResponseBuilder {
    let public = view(row, chain, Viewer::Public);
    ResponseBuilder::json(&view(row, chain, viewer)).etag_prefix(named_state(row.id, row.version)).etag_from(&public)
}
