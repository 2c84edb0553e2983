//! The six operations, for whichever kind.

use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};

use super::view::{TermListView, view};
use crate::domain::authority::Publisher;
use crate::domain::clock::Timestamp;
use crate::domain::etag::named_state;
use crate::domain::locale::Locale;
use crate::domain::slug::Slug;
use crate::domain::term::{TermDraft, TermKind};
use crate::editorial;
use crate::editorial::error::EditorialError;
use crate::http::api::Api;
use crate::http::auth::Reader;
use crate::http::extract::{Body, Preconditions};
use crate::http::lists::{self, ListMeta};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::reply::{CONTENT_SEQUENCE, Reply};
use crate::http::writes::Intent;
use crate::store::terms::TermRow;
use crate::store::{self, Transaction};

pub(super) async fn list(api: &Api, request: &HttpRequest, reader: &Reader, kind: TermKind) -> Result<Reply, Problem> {
    let mut query = Query::of(request);
    let limit = query.limit();
    let cursor = lists::cursor(&mut query, kind.plural(), false);
    let locale = query.locale();
    query.finish()?;
    let now = api.now();
    let freshness = api.freshness(now).await?;
    let page = store::terms::list(api.store.reader(), kind, cursor?.as_ref(), limit, now).await?;
    let chain = Locale::fallback_chain(locale.as_ref(), &freshness.default_locale);
    let info = lists::page_info(&page, limit);
    let public = TermListView {
        data: page.rows.iter().map(|row| view(row, &chain, false)).collect(),
        page: info,
        meta: ListMeta { sequence: 0, total: None },
    };
    let data = page.rows.iter().map(|row| view(row, &chain, reader.editor().is_some())).collect();
    let shown = TermListView { data, page: lists::page_info(&page, limit), meta: ListMeta { sequence: freshness.sequence, total: None } };
    let policy = reader.policy(now, &freshness);
    let reply = Reply::json(&shown)
        .state("l".to_owned())
        .kept(&freshness, [kind.plural(), "insights"])
        .digest_of(&public)
        .last_modified(freshness.last_modified)
        .header(CONTENT_SEQUENCE, freshness.sequence.to_string())
        .policy(policy)
        .cache_tags(&[kind.plural().to_owned(), "insights".to_owned()]);
    Ok(lists::links(reply, api, request, &public.page))
}

pub(super) async fn get(api: &Api, request: &HttpRequest, reader: &Reader, kind: TermKind, slug: &str) -> Result<Reply, Problem> {
    let mut query = Query::of(request);
    let locale = query.locale();
    query.finish()?;
    let now = api.now();
    let freshness = api.freshness(now).await?;
    let chain = Locale::fallback_chain(locale.as_ref(), &freshness.default_locale);
    let slug = Slug::parse(slug).ok_or_else(Problem::not_found)?;
    let row = store::terms::find(api.store.reader(), kind, slug.as_str(), now).await?.ok_or_else(Problem::not_found)?;
    let policy = reader.policy(now, &freshness);
    Ok(represent(&row, &chain, reader.editor().is_some())
        .last_modified(freshness.last_modified)
        .header(CONTENT_SEQUENCE, freshness.sequence.to_string())
        .policy(policy)
        .kept(&freshness, [format!("{}:{slug}", kind.resource().as_str()), kind.list_tag(slug.as_str())])
        .cache_tags(&[format!("{}:{slug}", kind.resource().as_str()), "insights".to_owned()]))
}

pub(super) async fn create(api: &Api, request: &HttpRequest, publisher: &Publisher, kind: TermKind, body: Body) -> Result<Reply, Problem> {
    let intent = Intent::of(request)?;
    let now = api.now();
    let draft = body.parse(TermDraft::parse)?;
    let pending = editorial::terms::create(&api.store, publisher, kind, draft, now).await?;
    let show = async |txn: &Transaction, slug: &String| {
        let location = api.location(&format!("/v1/{}/{slug}", kind.plural()));
        Ok(written(txn, kind, slug, now).await?.status(StatusCode::CREATED).header(header::LOCATION, location))
    };
    intent.conclude(api, pending, now, show).await
}

pub(super) async fn replace(
    api: &Api,
    request: &HttpRequest,
    publisher: &Publisher,
    at: (TermKind, &str),
    preconditions: Preconditions,
    body: Body,
) -> Result<Reply, Problem> {
    let intent = Intent::of(request)?;
    let now = api.now();
    known(api, at, now).await?;
    let draft = body.parse(TermDraft::parse)?;
    let pending = editorial::terms::replace(&api.store, publisher, at, &preconditions.optional()?, draft, now).await?;
    intent.conclude(api, pending, now, async |txn, slug| written(txn, at.0, slug, now).await).await
}

pub(super) async fn patch(
    api: &Api,
    request: &HttpRequest,
    publisher: &Publisher,
    at: (TermKind, &str),
    preconditions: Preconditions,
    body: Body,
) -> Result<Reply, Problem> {
    let intent = Intent::of(request)?;
    let now = api.now();
    known(api, at, now).await?;
    let merge = body.merge_patch()?;
    let merge = |old| TermDraft::parse(merge(old)).map_err(EditorialError::Invalid);
    let pending = editorial::terms::patch(&api.store, publisher, at, &preconditions.optional()?, merge, now).await?;
    intent.conclude(api, pending, now, async |txn, slug| written(txn, at.0, slug, now).await).await
}

pub(super) async fn delete(
    api: &Api,
    request: &HttpRequest,
    publisher: &Publisher,
    at: (TermKind, &str),
    preconditions: Preconditions,
) -> Result<Reply, Problem> {
    let intent = Intent::of(request)?;
    let now = api.now();
    known(api, at, now).await?;
    let pending = editorial::terms::delete(&api.store, publisher, at, &preconditions.optional()?, now).await?;
    intent.conclude(api, pending, now, async |_, _| Ok(Reply::empty(StatusCode::NO_CONTENT))).await
}

/// Whether it is there comes before what was sent.
async fn known(api: &Api, (kind, slug): (TermKind, &str), now: Timestamp) -> Result<(), Problem> {
    Slug::parse(slug).ok_or_else(Problem::not_found)?;
    store::terms::find(api.store.reader(), kind, slug, now).await?.map(|_| ()).ok_or_else(Problem::not_found)
}

async fn written(txn: &Transaction, kind: TermKind, slug: &str, now: Timestamp) -> Result<Reply, Problem> {
    let site = store::site::find(txn).await?.ok_or_else(Problem::internal)?;
    let chain = Locale::fallback_chain(None, &site.default_locale);
    let row = store::terms::find(txn, kind, slug, now).await?.ok_or_else(Problem::not_found)?;
    Ok(represent(&row, &chain, true))
}

/// The validator is the same for everybody: it is made of what the public sees.
fn represent(row: &TermRow, chain: &[String], for_editor: bool) -> Reply {
    Reply::json(&view(row, chain, for_editor)).state(named_state(row.id, row.version)).digest_of(&view(row, chain, false))
}
