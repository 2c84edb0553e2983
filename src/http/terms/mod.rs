//! Categories, tags and authors: the same six operations three times.

mod operations;
pub(super) mod view;

use crate::domain::term::TermKind;

/// "a category", "a tag", "an author".
fn with_article(kind: TermKind) -> String {
    let article = if kind == TermKind::Author { "an" } else { "a" };
    format!("{article} {}", kind.resource().as_str())
}

/// Declares the six operations on one kind of term. A function's name is its operation id, and `actix` needs a function for each route.
macro_rules! term_routes {
    (mod $module:ident, kind: $kind:ident, tag: $tag:literal, collection: $collection:literal, item: $item:literal,
     list: $list:ident, get: $get:ident, create: $create:ident, replace: $replace:ident, patch: $patch:ident, delete: $delete:ident) => {
        pub(in crate::http) mod $module {
            use actix_web::{HttpRequest, delete, get, patch, post, put, web};

            use super::operations::{self, TermTarget};
            use super::view::{TermInput, TermListView, TermPatch, TermPath, TermView};
            use super::with_article;
            use crate::domain::authority::Publisher;
            use crate::domain::term::TermKind;
            use crate::http::request::auth::Reader;
            use crate::http::request::body::Body;
            use crate::http::request::params::{LocaleParam, OptionalIfMatchHeader, PageParams};
            use crate::http::request::preconditions::Preconditions;
            use crate::http::response::builder::ResponseBuilder;
            use crate::http::response::problem::Problem;
            use crate::http::response::write_outcome::WriteMode;
            use crate::http::state::app_state::AppState;

            const KIND: TermKind = TermKind::$kind;

            #[utoipa::path(
                summary = format!("List {}", KIND.plural()),
                description = format!("All {}, oldest first, each with the number of visible insights that have it.", KIND.plural()),
                tag = $tag,
                params(PageParams, LocaleParam),
                responses((status = 200, description = "A page of the list.", body = TermListView)),
                security((), ("bearer" = ["insights:write"])),
            )]
            #[get($collection)]
            pub(in crate::http) async fn $list(
                app: web::Data<AppState>,
                request: HttpRequest,
                reader: Reader,
            ) -> Result<ResponseBuilder, Problem> {
                operations::list(&app, &request, &reader, KIND).await
            }

            #[utoipa::path(
                summary = format!("Get {}", with_article(KIND)),
                description = format!("One {} by its slug.", KIND.resource().as_str()),
                tag = $tag,
                params(TermPath, LocaleParam),
                responses((status = 200, description = "The term.", body = TermView)),
                security((), ("bearer" = ["insights:write"])),
            )]
            #[get($item)]
            pub(in crate::http) async fn $get(
                app: web::Data<AppState>,
                request: HttpRequest,
                path: web::Path<TermPath>,
                reader: Reader,
            ) -> Result<ResponseBuilder, Problem> {
                operations::get(&app, &request, &reader, (KIND, &path.slug)).await
            }

            #[utoipa::path(
                summary = format!("Create {}", with_article(KIND)),
                description = format!(
                    "Creates {}. A slug in the input is used exactly or refused; a derived one gets the next free number.",
                    with_article(KIND)
                ),
                tag = $tag,
                request_body(content = TermInput, content_type = "application/json"),
                responses((status = 201, description = "The new term.", body = TermView)),
                security(("bearer" = ["insights:publish"])),
            )]
            #[post($collection)]
            pub(in crate::http) async fn $create(
                app: web::Data<AppState>,
                request: HttpRequest,
                publisher: Publisher,
                body: Body,
            ) -> Result<ResponseBuilder, Problem> {
                operations::create(&app, WriteMode::from_request(&request)?, &publisher, KIND, body).await
            }

            #[utoipa::path(
                summary = format!("Replace {}", with_article(KIND)),
                description = format!("Replaces the {}. Without a slug in the input, it keeps its slug.", KIND.resource().as_str()),
                tag = $tag,
                params(TermPath, OptionalIfMatchHeader),
                request_body(content = TermInput, content_type = "application/json"),
                responses((status = 200, description = "The term.", body = TermView)),
                security(("bearer" = ["insights:publish"])),
            )]
            #[put($item)]
            pub(in crate::http) async fn $replace(
                app: web::Data<AppState>,
                request: HttpRequest,
                publisher: Publisher,
                path: web::Path<TermPath>,
                preconditions: Preconditions,
                body: Body,
            ) -> Result<ResponseBuilder, Problem> {
                let target = TermTarget::find(&app, WriteMode::from_request(&request)?, (KIND, &path.slug), preconditions).await?;
                operations::replace(&app, &publisher, target, body).await
            }

            #[utoipa::path(
                summary = format!("Patch {}", with_article(KIND)),
                description = format!("Applies a merge patch (RFC 7396) to the {}.", KIND.resource().as_str()),
                tag = $tag,
                params(TermPath, OptionalIfMatchHeader),
                request_body(content = TermPatch, content_type = "application/merge-patch+json"),
                responses((status = 200, description = "The term.", body = TermView)),
                security(("bearer" = ["insights:publish"])),
            )]
            #[patch($item)]
            pub(in crate::http) async fn $patch(
                app: web::Data<AppState>,
                request: HttpRequest,
                publisher: Publisher,
                path: web::Path<TermPath>,
                preconditions: Preconditions,
                body: Body,
            ) -> Result<ResponseBuilder, Problem> {
                let target = TermTarget::find(&app, WriteMode::from_request(&request)?, (KIND, &path.slug), preconditions).await?;
                operations::patch(&app, &publisher, target, body).await
            }

            #[utoipa::path(
                summary = format!("Delete {}", with_article(KIND)),
                description = format!(
                    "Deletes the {}. Refused with 409 while any insight, drafts and trash included, has it.",
                    KIND.resource().as_str()
                ),
                tag = $tag,
                params(TermPath, OptionalIfMatchHeader),
                responses((status = 204, description = "It was deleted.")),
                security(("bearer" = ["insights:publish"])),
            )]
            #[delete($item)]
            pub(in crate::http) async fn $delete(
                app: web::Data<AppState>,
                request: HttpRequest,
                publisher: Publisher,
                path: web::Path<TermPath>,
                preconditions: Preconditions,
            ) -> Result<ResponseBuilder, Problem> {
                let target = TermTarget::find(&app, WriteMode::from_request(&request)?, (KIND, &path.slug), preconditions).await?;
                operations::delete(&app, &publisher, target).await
            }
        }
    };
}

term_routes! {
    mod categories, kind: Category, tag: "Categories", collection: "/v1/categories", item: "/v1/categories/{slug}",
    list: list_categories, get: get_category, create: create_category,
    replace: replace_category, patch: patch_category, delete: delete_category
}
term_routes! {
    mod tags, kind: Tag, tag: "Tags", collection: "/v1/tags", item: "/v1/tags/{slug}",
    list: list_tags, get: get_tag, create: create_tag,
    replace: replace_tag, patch: patch_tag, delete: delete_tag
}
term_routes! {
    mod authors, kind: Author, tag: "Authors", collection: "/v1/authors", item: "/v1/authors/{slug}",
    list: list_authors, get: get_author, create: create_author,
    replace: replace_author, patch: patch_author, delete: delete_author
}
