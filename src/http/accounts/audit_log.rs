//! `GET /v1/audit-log`: who did what, when, in which request. For administrators; append-only.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::authority::Admin;
use crate::domain::clock::Timestamp;
use crate::http::request::param_rules::{Group, Id, Moment, Text, query_params};
use crate::http::request::params::PageParams;
use crate::http::request::query_params::QueryParams as _;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::made_by::MadeBy;
use crate::http::response::pagination;
use crate::http::response::pagination::{ListMeta, PageInfo};
use crate::http::response::problem::Problem;
use crate::http::state::app_state::AppState;
use crate::store::audit;
use crate::store::audit::{AuditEntry, AuditFilters};

/// One audit event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct AuditEntryView {
    /// Its number; later events have larger ones.
    #[schema(minimum = 1)]
    pub sequence: i64,
    #[schema(format = DateTime)]
    pub at: String,
    /// The action: `created`, `revised`, `published`, `deleted`, `signed-in`, …
    #[schema(example = "published")]
    pub action: String,
    /// The kind of resource: `insight`, `category`, `tag`, `author`, `site`, `user`, `token`, `preview_token`, `session`, `import`.
    #[schema(example = "insight")]
    pub resource: String,
    #[schema(required = true)]
    pub resource_id: Option<Uuid>,
    /// Its name at that time: a slug or an email address.
    #[schema(required = true)]
    pub label: Option<String>,
    pub made_by: MadeBy,
    /// How: `api`, `import`, `restore`, `cli`, `demo` or `system`.
    #[schema(example = "api")]
    pub origin: String,
    /// The `X-Request-Id` of the request; null if there was none.
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

query_params! {
    struct AuditParams {
        /// Only events with this action.
        action: Option<String> = Text { max_length: 100 }.example("published"),
        /// Only events on resources of this kind.
        resource: Option<String> = Text { max_length: 100 }.example("insight"),
        /// Only events on this resource.
        resource_id: Option<Uuid> = Id,
        /// Only events of this user.
        user_id: Option<Uuid> = Id,
        /// Only events of this machine token.
        token_id: Option<Uuid> = Id,
        /// Only events of this request.
        request_id: Option<String> = Text { max_length: 128 },
        /// Only events after this moment (RFC 3339), or after the beginning of this day.
        after: Option<Timestamp> = Moment,
        /// Only events before this moment (RFC 3339), or before the beginning of this day.
        before: Option<Timestamp> = Moment,
        page: PageParams = Group::<PageParams>::new(),
    }
}

/// List the audit log
///
/// Every write and every sign-in, newest first. The log is append-only: the database itself refuses to change or shorten it.
#[utoipa::path(
    tag = "Accounts",
    params(AuditParams),
    responses((status = 200, description = "A page of the log.", body = AuditLogView)),
    security(("bearer" = ["admin"])),
)]
#[get("/v1/audit-log")]
pub(crate) async fn list_audit_log(app: web::Data<AppState>, request: HttpRequest, _admin: Admin) -> Result<ResponseBuilder, Problem> {
    let AuditParams { action, resource, resource_id, user_id, token_id, request_id, after, before, page } = AuditParams::parse(&request)?;
    let filters = AuditFilters { action, resource, resource_id, user_id, token_id, request_id, after, before };
    let identity = format!("audit {filters:?}");
    let PageParams { limit, cursor } = page;
    let cursor = pagination::read_cursor(cursor.as_deref(), &identity, false)?;
    let page = audit::list(app.store.reader(), &filters, cursor.as_ref(), limit, &identity).await?;
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
