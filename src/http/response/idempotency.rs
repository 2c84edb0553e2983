//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the transaction of a POST or PATCH stores its response for a day, and a
//! repeated request gets that response. Stored responses are encrypted with the key, of which only a digest is stored.

use std::sync::Arc;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, Responder as _};
use tokio::sync::OwnedMutexGuard;

use crate::domain::authority::Principal;
use crate::domain::clock::Timestamp;
use crate::domain::secret;
use crate::http::request::body;
use crate::http::response::builder::ResponseBuilder;
use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;
use crate::http::response::stored::StoredResponse;
use crate::http::state::app_state::AppState;
use crate::http::state::in_flight_keys::in_progress;
use crate::store::idempotency;
use crate::store::idempotency::IdempotencyRecord;
use crate::store::{Store, Transaction};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const RETENTION_SECONDS: i64 = 24 * 60 * 60;
const MAX_KEY_LENGTH: usize = 255;
/// What a key without quotes may contain besides letters and digits.
const TOKEN_PUNCTUATION: &[u8] = b"!#$%&'*+.^_`|~:/=-";
/// The same rule, for the OpenAPI document.
pub(crate) const KEY_PATTERN: &str = "^(\"([ !#-\\[\\]-~]|\\\\[\"\\\\]){1,255}\"|[!#$%&'*+.^_`|~:/=0-9A-Za-z-]{1,255})$";

/// The right to store the response to this request under its key.
#[derive(Clone)]
pub(crate) struct KeyClaim {
    digest: Vec<u8>,
    fingerprint: Vec<u8>,
    secret: Arc<[u8; 32]>,
}

/// A request that carries a key.
pub(crate) enum KeyedRequest {
    /// An earlier request with this key has succeeded.
    Replayed(HttpResponse),
    /// It is the first, or the first that may succeed; others with its key wait until the guard is dropped.
    First(KeyClaim, OwnedMutexGuard<()>),
}

/// Reads the key of a write and claims it, before the handler runs.
pub(crate) async fn begin(app: &AppState, request: &mut ServiceRequest, caller: &Principal) -> Result<Option<KeyedRequest>, Problem> {
    let takes_key = matches!(*request.method(), Method::POST | Method::PATCH) && !request.path().starts_with("/v1/auth/");
    let Some(key) = read_key(request.headers()).filter(|_| takes_key) else { return Ok(None) };
    let methods = app.documents.get().routes.allowed_methods(request.path());
    if !methods.is_some_and(|methods| methods.split(", ").any(|method| method == request.method().as_str())) {
        return Ok(None);
    }
    let claim = claim_key(app, request, caller, &key?).await?;
    if let Some(response) = replay(&app.store, &claim, request.request(), app.now()).await? {
        return Ok(Some(KeyedRequest::Replayed(response)));
    }
    let guard = app.in_flight_keys.lock(&claim.digest).await?;
    match replay(&app.store, &claim, request.request(), app.now()).await? {
        Some(response) => Ok(Some(KeyedRequest::Replayed(response))),
        None => Ok(Some(KeyedRequest::First(claim, guard))),
    }
}

async fn claim_key(app: &AppState, request: &mut ServiceRequest, caller: &Principal, key: &str) -> Result<KeyClaim, Problem> {
    // An import is a stream of any length, and importing twice changes nothing: its lines are not part of the fingerprint.
    let body = if request.path() == "/v1/imports" {
        Bytes::new()
    } else {
        let body = body::read_with_timeout(request.parts_mut().1.take(), app.limits, app.limits.body_bytes).await?;
        let copy = body.clone();
        let stream: actix_web::dev::Payload =
            Payload::Stream { payload: Box::pin(futures_util::stream::once(async move { Ok::<_, actix_web::error::PayloadError>(copy) })) };
        request.set_payload(stream);
        body
    };
    // A user's email may change in between; the id does not.
    let caller = format!("{:?} {:?}", caller.user_id, caller.token_id);
    let secret = secret::sha256(format!("seal\n{caller}\n{key}").as_bytes());
    let head = format!("{} {}?{}\n", request.method(), request.path(), request.query_string());
    let request = [&secret[..], head.as_bytes(), &body].concat();
    Ok(KeyClaim {
        digest: secret::digest(&format!("key\n{caller}\n{key}")),
        fingerprint: secret::sha256(&request).to_vec(),
        secret: Arc::new(secret),
    })
}

/// The stored response of an earlier request with this key, if there is one.
pub(crate) async fn replay(
    store: &Store,
    claim: &KeyClaim,
    request: &HttpRequest,
    now: Timestamp,
) -> Result<Option<HttpResponse>, Problem> {
    let Some(record) = idempotency::find(store.reader(), &claim.digest, now).await? else { return Ok(None) };
    if record.fingerprint != claim.fingerprint {
        return Err(Problem::new(
            ProblemCode::IdempotencyMismatch,
            "this Idempotency-Key was used for another request: use a new key for each write, and the same one only to repeat it",
        ));
    }
    let stored = secret::open(&claim.secret, &record.answer).and_then(|bytes| serde_json::from_slice::<StoredResponse>(&bytes).ok());
    let Some(response) = stored.and_then(ResponseBuilder::from_stored) else {
        tracing::error!("the stored response of an Idempotency-Key is corrupt");
        return Err(Problem::internal());
    };
    Ok(Some(response.header(REPLAYED, "true").respond_to(request)))
}

impl KeyClaim {
    /// Stores a response in the transaction of its write.
    pub(crate) async fn store_response(self, txn: &Transaction, response: &ResponseBuilder, now: Timestamp) -> Result<(), Problem> {
        let bytes = serde_json::to_vec(&response.to_stored()).map_err(|_error| Problem::internal())?;
        let answer = secret::seal(&self.secret, bytes).ok_or_else(Problem::internal)?;
        let record = IdempotencyRecord { digest: self.digest, fingerprint: self.fingerprint, answer };
        if idempotency::insert(txn, &record, now, now.plus_seconds(RETENTION_SECONDS)).await? { Ok(()) } else { Err(in_progress()) }
    }
}

/// The key: a Structured-Field String (RFC 9651, section 3.3.3), or the same characters without quotes.
fn read_key(headers: &HeaderMap) -> Option<Result<String, Problem>> {
    let mut lines = headers.get_all(&KEY);
    let value = lines.next()?;
    let text = value.to_str().ok().filter(|_| lines.next().is_none()).and_then(|text| parse_key(text.trim()));
    Some(text.ok_or_else(|| {
        Problem::new(
            ProblemCode::InvalidParameter,
            format!("the header Idempotency-Key must be one quoted string of 1 to {MAX_KEY_LENGTH} printable ASCII characters"),
        )
        .with("parameter", "Idempotency-Key")
    }))
}

fn parse_key(text: &str) -> Option<String> {
    let key = match text.strip_prefix('"') {
        Some(rest) => {
            let inner = rest.strip_suffix('"')?;
            let mut out = String::new();
            let mut chars = inner.chars();
            while let Some(c) = chars.next() {
                match c {
                    '\\' => out.push(chars.next().filter(|next| matches!(next, '"' | '\\'))?),
                    '"' => return None,
                    other => out.push(other),
                }
            }
            out
        }
        None => Some(text.to_owned()).filter(|text| text.bytes().all(|b| b.is_ascii_alphanumeric() || TOKEN_PUNCTUATION.contains(&b)))?,
    };
    let printable = key.bytes().all(|b| (b' '..=b'~').contains(&b));
    (printable && (1..=MAX_KEY_LENGTH).contains(&key.len())).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_structured_strings_or_bare_tokens() {
        assert_eq!(parse_key("\"a b\""), Some("a b".to_owned()));
        assert_eq!(parse_key(r#""a\"b\\""#), Some("a\"b\\".to_owned()));
        assert_eq!(parse_key("8e03978e-40d5-43dd-bc93-6894a57f9324"), Some("8e03978e-40d5-43dd-bc93-6894a57f9324".to_owned()));
        for wrong in ["", "ä", "\"\"", "\"a", "a b", "\"a\"b\"", "\"a\\x\"", "a,b", &"x".repeat(256)] {
            assert_eq!(parse_key(wrong), None, "{wrong}");
        }
    }
}
