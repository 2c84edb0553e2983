//! `/v1/site`: the settings and figures of the site, which a frontend needs first.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, get, put, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::authority::Admin;
use crate::domain::clock::Timestamp;
use crate::domain::etag::version_state;
use crate::domain::locale::Locale;
use crate::domain::site::{SiteDraft, SiteText};
use crate::editorial;
use crate::http::request::auth::Reader;
use crate::http::request::body::Body;
use crate::http::request::params::{LocaleParam, OptionalIfMatchHeader};
use crate::http::request::preconditions::Preconditions;
use crate::http::request::query_params::QueryParams as _;
use crate::http::request::viewer::Viewer;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::headers::CONTENT_SEQUENCE;
use crate::http::response::problem::Problem;
use crate::http::response::write_outcome::WriteMode;
use crate::http::state::app_state::AppState;
use crate::store;
use crate::store::rows::site;
use crate::store::site::StatsRow;

/// The site's figures.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SiteStats)]
pub(crate) struct SiteStatsView {
    /// The number of visible insights.
    #[schema(minimum = 0)]
    insights: i64,
    #[schema(minimum = 0)]
    categories: i64,
    /// Publication date of the oldest visible insight.
    #[schema(required = true, format = DateTime)]
    since: Option<String>,
}

/// The site's texts in one more locale.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SiteTranslation)]
pub(crate) struct SiteTranslationView {
    title: String,
    headline: String,
    intro: String,
}

/// The site.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Site)]
pub(crate) struct SiteView {
    name: String,
    /// The title of the index page.
    title: String,
    headline: String,
    intro: String,
    /// The address of the frontend, for links in feeds.
    #[schema(required = true, format = "uri")]
    base_url: Option<String>,
    default_locale: String,
    locales: Vec<String>,
    stats: SiteStatsView,
    /// The texts in more locales; only for editors.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    translations: Option<BTreeMap<String, SiteTranslationView>>,
}

/// The site's texts in one more locale, as an administrator writes them.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the input; the domain parses it")]
pub(crate) struct SiteTranslationInput {
    #[schema(max_length = 200, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$")]
    title: String,
    #[schema(max_length = 200, pattern = "^[^\\u0000]*$")]
    headline: Option<String>,
    #[schema(max_length = 2000, pattern = "^[^\\u0000]*$")]
    intro: Option<String>,
}

/// The site as an administrator writes it. Unknown fields are refused; null is the same as absent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the input; the domain parses it")]
pub(crate) struct SiteInput {
    #[schema(max_length = 100, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$", example = "ZERONE")]
    name: String,
    #[schema(max_length = 200, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$", example = "Insights")]
    title: String,
    #[schema(max_length = 200, pattern = "^[^\\u0000]*$")]
    headline: Option<String>,
    #[schema(max_length = 2000, pattern = "^[^\\u0000]*$")]
    intro: Option<String>,
    #[schema(
        max_length = 2000,
        pattern = "^https?://[A-Za-z0-9][A-Za-z0-9.-]*(:([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?\
                   (/([A-Za-z0-9._~:/@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?\
                   (\\?([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?\
                   (#([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?$"
    )]
    base_url: Option<String>,
    /// The locale of the texts in `title`, `headline` and `intro`, and the last fallback of every other locale.
    #[schema(pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", example = "en")]
    default_locale: String,
    #[schema(max_items = 50, value_type = Option<Vec<LocaleInput>>)]
    locales: Option<Vec<String>>,
    translations: Option<BTreeMap<String, SiteTranslationInput>>,
}

/// A language tag (BCP 47).
#[derive(ToSchema)]
#[schema(pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
#[expect(dead_code, reason = "describes the input; the domain parses it")]
pub(crate) struct LocaleInput(String);

/// Get the site
///
/// Name, title, headline and intro of the index page, the locales, and the figures of the site.
#[utoipa::path(
    tag = "Site",
    params(LocaleParam),
    responses((status = 200, description = "The site.", body = SiteView)),
    security((), ("bearer" = ["insights:write"])),
)]
#[get("/v1/site")]
pub(crate) async fn get_site(app: web::Data<AppState>, request: HttpRequest, reader: Reader) -> Result<ResponseBuilder, Problem> {
    let LocaleParam { locale } = LocaleParam::parse(&request)?;
    let now = app.now();
    let freshness = app.freshness(now).await?;
    let response = represent(app.store.reader(), locale.as_ref(), Viewer::from(&reader), now).await?;
    Ok(response
        .last_modified(freshness.last_modified)
        .header(CONTENT_SEQUENCE, freshness.sequence.to_string())
        .policy(reader.policy(now, &freshness))
        // A change of the site itself drops every cache entry.
        .cacheable(&freshness, ["insights", "categories"])
        .cache_tag_header(&["site".to_owned(), "insights".to_owned()]))
}

/// Replace the site
///
/// Replaces all settings of the site.
#[utoipa::path(
    tag = "Site",
    params(OptionalIfMatchHeader),
    request_body(content = SiteInput, content_type = "application/json"),
    responses((status = 200, description = "The site.", body = SiteView)),
    security(("bearer" = ["admin"])),
)]
#[put("/v1/site")]
pub(crate) async fn replace_site(
    app: web::Data<AppState>,
    request: HttpRequest,
    admin: Admin,
    preconditions: Preconditions,
    body: Body,
) -> Result<ResponseBuilder, Problem> {
    let mode = WriteMode::from_request(&request)?;
    let now = app.now();
    let draft = body.parse(SiteDraft::parse)?;
    let pending = editorial::site::replace(&app.store, &admin, &preconditions.optional()?, draft, now).await?;
    mode.commit_or_dry_run(&app, pending, now, async |txn, ()| represent(txn, None, Viewer::Editor, now).await).await
}

async fn represent(
    db: &impl store::Connection,
    locale: Option<&Locale>,
    viewer: Viewer,
    now: Timestamp,
) -> Result<ResponseBuilder, Problem> {
    let row = store::site::find(db).await?.ok_or_else(Problem::not_found)?;
    let stats = store::site::stats(db, now).await?;
    let public = view(&row, stats, locale, Viewer::Public);
    Ok(ResponseBuilder::json(&view(&row, stats, locale, viewer)).etag_prefix(version_state(row.version)).etag_from(&public))
}

fn view(row: &site::Model, stats: StatsRow, locale: Option<&Locale>, viewer: Viewer) -> SiteView {
    let translations = &row.translations.0;
    let chain = Locale::fallback_chain(locale, &row.default_locale);
    let local = chain.iter().take_while(|tag| **tag != row.default_locale).find_map(|tag| translations.get(tag));
    let localised =
        |text: fn(&SiteText) -> &String, default: &String| local.map(text).filter(|text| !text.is_empty()).unwrap_or(default).clone();
    SiteView {
        name: row.name.clone(),
        title: localised(|local| &local.title, &row.title),
        headline: localised(|local| &local.headline, &row.headline),
        intro: localised(|local| &local.intro, &row.intro),
        base_url: row.base_url.clone(),
        default_locale: row.default_locale.clone(),
        locales: row.locales.0.clone(),
        stats: SiteStatsView {
            insights: stats.insights,
            categories: stats.categories,
            since: stats.since.map(|at| Timestamp(at).rfc3339()),
        },
        translations: (viewer == Viewer::Editor).then(|| {
            let view = |local: &SiteText| {
                let SiteText { title, headline, intro } = local.clone();
                SiteTranslationView { title, headline, intro }
            };
            translations.iter().map(|(locale, local)| (locale.clone(), view(local))).collect()
        }),
    }
}
