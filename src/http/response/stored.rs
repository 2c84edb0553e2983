//! The response to a write as the database stores it, to be replayed for the same `Idempotency-Key`.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderName;
use serde::{Deserialize, Serialize};

use crate::domain::clock::Timestamp;
use crate::http::response::builder::ResponseBuilder;

/// See the module. Its cache policy is that of every write: no cache stores it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredResponse {
    status: u16,
    json: bool,
    etag: Option<String>,
    last_modified: Option<i64>,
    vary: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl ResponseBuilder {
    pub(crate) fn to_stored(&self) -> StoredResponse {
        StoredResponse {
            status: self.status.as_u16(),
            json: !self.content_type.is_empty(),
            etag: self.etag.value(&self.body),
            last_modified: self.last_modified.map(|at| at.0),
            vary: self.vary.to_string(),
            headers: self.headers.iter().map(|(name, value)| (name.to_string(), value.clone())).collect(),
            body: String::from_utf8_lossy(&self.body).into_owned(),
        }
    }

    /// None when a stored status or header name is none.
    pub(crate) fn from_stored(stored: StoredResponse) -> Option<Self> {
        let StoredResponse { status, json, etag, last_modified, vary, headers, body } = stored;
        let headers = headers.into_iter().map(|(name, value)| Some((HeaderName::try_from(name).ok()?, value)));
        let mut builder = Self::from_bytes(body.into_bytes(), if json { "application/json" } else { "" });
        builder.status = StatusCode::from_u16(status).ok()?;
        builder.etag.stored = etag;
        builder.last_modified = last_modified.map(Timestamp);
        builder.vary = Cow::Owned(vary);
        builder.headers = headers.collect::<Option<_>>()?;
        Some(builder)
    }
}
