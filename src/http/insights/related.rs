//! `GET /v1/insights/{id_or_slug}/related`, and the same for `include=related`.

use std::collections::HashMap;

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::lookup::{MovedTarget, ReadContext};
use super::params::RelatedParams;
use super::path::{InsightPath, parse_name};
use super::view::{InsightView, RelatedReason, RelatedView, SharedView};
use crate::domain::change::PublicSequence;
use crate::domain::clock::Timestamp;
use crate::http::request::auth::Reader;
use crate::http::request::query_params::QueryParams as _;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::cache_entry;
use crate::http::response::headers::CONTENT_SEQUENCE;
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;
use crate::projections::search::{Reason, Similar, Subject};
use crate::store::hits;
use crate::store::insight_rows::InsightRow;

/// How many `include=related` adds to each insight.
const INCLUDED: usize = 3;

/// Insights that are similar to one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RelatedList)]
pub(in crate::http) struct RelatedListView {
    pub data: Vec<RelatedView>,
    pub meta: RelatedMeta,
}

/// Metadata of the list.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct RelatedMeta {
    /// The number of the newest change that the response takes into account.
    #[schema(value_type = i64, minimum = 0)]
    pub sequence: PublicSequence,
}

/// List related insights
///
/// Insights that share rare words, tags or the category with this one, most similar first, each with the reason. The insight itself is
/// never listed.
#[utoipa::path(
    tag = "Insights",
    params(InsightPath, RelatedParams),
    responses(
        (status = 200, description = "Similar insights.", body = RelatedListView),
        (status = 308, description = "The insight has another slug now; `Location` is its address."),
    ),
    security((), ("bearer" = ["insights:write"])),
)]
#[get("/v1/insights/{id_or_slug}/related")]
pub(in crate::http) async fn list_related_insights(
    app: web::Data<AppState>,
    request: HttpRequest,
    path: web::Path<InsightPath>,
    reader: Reader,
) -> Result<ResponseBuilder, Problem> {
    let RelatedParams { limit, locale } = RelatedParams::parse(&request)?;
    let name = parse_name(&path.id_or_slug)?;
    let context = ReadContext::new(&app, &request, &reader, locale.as_ref()).await?;
    let Some((row, body)) = context.find(&name).await? else {
        return context.respond_moved(&name, MovedTarget { suffix: "/related", redirect: true }).await;
    };
    let ReadContext { freshness, chain, now, .. } = &context;
    let limit = usize::try_from(limit).unwrap_or(0);
    let (similar, sequence) = app.search.related(subject(&row, body.plain), limit, chain.clone(), *now).await?;
    let data = views(&app, similar, chain, *now).await?;
    let view = RelatedListView { data, meta: RelatedMeta { sequence } };
    Ok(ResponseBuilder::json(&view)
        .etag_prefix("l".to_owned())
        .etag_without_sequence()
        .cacheable_at(sequence, freshness, cache_entry::ANY_INSIGHT_TAGS.iter().collect())
        .last_modified_if(freshness.sequence == sequence, freshness.last_modified)
        .header(CONTENT_SEQUENCE, sequence.to_string())
        .policy(context.policy())
        .cache_tag_header(&["insights".to_owned(), format!("insight:{}", row.id)]))
}

/// The insights most similar to each of several, as JSON, and the oldest public sequence of the index that was searched.
pub(super) async fn find_for_each(
    app: &AppState,
    ids: &[Uuid],
    chain: &[String],
    now: Timestamp,
) -> Result<(HashMap<Uuid, Vec<Value>>, PublicSequence), Problem> {
    let mut similar_by_id = HashMap::new();
    let mut oldest_sequence = PublicSequence(i64::MAX);
    for (row, plain) in hits::find_with_plain_text(app.store.reader(), ids, chain, now).await? {
        let (similar, sequence) = app.search.related(subject(&row, plain), INCLUDED, chain.to_vec(), now).await?;
        oldest_sequence = oldest_sequence.min(sequence);
        similar_by_id.insert(row.id, similar);
    }
    let mut related_ids: Vec<Uuid> = similar_by_id.values().flatten().map(|similar| similar.id).collect();
    related_ids.sort();
    related_ids.dedup();
    let rows = hits::find(app.store.reader(), &related_ids, chain, now).await?;
    let rows: HashMap<Uuid, InsightRow> = rows.into_iter().map(|row| (row.id, row)).collect();
    let to_json = |list: Vec<Similar>| {
        let views = list.into_iter().filter_map(|similar| Some(view(rows.get(&similar.id)?.clone(), similar, chain, now)));
        views.filter_map(|view| serde_json::to_value(view).ok()).collect()
    };
    Ok((similar_by_id.into_iter().map(|(id, list)| (id, to_json(list))).collect(), oldest_sequence))
}

async fn views(app: &AppState, similar: Vec<Similar>, chain: &[String], now: Timestamp) -> Result<Vec<RelatedView>, Problem> {
    let ids: Vec<Uuid> = similar.iter().map(|similar| similar.id).collect();
    let rows = hits::find(app.store.reader(), &ids, chain, now).await?;
    let mut by_id: HashMap<Uuid, Similar> = similar.into_iter().map(|similar| (similar.id, similar)).collect();
    Ok(rows.into_iter().filter_map(|row| by_id.remove(&row.id).map(|similar| view(row, similar, chain, now))).collect())
}

fn view(row: InsightRow, similar: Similar, chain: &[String], now: Timestamp) -> RelatedView {
    let Similar { id: _, score, reason, shared_words, shared_tags, same_category } = similar;
    RelatedView {
        insight: InsightView::to_object(row, None, chain, now),
        score,
        reason: match reason {
            Reason::Text => RelatedReason::Text,
            Reason::Tags => RelatedReason::Tags,
            Reason::Category => RelatedReason::Category,
        },
        shared: SharedView { words: shared_words, tags: shared_tags, category: same_category },
    }
}

fn subject(row: &InsightRow, plain: String) -> Subject {
    Subject {
        id: row.id,
        locale: row.locale.clone(),
        title: row.title.clone(),
        excerpt: row.excerpt.clone(),
        plain,
        category: row.category.0.slug.clone(),
        tags: row.tags.0.iter().map(|tag| tag.slug.clone()).collect(),
    }
}
