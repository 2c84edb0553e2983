//! The HTTP server: middleware, limits, graceful shutdown.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use utoipa_actix_web::service_config::ServiceConfig;

use super::routes::routes;
use crate::http::middleware::request_context::request_context;
use crate::http::middleware::response_cache::ResponseCacheMiddleware;
use crate::http::openapi::fallback::fallback;
use crate::http::state::app_state::AppState;

/// The limits of the server.
#[derive(Clone, Copy, Debug)]
pub struct ServerSettings {
    pub workers: usize,
    pub max_connections: usize,
    pub keep_alive: Duration,
    /// The time limit of a request's head.
    pub head_time: Duration,
    /// The time limit of requests in flight after a stop signal.
    pub shutdown_time: Duration,
}

/// Serves until it is stopped. The workers share one state.
///
/// # Errors
/// The listener cannot be used.
pub fn serve(listener: TcpListener, app: web::Data<AppState>, settings: ServerSettings) -> std::io::Result<Server> {
    let server = HttpServer::new(move || {
        App::new()
            .app_data(app.clone())
            .configure(|config| routes(&mut ServiceConfig::new(config)))
            .default_service(web::to(fallback))
            .wrap(from_fn(request_context))
            .wrap(ResponseCacheMiddleware(app.clone()))
    })
    .workers(settings.workers)
    .worker_max_blocking_threads(16)
    .max_connections(settings.max_connections)
    .keep_alive(settings.keep_alive)
    .client_request_timeout(settings.head_time)
    .shutdown_timeout(settings.shutdown_time.as_secs())
    .h1_allow_half_closed(false)
    .disable_signals()
    .listen(listener)?;
    Ok(server.run())
}
