//! The floor: actix-web alone, serving one response of the service from memory. A service on actix-web cannot cost less.

use std::path::Path;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{App, HttpResponse, HttpServer, web};

use crate::client::Response;

/// As many as the service has on the machine of the published figures.
const WORKERS: usize = 2;
/// Headers that actix-web adds.
const ACTIX_HEADERS: [&str; 4] = ["connection", "content-length", "date", "transfer-encoding"];
const HEADERS: &str = "headers.json";
const BODY: &str = "body";

/// Saves a response for the floor's process.
pub(crate) fn save(response: &Response, folder: &Path) -> std::io::Result<()> {
    let headers: Vec<_> =
        response.headers.iter().filter(|(name, _)| !ACTIX_HEADERS.contains(&name.to_ascii_lowercase().as_str())).collect();
    std::fs::write(folder.join(HEADERS), serde_json::to_vec(&headers)?)?;
    std::fs::write(folder.join(BODY), &response.body)
}

/// Serves every GET of `path` with the saved response, whatever its query and headers, until the process is killed.
pub(crate) async fn serve(folder: &Path, path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let saved: Vec<(String, String)> = serde_json::from_slice(&std::fs::read(folder.join(HEADERS))?)?;
    let mut headers = Vec::new();
    for (name, value) in saved {
        headers.push((HeaderName::try_from(name)?, HeaderValue::try_from(value)?));
    }
    let body = Bytes::from(std::fs::read(folder.join(BODY))?);
    let path = path.to_owned();
    let server = HttpServer::new(move || {
        let (headers, body) = (headers.clone(), body.clone());
        App::new().route(&path, web::get().to(move || std::future::ready(respond(&headers, &body))))
    })
    .workers(WORKERS)
    .keep_alive(std::time::Duration::from_secs(75))
    .bind("127.0.0.1:0")?;
    let address = server.addrs().first().copied().ok_or("no address")?;
    println!("floor http://{address}");
    Ok(server.run().await?)
}

fn respond(headers: &[(HeaderName, HeaderValue)], body: &Bytes) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    for (name, value) in headers {
        response.append_header((name.clone(), value.clone()));
    }
    response.body(body.clone())
}
