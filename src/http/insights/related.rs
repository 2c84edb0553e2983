//! `GET /v1/insights/{id_or_slug}/related`, and the same for `include=related`.

use crate::domain::change::PublicSequence;
use crate::http::insights::view::RelatedReason;
use crate::http::insights::view::RelatedView;
use crate::http::insights::view::SharedView;
use std::collections::HashMap;

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::naming;
use super::params;
use super::view::InsightView;
use crate::domain::clock::Timestamp;
use crate::domain::locale::Locale;
use crate::http::insights::lookup::{find, moved};
use crate::http::request::auth::Reader;
use crate::http::request::query_params::Query;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::cache_entry;
use crate::http::response::headers::CONTENT_SEQUENCE;
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;
use crate::projections::search::{Reason, Similar, Subject};
use crate::store::hits;
use crate::store::insight_rows::InsightRow;

const INCLUDED: usize = 3;
const DEFAULT: i64 = 5;
const MOST: i64 = 20;

/// Insights that are similar to one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RelatedList)]
pub(in crate::http) struct RelatedListView {
    pub data: Vec<RelatedView>,
    pub meta: RelatedMeta,
}

/// What holds for all of them.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct RelatedMeta {
    /// The number of the newest change that the answer takes into account.
    #[schema(value_type = i64, minimum = 0)]
    pub sequence: PublicSequence,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(in crate::http) struct RelatedParams {
    /// How many insights at most.
    #[param(minimum = 1, maximum = 20, default = 5)]
    limit: Option<i64>,
}

/// List related insights
///
/// Insights that share rare words, tags or the category with this one, most similar first, each with the reason. Never the insight itself.
#[utoipa::path(
    tag = "Insights",
    params(params::InsightPath, RelatedParams, crate::http::request::params::LocaleParam),
    responses(
        (status = 200, description = "Similar insights.", body = RelatedListView),
        (status = 308, description = "The insight has another slug by now; `Location` leads there."),
    ),
    security((), ("bearer" = ["insights:write"])),
)]
#[get("/v1/insights/{id_or_slug}/related")]
pub(in crate::http) async fn list_related_insights(
    app: web::Data<AppState>,
    request: HttpRequest,
    path: web::Path<String>,
    reader: Reader,
) -> Result<ResponseBuilder, Problem> {
    let mut query = Query::from_request(&request);
    let limit = query.integer("limit", 1, MOST).unwrap_or(DEFAULT);
    let locale = query.locale();
    query.finish()?;
    let name = naming::parse(&path).ok_or_else(Problem::not_found)?;
    let now = app.now();
    let freshness = app.freshness(now).await?;
    let chain = Locale::fallback_chain(locale.as_ref(), &freshness.default_locale);
    let policy = reader.policy(now, &freshness);
    let Some((row, body)) = find(&app, &name, &chain, &reader, now).await? else {
        return moved(&app, &name, ("/related", true), &request, (policy, &freshness), now).await;
    };
    let subject = subject(&row, body.plain);
    let (similar, sequence) = app.search.related(subject, usize::try_from(limit).unwrap_or(0), chain.clone(), now).await?;
    let data = shown(&app, similar, &chain, now).await?;
    let view = RelatedListView { data, meta: RelatedMeta { sequence } };
    Ok(ResponseBuilder::json(&view)
        .etag_prefix("l".to_owned())
        .etag_without_sequence()
        .cacheable_at(sequence, &freshness, cache_entry::ANY_INSIGHT_TAGS.iter().collect())
        .last_modified_if(freshness.sequence == sequence, freshness.last_modified)
        .header(CONTENT_SEQUENCE, sequence.to_string())
        .policy(policy)
        .cache_tag_header(&["insights".to_owned(), format!("insight:{}", row.id)]))
}

/// The insights most similar to each of several, as they are shown, and the public number that the index was at.
pub(super) async fn of_many(
    app: &AppState,
    ids: &[Uuid],
    chain: &[String],
    now: Timestamp,
) -> Result<(HashMap<Uuid, Vec<Value>>, PublicSequence), Problem> {
    let mut similar = HashMap::new();
    let mut oldest = PublicSequence(i64::MAX);
    for (row, plain) in hits::find_with_plain_text(app.store.reader(), ids, chain, now).await? {
        let (found, sequence) = app.search.related(subject(&row, plain), INCLUDED, chain.to_vec(), now).await?;
        oldest = oldest.min(sequence);
        similar.insert(row.id, found);
    }
    let mut wanted: Vec<Uuid> = similar.values().flatten().map(|similar| similar.id).collect();
    wanted.sort();
    wanted.dedup();
    let rows = hits::find(app.store.reader(), &wanted, chain, now).await?;
    let rows: HashMap<Uuid, InsightRow> = rows.into_iter().map(|row| (row.id, row)).collect();
    let values = |list: Vec<Similar>| {
        let views = list.into_iter().filter_map(|similar| Some(view(rows.get(&similar.id)?.clone(), similar, chain, now)));
        views.filter_map(|view| serde_json::to_value(view).ok()).collect()
    };
    Ok((similar.into_iter().map(|(id, list)| (id, values(list))).collect(), oldest))
}

async fn shown(app: &AppState, similar: Vec<Similar>, chain: &[String], now: Timestamp) -> Result<Vec<RelatedView>, Problem> {
    let ids: Vec<Uuid> = similar.iter().map(|similar| similar.id).collect();
    let rows = hits::find(app.store.reader(), &ids, chain, now).await?;
    let mut by_id: HashMap<Uuid, Similar> = similar.into_iter().map(|similar| (similar.id, similar)).collect();
    Ok(rows.into_iter().filter_map(|row| by_id.remove(&row.id).map(|similar| view(row, similar, chain, now))).collect())
}

fn view(row: InsightRow, similar: Similar, chain: &[String], now: Timestamp) -> RelatedView {
    let Similar { id: _, score, reason, shared_words, shared_tags, same_category } = similar;
    RelatedView {
        insight: InsightView::item(row, None, chain, now),
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
