//! `GET /v1/insights`.

use std::collections::HashMap;

use actix_web::{HttpRequest, get, web};
use uuid::Uuid;

use super::params::{self, FIELDS};
use super::related;
use super::serializer::InsightSerializer;
use super::view::{InsightListView, PartialInsightListView};
use crate::domain::authority::Principal;
use crate::domain::clock::Timestamp;
use crate::domain::locale::Locale;
use crate::domain::page::{Sort, SortKey};
use crate::domain::status::Status;
use crate::http::insights::represent::with_kinds;
use crate::http::request::auth::Reader;
use crate::http::request::query_params::Query;
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
/// The visible insights, newest first unless `sort` says otherwise. Pages are cut by cursor, so that none repeats or skips a row however
/// much is written meanwhile. With `fields` the answer's media type is `application/vnd.insights.partial+json`, so that the types of the full
/// answer promise what they say. A list costs one SQL statement, whatever its length; one more with `include=body`, and with `count=exact`.
#[utoipa::path(
    tag = "Insights",
    params(crate::http::request::params::FilterParams, params::InsightListParams),
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
    let asked = ListRequest::read(Query::from_request(&request), &reader)?;
    let now = app.now();
    let db = app.store.reader();
    let list = asked.list;
    let drafted = if matches!(list.audience, Audience::Public) { Timestamp(0) } else { app.last_change_incl_drafts().await? };
    let (freshness, page) = app.with_freshness(now, async || store::lists::list(&app.store, &list, now).await).await?;
    let total = if asked.count { Some(store::lists::count(db, &ListQuery { cursor: None, ..list.clone() }, now).await?) } else { None };
    let info = pagination::page_info(&page, list.limit);
    let chain = &Locale::fallback_chain(asked.locale.as_ref(), &freshness.default_locale);
    let mut names = names(&list.filters, &page.rows);
    let (mut related, index) = if asked.related {
        let ids: Vec<Uuid> = page.rows.iter().map(ListedInsight::id).collect();
        related::of_many(&app, &ids, chain, now).await?
    } else {
        (HashMap::new(), freshness.sequence)
    };
    names.extend(cache_entry::ANY_INSIGHT_TAGS.iter().filter(|_| asked.related));
    let shape = InsightSerializer { fields: &asked.fields, with_body: list.with_body, chain, now };
    let meta = ListMeta { sequence: freshness.sequence, total };
    let reply = ResponseBuilder::json_from_writer(|out| {
        out.extend_from_slice(b"{\"data\":[");
        for (place, row) in page.rows.into_iter().enumerate() {
            out.extend_from_slice(if place == 0 { b"" } else { b"," });
            let related = asked.related.then(|| related.remove(&row.id()).unwrap_or_default());
            shape.write(out, row, related)?;
        }
        out.extend_from_slice(b"],\"page\":");
        serde_json::to_writer(&mut *out, &info)?;
        out.extend_from_slice(b",\"meta\":");
        serde_json::to_writer(&mut *out, &meta)?;
        out.push(b'}');
        Ok(())
    });
    let policy = reader.policy(now, &freshness);
    let media_type = if asked.fields.is_empty() { "application/json" } else { "application/vnd.insights.partial+json" };
    let reply = reply
        .content_type(media_type)
        .etag_prefix("l".to_owned())
        .etag_without_sequence()
        .cacheable_at(index, &freshness, names)
        .last_modified(freshness.last_modified.max(drafted))
        .header(CONTENT_SEQUENCE, freshness.sequence.to_string())
        .policy(policy)
        .cache_tag_header(&cache_entry::list_tags(&list.filters));
    Ok(pagination::add_links(reply, &app, &request, &info))
}

/// What a query string asks of the list.
struct ListRequest {
    list: ListQuery,
    locale: Option<Locale>,
    fields: Vec<&'static str>,
    count: bool,
    related: bool,
}

impl ListRequest {
    fn read(mut query: Query, reader: &Reader) -> Result<Self, Problem> {
        let limit = query.limit();
        let filters = Filters::read(&mut query);
        let locale = query.locale();
        let status = query.one_of("status", &["draft", "scheduled", "published", "expired", "deleted", "any"]);
        let sort = query.one_of("sort", &Sort::NAMES).and_then(Sort::parse).unwrap_or(Sort::DEFAULT);
        let fields = query.some_of("fields", &FIELDS);
        let include = query.some_of("include", &["body", "related"]);
        let count = query.one_of("count", &["exact"]).is_some();
        let identity = format!("insights {filters:?} {status:?} {sort:?}");
        let cursor = pagination::read_cursor(&mut query, &identity, sort.key == SortKey::Title);
        query.finish()?;
        let list = ListQuery {
            audience: audience(status, reader)?,
            filters,
            sort,
            limit,
            cursor: cursor?,
            locales: Locale::with_parents(locale.as_ref()),
            with_body: include.contains(&"body") || fields.contains(&"body"),
            identity,
        };
        Ok(Self { list, locale, fields, count, related: include.contains(&"related") })
    }
}

/// Whoever asks for a status must be an editor; whoever does not sees what everybody sees.
fn audience(status: Option<&str>, reader: &Reader) -> Result<Audience, Problem> {
    let Some(status) = status else { return Ok(Audience::Public) };
    match reader.editor() {
        Some(editor) => Ok(Audience::Editors { status: Status::parse(status), own: Principal::limited_to_own(editor) }),
        None if reader.is_anonymous() => Err(token_required("the parameter status needs a token with the scope insights:write")),
        None => Err(Problem::new(ProblemCode::InsufficientScope, "the parameter status needs a token with the scope insights:write")
            .with("required_scope", "insights:write")),
    }
}

/// What a list is made of: the insights that it can have, and the terms that it names and shows.
fn names(filters: &Filters, rows: &[ListedInsight]) -> CacheTags {
    let mut names: CacheTags = filters.lists().into_iter().chain(filters.named()).collect();
    for row in rows {
        names.add(&["insight:", row.id().hyphenated().encode_lower(&mut Uuid::encode_buffer())]);
        for (kind, term) in with_kinds(row.terms()) {
            names.add(&[kind, ":", &term.slug]);
        }
    }
    names
}
