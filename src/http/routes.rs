//! Every route, on one page; what is read most comes first. The document is derived from this list: there is no other.

use utoipa_actix_web::service_config::ServiceConfig;

use super::insights::{diff, lifecycle, list, previews, read, related, revisions, write};
use super::{
    audit, auth_routes, changes, docs, events, exports, health, imports, metrics, problem_pages, search, site, terms, tokens, users,
};

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list::list_insights)
        .service(read::get_insight)
        .service(search::query::search_insights)
        .service(search::suggestions::list_suggestions)
        .service(related::list_related_insights)
        .service(site::get_site)
        .service(changes::list_changes)
        .service(events::stream_changes)
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
        .service(site::replace_site)
        .configure(history)
        .configure(editorial_terms)
        .configure(accounts)
        .service(health::get_liveness)
        .service(health::get_readiness)
        .service(metrics::get_metrics)
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
        .service(auth_routes::issue_token)
        .service(auth_routes::revoke_presented_token)
        .service(auth_routes::get_me)
        .service(auth_routes::get_jwks)
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
        .service(audit::list_audit_log);
}
