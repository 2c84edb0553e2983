//! `GET /v1/audit-log`: who did what, when, through which request. Administrators only; nothing in it is ever changed.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::domain::authority::Admin;
use crate::domain::clock::Timestamp;
use crate::http::request::params::PageParams;
use crate::http::request::query_params::Query;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::made_by::MadeBy;
use crate::http::response::pagination;
use crate::http::response::pagination::{ListMeta, PageInfo};
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;
use crate::store::audit;
use crate::store::audit::{AuditEntry, AuditFilters};

/// One deed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct AuditEntryView {
    /// Its number; later deeds have greater ones.
    #[schema(minimum = 1)]
    pub sequence: i64,
    #[schema(format = DateTime)]
    pub at: String,
    /// What was done: `created`, `revised`, `published`, `deleted`, `signed-in`, …
    #[schema(example = "published")]
    pub action: String,
    /// To what: `insight`, `category`, `tag`, `author`, `site`, `user`, `token`, `preview_token`, `session`, `import`.
    #[schema(example = "insight")]
    pub resource: String,
    #[schema(required = true)]
    pub resource_id: Option<Uuid>,
    /// The name it had then: a slug, an address.
    #[schema(required = true)]
    pub label: Option<String>,
    pub made_by: MadeBy,
    /// Through what: `api`, `import`, `restore`, `cli`, `demo` or `system`.
    #[schema(example = "api")]
    pub origin: String,
    /// The `X-Request-Id` of the request; null where there was none.
    #[schema(required = true)]
    pub request_id: Option<String>,
}

/// A page of the audit log, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditLog)]
pub(crate) struct AuditLogView {
    pub data: Vec<AuditEntryView>,
    pub page: PageInfo,
    pub meta: ListMeta,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters to the document")]
pub(crate) struct AuditParams {
    /// Only deeds of this kind.
    #[param(max_length = 100, nullable = false, example = "published")]
    action: Option<String>,
    /// Only deeds done to things of this kind.
    #[param(max_length = 100, nullable = false, example = "insight")]
    resource: Option<String>,
    /// Only deeds done to this thing.
    #[param(nullable = false)]
    resource_id: Option<Uuid>,
    /// Only this user's deeds.
    #[param(nullable = false)]
    user_id: Option<Uuid>,
    /// Only deeds done with this machine token.
    #[param(nullable = false)]
    token_id: Option<Uuid>,
    /// Only what this request did.
    #[param(max_length = 128, nullable = false)]
    request_id: Option<String>,
    /// Only what was done later than this moment (RFC 3339), or than the beginning of this day.
    #[param(format = DateTime, nullable = false)]
    after: Option<String>,
    /// Only what was done earlier than this moment (RFC 3339), or than the beginning of this day.
    #[param(format = DateTime, nullable = false)]
    before: Option<String>,
}

/// List the audit log
///
/// Every write and every sign-in, newest first. The log is append-only: the database itself refuses to change or shorten it.
#[utoipa::path(
    tag = "Accounts",
    params(AuditParams, PageParams),
    responses((status = 200, description = "A page of the log.", body = AuditLogView)),
    security(("bearer" = ["admin"])),
)]
#[get("/v1/audit-log")]
pub(crate) async fn list_audit_log(app: web::Data<AppState>, request: HttpRequest, _admin: Admin) -> Result<ResponseBuilder, Problem> {
    let mut query = Query::from_request(&request);
    let filters = AuditFilters {
        action: query.short_text("action", 100),
        resource: query.short_text("resource", 100),
        resource_id: query.id("resource_id"),
        user_id: query.id("user_id"),
        token_id: query.id("token_id"),
        request_id: query.short_text("request_id", 128),
        after: query.moment("after"),
        before: query.moment("before"),
    };
    let limit = query.limit();
    let identity = format!("audit {filters:?}");
    let cursor = pagination::read_cursor(&mut query, &identity, false);
    query.finish()?;
    let page = audit::list(app.store.reader(), &filters, cursor?.as_ref(), limit, &identity).await?;
    let sequence = app.freshness(app.now()).await?.sequence;
    let info = pagination::page_info(&page, limit);
    let view = AuditLogView { data: page.rows.into_iter().map(view).collect(), page: info, meta: ListMeta { sequence, total: None } };
    Ok(pagination::add_links(ResponseBuilder::json(&view), &app, &request, &view.page))
}

fn view(entry: AuditEntry) -> AuditEntryView {
    let AuditEntry { sequence, at, action, resource, resource_id, label, made_by, user_id, token_id, origin, request_id } = entry;
    AuditEntryView {
        sequence,
        at: Timestamp(at).rfc3339(),
        action,
        resource,
        resource_id,
        label,
        made_by: MadeBy { name: made_by, user_id, token_id },
        origin,
        request_id: Some(request_id).filter(|id| !id.is_empty()),
    }
}
