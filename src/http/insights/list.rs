//! `GET /v1/insights`.

use std::collections::HashMap;

use actix_web::{HttpRequest, get, web};
use uuid::Uuid;

use super::params::InsightListParams;
use super::related;
use super::represent::with_kinds;
use super::serializer::InsightSerializer;
use super::view::{InsightListView, PartialInsightListView};
use crate::domain::authority::Principal;
use crate::domain::clock::Timestamp;
use crate::domain::locale::Locale;
use crate::domain::page::{Sort, SortKey};
use crate::domain::status::Status;
use crate::domain::term::TermKind;
use crate::http::request::auth::Reader;
use crate::http::request::query_params::QueryParams as _;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::cache_entry;
use crate::http::response::headers::CONTENT_SEQUENCE;
use crate::http::response::pagination;
use crate::http::response::pagination::ListMeta;
use crate::http::response::problem::{Problem, token_required};
use crate::http::response::problem_codes::ProblemCode;
use crate::http::state::app_state::AppState;
use crate::projections::response_cache::CacheTags;
use crate::store;
use crate::store::list_query::{Audience, Filters, ListQuery};
use crate::store::lists::ListedInsight;

/// List insights
///
/// The visible insights, newest first unless `sort` says otherwise. Pages follow a cursor: no page repeats or skips an insight, even when
/// insights are written in between. With `fields` the media type is `application/vnd.insights.partial+json`, because the items do not have
/// every property of the full response. A list costs one SQL statement, whatever its length; one more with `include=body`, and with
/// `count=exact`.
#[utoipa::path(
    tag = "Insights",
    params(InsightListParams),
    responses((status = 200, description = "A page of insights; with `fields`, under a media type of its own.", content(
        (InsightListView = "application/json"), (PartialInsightListView = "application/vnd.insights.partial+json"),
    ))),
    security((), ("bearer" = ["insights:write"])),
    extensions(("x-problems" = json!(["insufficient-scope"]))),
)]
#[get("/v1/insights")]
pub(in crate::http) async fn list_insights(
    app: web::Data<AppState>,
    request: HttpRequest,
    reader: Reader,
) -> Result<ResponseBuilder, Problem> {
    let ListRequest { list, locale, fields, with_total, with_related } =
        ListRequest::from_params(InsightListParams::parse(&request)?, &reader)?;
    let now = app.now();
    let db = app.store.reader();
    let last_draft_change = if matches!(list.audience, Audience::Public) { Timestamp(0) } else { app.last_change_incl_drafts().await? };
    let (freshness, page) = app.with_freshness(now, async || store::lists::list(&app.store, &list, now).await).await?;
    let total = if with_total { Some(store::lists::count(db, &ListQuery { cursor: None, ..list.clone() }, now).await?) } else { None };
    let info = pagination::page_info(&page, list.limit);
    let chain = &Locale::fallback_chain(locale.as_ref(), &freshness.default_locale);
    let mut dependencies = dependencies(&list.filters, &page.rows);
    let (mut related, index_sequence) = if with_related {
        let ids: Vec<Uuid> = page.rows.iter().map(ListedInsight::id).collect();
        related::find_for_each(&app, &ids, chain, now).await?
    } else {
        (HashMap::new(), freshness.sequence)
    };
    dependencies.extend(cache_entry::ANY_INSIGHT_TAGS.iter().filter(|_| with_related));
    let serializer = InsightSerializer { fields: &fields, with_body: list.with_body, chain, now };
    let meta = ListMeta { sequence: freshness.sequence, total };
    let response = ResponseBuilder::json_from_writer(|out| {
        out.extend_from_slice(b"{\"data\":[");
        for (index, row) in page.rows.into_iter().enumerate() {
            out.extend_from_slice(if index == 0 { b"" } else { b"," });
            let related = with_related.then(|| related.remove(&row.id()).unwrap_or_default());
            serializer.write(out, row, related)?;
        }
        out.extend_from_slice(b"],\"page\":");
        serde_json::to_writer(&mut *out, &info)?;
        out.extend_from_slice(b",\"meta\":");
        serde_json::to_writer(&mut *out, &meta)?;
        out.push(b'}');
        Ok(())
    });
    let media_type = if fields.is_empty() { "application/json" } else { "application/vnd.insights.partial+json" };
    let response = response
        .content_type(media_type)
        .etag_prefix("l".to_owned())
        .etag_without_sequence()
        .cacheable_at(index_sequence, &freshness, dependencies)
        .last_modified(freshness.last_modified.max(last_draft_change))
        .header(CONTENT_SEQUENCE, freshness.sequence.to_string())
        .policy(reader.policy(now, &freshness))
        .cache_tag_header(&cache_entry::list_tags(&list.filters));
    Ok(pagination::add_links(response, &app, &request, &info))
}

/// What a query string requests of the list.
struct ListRequest {
    list: ListQuery,
    locale: Option<Locale>,
    fields: Vec<&'static str>,
    with_total: bool,
    with_related: bool,
}

impl ListRequest {
    fn from_params(params: InsightListParams, reader: &Reader) -> Result<Self, Problem> {
        let InsightListParams { filters, locale, limit, cursor, status, sort, fields, include, count } = params;
        let filters = Filters::from(filters);
        let sort = sort.and_then(Sort::parse).unwrap_or(Sort::DEFAULT);
        let identity = format!("insights {filters:?} {status:?} {sort:?}");
        let list = ListQuery {
            audience: audience(status, reader)?,
            filters,
            sort,
            limit,
            cursor: pagination::read_cursor(cursor.as_deref(), &identity, sort.key == SortKey::Title)?,
            locales: Locale::with_parents(locale.as_ref()),
            with_body: include.contains(&"body") || fields.contains(&"body"),
            identity,
        };
        Ok(Self { list, locale, fields, with_total: count.is_some(), with_related: include.contains(&"related") })
    }
}

/// A `status` needs an editor. Without it, everybody gets the public list.
fn audience(status: Option<&str>, reader: &Reader) -> Result<Audience, Problem> {
    let Some(status) = status else { return Ok(Audience::Public) };
    match reader.editor() {
        Some(editor) => Ok(Audience::Editors { status: Status::parse(status), own: Principal::limited_to_own(editor) }),
        None if reader.is_anonymous() => Err(token_required("the parameter status needs a token with the scope insights:write")),
        None => Err(Problem::new(ProblemCode::InsufficientScope, "the parameter status needs a token with the scope insights:write")
            .with("required_scope", "insights:write")),
    }
}

/// The tags that drop the cached list: the narrowest lists that contain it, the terms that filter it, and the insights and terms on it.
fn dependencies(filters: &Filters, rows: &[ListedInsight]) -> CacheTags {
    let mut tags: CacheTags = list_names(filters).into_iter().chain(cache_entry::term_tags(filters)).collect();
    for row in rows {
        tags.add(&["insight:", row.id().hyphenated().encode_lower(&mut Uuid::encode_buffer())]);
        for (kind, term) in with_kinds(row.terms()) {
            tags.add(&[kind, ":", &term.slug]);
        }
    }
    tags
}

/// The lists that together contain every insight these filters can match: those of one kind of term, or the list of all insights.
fn list_names(filters: &Filters) -> Vec<String> {
    let by_kind = [(TermKind::Tag, &filters.tags), (TermKind::Author, &filters.authors), (TermKind::Category, &filters.categories)];
    let filtered = by_kind.into_iter().find(|(_, slugs)| !slugs.is_empty());
    filtered.map_or_else(|| vec!["insights".to_owned()], |(kind, slugs)| slugs.iter().map(|slug| kind.list_tag(slug)).collect())
}
