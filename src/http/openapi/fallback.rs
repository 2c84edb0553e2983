//! Requests that no route matches: 405 with `Allow` if the path has other methods, else 404. Both are derived from the OpenAPI document,
//! so there is no second list of routes.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};

use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;
use crate::http::state::app_state::AppState;

pub(crate) async fn fallback(app: web::Data<AppState>, request: HttpRequest) -> HttpResponse {
    let problem = match app.documents.get().routes.allowed_methods(request.path()) {
        Some(methods) => {
            Problem::new(ProblemCode::MethodNotAllowed, format!("the methods of this address are {methods}")).header(header::ALLOW, methods)
        }
        None => Problem::not_found(),
    };
    problem.error_response()
}
