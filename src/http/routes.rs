//! Every route, on one page, the most frequent first. The OpenAPI document is derived from this list: there is no other.

use serde_json::Value;
use utoipa_actix_web::service_config::ServiceConfig;

use super::insights::{diff, lifecycle, list, previews, read, related, revisions, write};
use crate::http::accounts::{audit_log, sessions, tokens, users};
use crate::http::changes::{event_stream, feed};
use crate::http::openapi::{docs, document, problem_pages};
use crate::http::operations::{health, home, metrics};
use crate::http::site::settings;
use crate::http::transfer::{exports, imports};
use crate::http::{search, terms};

/// The OpenAPI document of these routes.
#[must_use]
pub fn document() -> Value {
    document::document(routes)
}

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_insights)
        .service(read::get_insight)
        .service(search::query::search_insights)
        .service(search::suggestions::list_suggestions)
        .service(related::list_related_insights)
        .service(settings::get_site)
        .service(feed::list_changes)
        .service(event_stream::stream_changes)
        .service(terms::categories::list_categories)
        .service(terms::categories::get_category)
        .service(terms::tags::list_tags)
        .service(terms::tags::get_tag)
        .service(terms::authors::list_authors)
        .service(terms::authors::get_author)
        .service(write::create_insight)
        .service(write::replace_insight)
        .service(write::patch_insight)
        .service(write::delete_insight)
        .service(lifecycle::publish_insight)
        .service(lifecycle::unpublish_insight)
        .service(lifecycle::restore_insight)
        .service(settings::replace_site)
        .configure(history)
        .configure(editorial_terms)
        .configure(accounts)
        .service(health::get_liveness)
        .service(health::get_readiness)
        .service(metrics::get_metrics)
        .service(home::get_home)
        .service(docs::get_openapi_json)
        .service(docs::get_openapi_yaml)
        .service(docs::get_docs)
        .service(docs::get_docs_asset)
        .service(problem_pages::get_problem_page);
}

fn history(config: &mut ServiceConfig<'_>) {
    config
        .service(revisions::list_revisions)
        .service(revisions::get_revision)
        .service(diff::compare_revisions)
        .service(revisions::restore_revision)
        .service(previews::create_preview_token)
        .service(previews::list_preview_tokens)
        .service(previews::revoke_preview_token)
        .service(imports::create_import)
        .service(imports::get_import)
        .service(imports::list_import_items)
        .service(imports::cancel_import)
        .service(exports::export_insights);
}

fn editorial_terms(config: &mut ServiceConfig<'_>) {
    config
        .service(terms::categories::create_category)
        .service(terms::categories::replace_category)
        .service(terms::categories::patch_category)
        .service(terms::categories::delete_category)
        .service(terms::tags::create_tag)
        .service(terms::tags::replace_tag)
        .service(terms::tags::patch_tag)
        .service(terms::tags::delete_tag)
        .service(terms::authors::create_author)
        .service(terms::authors::replace_author)
        .service(terms::authors::patch_author)
        .service(terms::authors::delete_author);
}

fn accounts(config: &mut ServiceConfig<'_>) {
    config
        .service(sessions::issue_token)
        .service(sessions::revoke_presented_token)
        .service(sessions::get_me)
        .service(sessions::get_jwks)
        .service(users::list_users)
        .service(users::get_user)
        .service(users::create_user)
        .service(users::replace_user)
        .service(users::patch_user)
        .service(users::delete_user)
        .service(tokens::list_tokens)
        .service(tokens::get_token)
        .service(tokens::create_token)
        .service(tokens::revoke_token)
        .service(audit_log::list_audit_log);
}
