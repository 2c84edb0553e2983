//! The floor: actix-web alone, giving one answer of the service from memory. Nothing that serves over actix-web can cost less.

use std::path::Path;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{App, HttpResponse, HttpServer, web};

use crate::client::Answer;

/// As many as the service has on the machine that the figures are from.
const WORKERS: usize = 2;
/// What actix-web writes by itself.
const OWN: [&str; 4] = ["connection", "content-length", "date", "transfer-encoding"];
const HEADERS: &str = "headers.json";
const BODY: &str = "body";

/// Puts an answer where the floor's process finds it.
pub(crate) fn keep(answer: &Answer, folder: &Path) -> std::io::Result<()> {
    let headers: Vec<_> = answer.headers.iter().filter(|(name, _)| !OWN.contains(&name.to_ascii_lowercase().as_str())).collect();
    std::fs::write(folder.join(HEADERS), serde_json::to_vec(&headers)?)?;
    std::fs::write(folder.join(BODY), &answer.body)
}

/// Answers every GET of `path` with what is kept in the folder, whatever the query and the headers, until the process is ended.
pub(crate) async fn serve(folder: &Path, path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let kept: Vec<(String, String)> = serde_json::from_slice(&std::fs::read(folder.join(HEADERS))?)?;
    let mut headers = Vec::new();
    for (name, value) in kept {
        headers.push((HeaderName::try_from(name)?, HeaderValue::try_from(value)?));
    }
    let body = Bytes::from(std::fs::read(folder.join(BODY))?);
    let path = path.to_owned();
    let server = HttpServer::new(move || {
        let (headers, body) = (headers.clone(), body.clone());
        App::new().route(&path, web::get().to(move || std::future::ready(answer(&headers, &body))))
    })
    .workers(WORKERS)
    .keep_alive(std::time::Duration::from_secs(75))
    .bind("127.0.0.1:0")?;
    let address = server.addrs().first().copied().ok_or("no address")?;
    println!("floor http://{address}");
    Ok(server.run().await?)
}

fn answer(headers: &[(HeaderName, HeaderValue)], body: &Bytes) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    for (name, value) in headers {
        response.append_header((name.clone(), value.clone()));
    }
    response.body(body.clone())
}
