//! `GET /v1/changes`: what happened to visible content, in order, for consumers that keep a copy. The event stream tells the same entries.
//!
//! An entry says what holds when it is read: the insight as it is visible now, or that it is gone. So none can show what is not visible any
//! more, and reading on from any number leads to the present state.

use std::collections::HashMap;

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::change::{PublicSequence, Resource};
use crate::domain::clock::Timestamp;
use crate::domain::locale::Locale;
use crate::domain::page::{Cursor, KeyValue};
use crate::domain::term::TermKind;
use crate::http::insights::view::{InsightSummaryView, InsightView};
use crate::http::request::auth::Reader;
use crate::http::request::params::LocaleParam;
use crate::http::request::query_params::Query;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::cache_control::CachePolicy;
use crate::http::response::headers::CONTENT_SEQUENCE;
use crate::http::response::pagination;
use crate::http::response::pagination::{ListMeta, PageInfo};
use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;
use crate::http::state::app_state::AppState;
use crate::store::changes;
use crate::store::changes::LogRow;
use crate::store::hits;
use crate::store::insight_rows::InsightRow;
use crate::store::terms;

/// What a cursor of this list is bound to.
const IDENTITY: &str = "changes";

/// What changed.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ChangedResource {
    Insight,
    Category,
    Tag,
    Author,
    Site,
}

/// One change of visible content.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Change)]
pub(crate) struct ChangeView {
    /// Its number: ever rising, without gaps. Give the last one you have as `since`.
    #[schema(value_type = i64, minimum = 1)]
    pub sequence: PublicSequence,
    /// When it was noted. Beginnings and ends of publication are noted when they happen.
    #[schema(format = DateTime)]
    at: String,
    /// The resource and what to do with your copy, such as `insight.updated` or `insight.deleted`.
    #[serde(rename = "type")]
    #[schema(example = "insight.updated", pattern = "^(insight|category|tag|author|site)\\.(updated|deleted)$")]
    kind: String,
    resource: ChangedResource,
    /// Null for the site.
    #[schema(required = true)]
    id: Option<Uuid>,
    /// The present slug of what is there.
    #[schema(required = true)]
    slug: Option<String>,
    /// It is not visible any more: a tombstone.
    deleted: bool,
    /// The insight as it is visible now.
    #[schema(required = true, value_type = Option<InsightSummaryView>)]
    insight: Option<Map<String, Value>>,
    /// The names (`Cache-Tag`, `Surrogate-Key`) under which caches drop what it changed.
    cache_tags: Vec<String>,
}

/// Changes, oldest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ChangeList {
    pub data: Vec<ChangeView>,
    page: PageInfo,
    pub meta: ListMeta,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(crate) struct SinceParam {
    /// Only changes with a larger number: that of the last one you have. 0 is the beginning.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64, nullable = false)]
    since: Option<i64>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters to the document")]
struct ChangePageParams {
    /// How many changes a page has at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
    /// `page.next_cursor` of an earlier answer; takes the place of `since`.
    #[param(max_length = 1000, nullable = false)]
    cursor: Option<String>,
}

/// List changes
///
/// Everything that changed what is visible, by a write or by the clock, oldest first: updated insights as they are now, and tombstones for what
/// left. Follow `page.next_cursor` until it is null, then ask again with `since` set to the last number (`meta.sequence`), or go on with
/// `/v1/events`: both tell the same entries under the same numbers.
#[utoipa::path(
    tag = "Changes",
    params(SinceParam, ChangePageParams, LocaleParam),
    responses((status = 200, description = "A page of changes.", body = ChangeList)),
    security((), ("bearer" = ["insights:write"])),
)]
#[get("/v1/changes")]
pub(crate) async fn list_changes(app: web::Data<AppState>, request: HttpRequest, reader: Reader) -> Result<ResponseBuilder, Problem> {
    let mut query = Query::from_request(&request);
    let since = query.since();
    let limit = query.limit();
    let locale = query.locale();
    let cursor = pagination::read_cursor(&mut query, IDENTITY, false);
    query.finish()?;
    let since = match cursor?.map(|cursor| cursor.key) {
        Some(KeyValue::Number(number)) => PublicSequence(number),
        _ => since.unwrap_or_default(),
    };
    let now = app.now();
    let freshness = app.freshness(now).await?;
    check_since(since, freshness.sequence)?;
    let list = page(&app, since, limit, locale.as_ref(), now).await?;
    let sequence = list.meta.sequence;
    let reply = ResponseBuilder::json(&list)
        .etag_prefix(format!("s{sequence}"))
        .last_modified(freshness.last_modified)
        .cacheable(&freshness, ["changes"])
        .header(CONTENT_SEQUENCE, sequence.to_string())
        .policy(if reader.is_anonymous() { CachePolicy::Revalidate } else { CachePolicy::Never })
        .cache_tag_header(&["changes".to_owned(), "insights".to_owned()]);
    Ok(pagination::add_links(reply, &app, &request, &list.page))
}

/// A number that was never given is of another database: whoever has it has to begin again.
pub(crate) fn check_since(since: PublicSequence, newest: PublicSequence) -> Result<(), Problem> {
    if since <= newest {
        return Ok(());
    }
    let detail = format!("there is no change {since} yet, the newest is {newest}: begin again at 0");
    Err(Problem::new(ProblemCode::InvalidParameter, detail).with("parameter", "since"))
}

/// The changes behind a number, all seen at one moment.
pub(crate) async fn page(
    app: &AppState,
    since: PublicSequence,
    limit: i64,
    locale: Option<&Locale>,
    now: Timestamp,
) -> Result<ChangeList, Problem> {
    let snapshot = app.store.snapshot().await?;
    let freshness = changes::freshness(&snapshot, now).await?;
    let chain = Locale::fallback_chain(locale, &freshness.default_locale);
    let mut rows = changes::public_after(&snapshot, since, limit + 1).await?;
    let more = rows.len() > usize::try_from(limit).unwrap_or(0);
    rows.truncate(usize::try_from(limit).unwrap_or(0));
    // What the log says has happened, happened: also when the request, or the clock of this node, is a little behind it.
    let now = rows.iter().map(|row| Timestamp(row.at)).fold(now, Ord::max);
    let insights: HashMap<Uuid, InsightRow> =
        hits::find(&snapshot, &ids(&rows, Resource::Insight), &chain, now).await?.into_iter().map(|row| (row.id, row)).collect();
    let mut slugs: HashMap<Uuid, String> = HashMap::new();
    for kind in TermKind::ALL {
        slugs.extend(terms::find_slugs(&snapshot, kind, &ids(&rows, kind.resource())).await?);
    }
    drop(snapshot);
    let next = rows.last().filter(|_| more).and_then(|last| last.public_sequence);
    let next_cursor = next.map(|number| Cursor::new(KeyValue::Number(number.0), Uuid::nil(), false, IDENTITY).encode());
    let data = rows.iter().map(|row| change(row, &insights, &slugs, &chain, now)).collect();
    Ok(ChangeList {
        data,
        page: PageInfo { limit, next_cursor, prev_cursor: None },
        meta: ListMeta { sequence: freshness.sequence, total: None },
    })
}

fn ids(rows: &[LogRow], resource: Resource) -> Vec<Uuid> {
    let mut ids: Vec<Uuid> = rows.iter().filter(|row| row.resource == resource).filter_map(|row| row.resource_id).collect();
    ids.sort();
    ids.dedup();
    ids
}

fn change(
    row: &LogRow,
    insights: &HashMap<Uuid, InsightRow>,
    slugs: &HashMap<Uuid, String>,
    chain: &[String],
    now: Timestamp,
) -> ChangeView {
    let LogRow { at, resource, resource_id, public_sequence, cache_tags, .. } = row;
    let insight = resource_id.and_then(|id| insights.get(&id)).filter(|_| *resource == Resource::Insight);
    let resource = match resource {
        Resource::Insight => ChangedResource::Insight,
        Resource::Category => ChangedResource::Category,
        Resource::Tag => ChangedResource::Tag,
        Resource::Author => ChangedResource::Author,
        Resource::Site => ChangedResource::Site,
    };
    let term = resource_id.and_then(|id| slugs.get(&id));
    let slug = insight.map(|insight| &insight.slug).or(term).cloned();
    let deleted = slug.is_none() && !matches!(resource, ChangedResource::Site);
    ChangeView {
        sequence: public_sequence.unwrap_or_default(),
        at: Timestamp(*at).rfc3339(),
        kind: format!("{}.{}", row.resource.as_str(), if deleted { "deleted" } else { "updated" }),
        resource,
        id: *resource_id,
        slug,
        deleted,
        insight: insight.map(|insight| InsightView::item(insight.clone(), None, chain, now)),
        // Single lists have names of their own in this process only.
        cache_tags: cache_tags.0.iter().filter(|name| !name.starts_with("insights:")).cloned().collect(),
    }
}
