//! `GET /v1/changes`: the changes of visible content, in order, for consumers that keep a copy. The event stream sends the same entries.
//!
//! An entry shows the state at the moment of the read: the insight as it is visible now, or a tombstone. So no entry shows what is no
//! longer visible, and a consumer that reads on from any number arrives at the present state.

use std::collections::HashMap;

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::change::{PublicSequence, Resource};
use crate::domain::clock::Timestamp;
use crate::domain::locale::Locale;
use crate::domain::page::{Cursor, KeyValue};
use crate::domain::term::TermKind;
use crate::http::insights::view::{InsightSummaryView, InsightView};
use crate::http::request::auth::Reader;
use crate::http::request::param_rules::{CURSOR, Integer, LanguageTag, PAGE_LIMIT, query_params};
use crate::http::request::query_params::QueryParams as _;
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
    /// Its number: increasing, without gaps. Send the last one you have as `since`.
    #[schema(value_type = i64, minimum = 1)]
    pub sequence: PublicSequence,
    /// When it was logged. Beginnings and ends of publication are logged when they happen.
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
    /// The present slug; null if it is deleted.
    #[schema(required = true)]
    slug: Option<String>,
    /// It is no longer visible: a tombstone.
    deleted: bool,
    /// The insight as it is visible now.
    #[schema(required = true, value_type = Option<InsightSummaryView>)]
    insight: Option<Map<String, Value>>,
    /// The tags (`Cache-Tag`, `Surrogate-Key`) of the cached responses that it invalidates.
    cache_tags: Vec<String>,
}

/// Changes, oldest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ChangeList {
    pub data: Vec<ChangeView>,
    page: PageInfo,
    pub meta: ListMeta,
}

/// The largest number that JavaScript represents exactly.
const MAX_SEQUENCE: i64 = 9_007_199_254_740_991;
/// The number of the last change that a consumer has.
pub(super) const SINCE: Integer = Integer { min: 0, max: MAX_SEQUENCE };

query_params! {
    struct ChangesParams {
        /// Only changes with a larger number: that of the last one you have. 0 is the beginning.
        since: Option<i64> = SINCE,
        /// Maximum number of changes on a page.
        limit: i64 = PAGE_LIMIT,
        /// The locale of the texts (BCP 47); falls back along `it-CH → it → the site's default`.
        locale: Option<Locale> = LanguageTag.example("de"),
        /// `page.next_cursor` of an earlier response; replaces `since`.
        cursor: Option<String> = CURSOR,
    }
}

/// List changes
///
/// Every change of what is visible, by a write or by the clock, oldest first: updated insights as they are now, and tombstones for what is
/// no longer visible. Follow `page.next_cursor` until it is null, then request again with `since` set to the last number (`meta.sequence`),
/// or continue with `/v1/events`: both send the same entries under the same numbers.
#[utoipa::path(
    tag = "Changes",
    params(ChangesParams),
    responses((status = 200, description = "A page of changes.", body = ChangeList)),
    security((), ("bearer" = ["insights:write"])),
)]
#[get("/v1/changes")]
pub(crate) async fn list_changes(app: web::Data<AppState>, request: HttpRequest, reader: Reader) -> Result<ResponseBuilder, Problem> {
    let ChangesParams { since, limit, locale, cursor } = ChangesParams::parse(&request)?;
    let since = match pagination::read_cursor(cursor.as_deref(), IDENTITY, false)?.map(|cursor| cursor.key) {
        Some(KeyValue::Number(number)) => PublicSequence(number),
        _ => PublicSequence(since.unwrap_or(0)),
    };
    let now = app.now();
    let freshness = app.freshness(now).await?;
    check_since(since, freshness.sequence)?;
    let list = changes_after(&app, PageStart { since, limit }, locale.as_ref(), now).await?;
    let sequence = list.meta.sequence;
    let response = ResponseBuilder::json(&list)
        .etag_prefix(format!("s{sequence}"))
        .last_modified(freshness.last_modified)
        .cacheable(&freshness, ["changes"])
        .header(CONTENT_SEQUENCE, sequence.to_string())
        .policy(if reader.is_anonymous() { CachePolicy::Revalidate } else { CachePolicy::Never })
        .cache_tag_header(&["changes".to_owned(), "insights".to_owned()]);
    Ok(pagination::add_links(response, &app, &request, &list.page))
}

/// A number that does not exist yet comes from another database: the consumer has to start again.
pub(crate) fn check_since(since: PublicSequence, newest: PublicSequence) -> Result<(), Problem> {
    if since <= newest {
        return Ok(());
    }
    let detail = format!("there is no change {since} yet, the newest is {newest}: start again at 0");
    Err(Problem::new(ProblemCode::InvalidParameter, detail).with("parameter", "since"))
}

/// Where a page of changes starts, and how many it has at most.
#[derive(Clone, Copy)]
pub(super) struct PageStart {
    pub(super) since: PublicSequence,
    pub(super) limit: i64,
}

/// The changes after a number, all read in one snapshot.
pub(super) async fn changes_after(
    app: &AppState,
    start: PageStart,
    locale: Option<&Locale>,
    now: Timestamp,
) -> Result<ChangeList, Problem> {
    let PageStart { since, limit } = start;
    let snapshot = app.store.snapshot().await?;
    let freshness = changes::freshness(&snapshot, now).await?;
    let chain = Locale::fallback_chain(locale, &freshness.default_locale);
    let mut rows = changes::public_after(&snapshot, since, limit + 1).await?;
    let more = rows.len() > usize::try_from(limit).unwrap_or(0);
    rows.truncate(usize::try_from(limit).unwrap_or(0));
    // What the log says has happened, even if the clock of this node is slightly behind.
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
    let resources = Resources { insights, slugs, chain: &chain, now };
    let data = rows.iter().map(|row| change(row, &resources)).collect();
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

/// The visible state of everything that a page of changes names.
struct Resources<'p> {
    insights: HashMap<Uuid, InsightRow>,
    /// The slugs of terms.
    slugs: HashMap<Uuid, String>,
    chain: &'p [String],
    now: Timestamp,
}

fn change(row: &LogRow, resources: &Resources<'_>) -> ChangeView {
    let Resources { insights, slugs, chain, now } = resources;
    let LogRow { at, resource, resource_id, public_sequence, cache_tags, .. } = row;
    let insight = resource_id.and_then(|id| insights.get(&id)).filter(|_| *resource == Resource::Insight);
    let term = resource_id.and_then(|id| slugs.get(&id));
    let slug = insight.map(|insight| &insight.slug).or(term).cloned();
    let deleted = slug.is_none() && *resource != Resource::Site;
    ChangeView {
        sequence: public_sequence.unwrap_or_default(),
        at: Timestamp(*at).rfc3339(),
        kind: format!("{}.{}", resource.as_str(), if deleted { "deleted" } else { "updated" }),
        resource: (*resource).into(),
        id: *resource_id,
        slug,
        deleted,
        insight: insight.map(|insight| InsightView::to_object(insight.clone(), None, chain, *now)),
        // The tags of single lists exist only in this process.
        cache_tags: cache_tags.0.iter().filter(|tag| !tag.starts_with("insights:")).cloned().collect(),
    }
}

impl From<Resource> for ChangedResource {
    fn from(resource: Resource) -> Self {
        match resource {
            Resource::Insight => Self::Insight,
            Resource::Category => Self::Category,
            Resource::Tag => Self::Tag,
            Resource::Author => Self::Author,
            Resource::Site => Self::Site,
        }
    }
}
