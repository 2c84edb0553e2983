//! Addresses that no handler took: 405 with `Allow` where another method would have been, else 404. Derived from the same document as the
//! routes, so there is no second list.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};

use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;
use crate::http::state::app_state::AppState;

pub(crate) async fn fallback(app: web::Data<AppState>, request: HttpRequest) -> HttpResponse {
    let problem = match app.documents.get().routes.allowed(request.path()) {
        Some(methods) => {
            Problem::new(ProblemCode::MethodNotAllowed, format!("this address takes {methods}")).header(header::ALLOW, methods)
        }
        None => Problem::not_found(),
    };
    problem.error_response()
}
