//! Categories, tags and authors: the same six operations three times.

mod operations;
pub(super) mod view;

/// The six operations on one kind. A function's name is its operation id, and `actix` wants a function for each route.
macro_rules! term_routes {
    ($module:ident, $kind:expr, $tag:literal, $one:literal, $a_one:literal, $many:literal, $collection:literal, $item:literal,
     $list:ident, $get:ident, $create:ident, $replace:ident, $patch:ident, $delete:ident) => {
        pub(in crate::http) mod $module {
            use actix_web::{HttpRequest, delete, get, patch, post, put, web};

            use super::operations;
            use crate::http::request::params::PageParams;
            use super::view::{TermInput, TermListView, TermPatch, TermPath, TermView};
            use crate::domain::authority::Publisher;
            use crate::domain::term::TermKind;
            use crate::http::state::app_state::AppState;
            use crate::http::request::auth::Reader;
            use crate::http::request::body::Body;
            use crate::http::request::preconditions::Preconditions;
            use crate::http::request::params::{LocaleParam, OptionalIfMatchHeader};
            use crate::http::response::problem::Problem;
            use crate::http::response::builder::ResponseBuilder;

            const KIND: TermKind = $kind;

            #[utoipa::path(
                summary = concat!("List ", $many),
                description = concat!("All ", $many, ", in the order in which they were made, each with the number of visible insights that carry it."),
                tag = $tag,
                params(PageParams, LocaleParam),
                responses((status = 200, description = "A page of them.", body = TermListView)),
                security((), ("bearer" = ["insights:write"])),
            )]
            #[get($collection)]
            pub(in crate::http) async fn $list(app: web::Data<AppState>, request: HttpRequest, reader: Reader) -> Result<ResponseBuilder, Problem> {
                operations::list(&app, &request, &reader, KIND).await
            }

            #[utoipa::path(
                summary = concat!("Get ", $a_one),
                description = concat!("One ", $one, " by its slug."),
                tag = $tag,
                params(TermPath, LocaleParam),
                responses((status = 200, description = "It.", body = TermView)),
                security((), ("bearer" = ["insights:write"])),
            )]
            #[get($item)]
            pub(in crate::http) async fn $get(
                app: web::Data<AppState>,
                request: HttpRequest,
                path: web::Path<String>,
                reader: Reader,
            ) -> Result<ResponseBuilder, Problem> {
                operations::get(&app, &request, &reader, KIND, &path).await
            }

            #[utoipa::path(
                summary = concat!("Create ", $a_one),
                description = concat!("Makes a new ", $one, ". A slug that is given is taken exactly or refused; a derived one takes the next free number."),
                tag = $tag,
                request_body(content = TermInput, content_type = "application/json"),
                responses((status = 201, description = "It.", body = TermView)),
                security(("bearer" = ["insights:publish"])),
            )]
            #[post($collection)]
            pub(in crate::http) async fn $create(
                app: web::Data<AppState>,
                request: HttpRequest,
                publisher: Publisher,
                body: Body,
            ) -> Result<ResponseBuilder, Problem> {
                operations::create(&app, &request, &publisher, KIND, body).await
            }

            #[utoipa::path(
                summary = concat!("Replace ", $a_one),
                description = concat!("Gives the ", $one, " exactly this state; a slug that is left out stays as it is."),
                tag = $tag,
                params(TermPath, OptionalIfMatchHeader),
                request_body(content = TermInput, content_type = "application/json"),
                responses((status = 200, description = "It.", body = TermView)),
                security(("bearer" = ["insights:publish"])),
            )]
            #[put($item)]
            pub(in crate::http) async fn $replace(
                app: web::Data<AppState>,
                request: HttpRequest,
                publisher: Publisher,
                path: web::Path<String>,
                preconditions: Preconditions,
                body: Body,
            ) -> Result<ResponseBuilder, Problem> {
                operations::replace(&app, &request, &publisher, (KIND, &path), preconditions, body).await
            }

            #[utoipa::path(
                summary = concat!("Patch ", $a_one),
                description = concat!("Applies a merge patch (RFC 7396) to the ", $one, "."),
                tag = $tag,
                params(TermPath, OptionalIfMatchHeader),
                request_body(content = TermPatch, content_type = "application/merge-patch+json"),
                responses((status = 200, description = "It.", body = TermView)),
                security(("bearer" = ["insights:publish"])),
            )]
            #[patch($item)]
            pub(in crate::http) async fn $patch(
                app: web::Data<AppState>,
                request: HttpRequest,
                publisher: Publisher,
                path: web::Path<String>,
                preconditions: Preconditions,
                body: Body,
            ) -> Result<ResponseBuilder, Problem> {
                operations::patch(&app, &request, &publisher, (KIND, &path), preconditions, body).await
            }

            #[utoipa::path(
                summary = concat!("Delete ", $a_one),
                description = concat!("Removes the ", $one, ". Refused with 409 while any insight, draft or trash included, carries it."),
                tag = $tag,
                params(TermPath, OptionalIfMatchHeader),
                responses((status = 204, description = "It is gone.")),
                security(("bearer" = ["insights:publish"])),
            )]
            #[delete($item)]
            pub(in crate::http) async fn $delete(
                app: web::Data<AppState>,
                request: HttpRequest,
                publisher: Publisher,
                path: web::Path<String>,
                preconditions: Preconditions,
            ) -> Result<ResponseBuilder, Problem> {
                operations::delete(&app, &request, &publisher, (KIND, &path), preconditions).await
            }
        }
    };
}

term_routes!(
    categories,
    TermKind::Category,
    "Categories",
    "category",
    "a category",
    "categories",
    "/v1/categories",
    "/v1/categories/{slug}",
    list_categories,
    get_category,
    create_category,
    replace_category,
    patch_category,
    delete_category
);
term_routes!(
    tags,
    TermKind::Tag,
    "Tags",
    "tag",
    "a tag",
    "tags",
    "/v1/tags",
    "/v1/tags/{slug}",
    list_tags,
    get_tag,
    create_tag,
    replace_tag,
    patch_tag,
    delete_tag
);
term_routes!(
    authors,
    TermKind::Author,
    "Authors",
    "author",
    "an author",
    "authors",
    "/v1/authors",
    "/v1/authors/{slug}",
    list_authors,
    get_author,
    create_author,
    replace_author,
    patch_author,
    delete_author
);
