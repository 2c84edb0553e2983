//! Finds the insight that a path addresses, or the present address of an old slug.

use actix_web::HttpRequest;
use actix_web::http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::clock::Timestamp;
use crate::domain::locale::Locale;
use crate::http::request::auth::Reader;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::cache_control::CachePolicy;
use crate::http::response::headers::CONTENT_SEQUENCE;
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;
use crate::store;
use crate::store::changes::Freshness;
use crate::store::insight_rows::{BodyRow, InsightRow};
use crate::store::insights::{InsightName, MovedSlug};

/// What the read of one insight depends on.
pub(super) struct ReadContext<'r> {
    pub(super) app: &'r AppState,
    pub(super) request: &'r HttpRequest,
    pub(super) reader: &'r Reader,
    pub(super) now: Timestamp,
    pub(super) freshness: Freshness,
    /// The locales of the texts, best first.
    pub(super) chain: Vec<String>,
}

/// How an old slug is answered.
#[derive(Clone, Copy)]
pub(super) struct MovedTarget<'r> {
    /// What follows the slug in the path.
    pub(super) suffix: &'r str,
    /// A redirect; otherwise a pointer.
    pub(super) redirect: bool,
}

impl<'r> ReadContext<'r> {
    pub(super) async fn new(
        app: &'r AppState,
        request: &'r HttpRequest,
        reader: &'r Reader,
        locale: Option<&Locale>,
    ) -> Result<Self, Problem> {
        let now = app.now();
        let freshness = app.freshness(now).await?;
        let chain = Locale::fallback_chain(locale, &freshness.default_locale);
        Ok(Self { app, request, reader, now, freshness, chain })
    }

    pub(super) fn policy(&self) -> CachePolicy {
        self.reader.policy(self.now, &self.freshness)
    }

    /// The insight as this reader may see it: for editors the newest revision, otherwise the published one.
    pub(super) async fn find(&self, name: &InsightName) -> Result<Option<(InsightRow, BodyRow)>, Problem> {
        let db = self.app.store.reader();
        if let Some(editor) = self.reader.editor()
            && let Some(insight) = store::insights::find_for_editor(db, name, &self.chain, editor.limited_to_own()).await?
        {
            return Ok(Some(insight));
        }
        Ok(store::insights::find_visible(db, name, &self.chain, self.now).await?)
    }

    /// Answers a slug that a visible insight had before; any other name is not found.
    pub(super) async fn respond_moved(&self, name: &InsightName, target: MovedTarget<'_>) -> Result<ResponseBuilder, Problem> {
        let InsightName::Slug(slug) = name else { return Err(Problem::not_found()) };
        let moved = store::insights::find_moved(self.app.store.reader(), slug, self.now).await?.ok_or_else(Problem::not_found)?;
        let id_tag = format!("insight:{}", moved.id);
        let dependencies = [id_tag.clone(), format!("slug:{slug}")];
        Ok(self
            .address(slug, moved, target)
            .policy(self.policy())
            .cacheable(&self.freshness, dependencies)
            .cache_tag_header(&[id_tag, "insights".to_owned()])
            .last_modified(self.freshness.last_modified)
            .header(CONTENT_SEQUENCE, self.freshness.sequence.to_string()))
    }

    /// A redirect or a pointer from an old slug to the present one.
    pub(super) fn address(&self, slug: &str, moved: MovedSlug, target: MovedTarget<'_>) -> ResponseBuilder {
        let MovedSlug { id, slug: current_slug } = moved;
        if target.redirect {
            let query = self.request.query_string();
            let query = if query.is_empty() { String::new() } else { format!("?{query}") };
            let location = self.app.location(&format!("/v1/insights/{current_slug}{}{query}", target.suffix));
            return ResponseBuilder::empty(StatusCode::PERMANENT_REDIRECT).header(header::LOCATION, location);
        }
        let url = format!("{}/v1/insights/{current_slug}", self.app.base_url);
        let state = format!("p{current_slug}").replace('-', "_");
        let pointer = SlugPointerView { slug: slug.to_owned(), id, current_slug, url };
        ResponseBuilder::json(&pointer).content_type(POINTER).etag_prefix(state)
    }
}

/// The present address of an old slug.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SlugPointer)]
pub(in crate::http) struct SlugPointerView {
    /// The slug that was requested.
    pub slug: String,
    /// The insight that had it.
    pub id: Uuid,
    /// The slug that the insight has now.
    pub current_slug: String,
    #[schema(format = "uri")]
    pub url: String,
}

/// The media type of the response to an old slug with `resolve=false`.
const POINTER: &str = "application/vnd.insights.pointer+json";
