//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the answer to a POST or PATCH is kept for a day in the transaction of the
//! write itself, and given again to whoever repeats the request. Answers are sealed with the key, of which only a digest is stored.

use crate::http::state::in_flight_keys::in_progress;
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
use crate::http::response::builder::{ResponseBuilder, StoredResponse};
use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;
use crate::http::state::app_state::AppState;
use crate::store::idempotency;
use crate::store::idempotency::IdempotencyRecord;
use crate::store::{Store, Transaction};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const KEPT_SECONDS: i64 = 24 * 60 * 60;
const MAX_KEY: usize = 255;
/// What a key without quotes may have beside letters and digits.
const BARE: &[u8] = b"!#$%&'*+.^_`|~:/=-";
/// The same rule, for the document.
pub(crate) const KEY_PATTERN: &str = "^(\"([ !#-\\[\\]-~]|\\\\[\"\\\\]){1,255}\"|[!#$%&'*+.^_`|~:/=0-9A-Za-z-]{1,255})$";

/// The right to keep the answer of this request under its key.
#[derive(Clone)]
pub(crate) struct KeyClaim {
    digest: Vec<u8>,
    fingerprint: Vec<u8>,
    secret: Arc<[u8; 32]>,
}

/// A request that carries a key.
pub(crate) enum KeyedRequest {
    /// It was answered before.
    Answered(HttpResponse),
    /// It is the first, or the first that may succeed; others with its key wait until the turn is dropped.
    First(KeyClaim, OwnedMutexGuard<()>),
}

/// Looks at the key of a write, before its handler does anything.
pub(crate) async fn begin(app: &AppState, request: &mut ServiceRequest, caller: &Principal) -> Result<Option<KeyedRequest>, Problem> {
    let written = matches!(*request.method(), Method::POST | Method::PATCH) && !request.path().starts_with("/v1/auth/");
    let Some(key) = key(request.headers()).filter(|_| written) else { return Ok(None) };
    let methods = app.documents.get().routes.allowed(request.path());
    if !methods.is_some_and(|methods| methods.split(", ").any(|method| method == request.method().as_str())) {
        return Ok(None);
    }
    let claim = claim(app, request, caller, &key?).await?;
    if let Some(response) = replay(&app.store, &claim, request.request(), app.now()).await? {
        return Ok(Some(KeyedRequest::Answered(response)));
    }
    let turn = app.in_flight_keys.take(&claim.digest).await?;
    match replay(&app.store, &claim, request.request(), app.now()).await? {
        Some(response) => Ok(Some(KeyedRequest::Answered(response))),
        None => Ok(Some(KeyedRequest::First(claim, turn))),
    }
}

async fn claim(app: &AppState, request: &mut ServiceRequest, caller: &Principal, key: &str) -> Result<KeyClaim, Problem> {
    // An import is as long as it is, and importing twice changes nothing: its lines are not compared.
    let body = if request.path() == "/v1/imports" {
        Bytes::new()
    } else {
        let body = body::read_in_time(request.parts_mut().1.take(), app.limits, app.limits.body_bytes).await?;
        let again = body.clone();
        let stream: actix_web::dev::Payload = Payload::Stream {
            payload: Box::pin(futures_util::stream::once(async move { Ok::<_, actix_web::error::PayloadError>(again) })),
        };
        request.set_payload(stream);
        body
    };
    // A user's address may change in between; who it is does not.
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

/// The answer that was kept, if one was.
pub(crate) async fn replay(
    store: &Store,
    claim: &KeyClaim,
    request: &HttpRequest,
    now: Timestamp,
) -> Result<Option<HttpResponse>, Problem> {
    let Some(kept) = idempotency::find(store.reader(), &claim.digest, now).await? else { return Ok(None) };
    if kept.fingerprint != claim.fingerprint {
        return Err(Problem::new(
            ProblemCode::IdempotencyMismatch,
            "this Idempotency-Key was used for another request: use a new key for each write, and the same one only to repeat it",
        ));
    }
    let opened = secret::open(&claim.secret, &kept.answer).and_then(|bytes| serde_json::from_slice::<StoredResponse>(&bytes).ok());
    let frozen = opened.ok_or_else(Problem::internal)?;
    Ok(Some(ResponseBuilder::thawed(frozen).header(REPLAYED, "true").respond_to(request)))
}

impl KeyClaim {
    /// Keeps an answer in the transaction of its write.
    pub(crate) async fn keep(self, txn: &Transaction, reply: &ResponseBuilder, now: Timestamp) -> Result<(), Problem> {
        let bytes = serde_json::to_vec(&reply.frozen()).unwrap_or_default();
        let answer = secret::seal(&self.secret, bytes).ok_or_else(Problem::internal)?;
        let kept = IdempotencyRecord { digest: self.digest, fingerprint: self.fingerprint, answer };
        if idempotency::insert(txn, &kept, now, now.plus_seconds(KEPT_SECONDS)).await? { Ok(()) } else { Err(in_progress()) }
    }
}

/// The key: a Structured-Field String (RFC 9651, section 3.3.3), or the same characters without quotes.
fn key(headers: &HeaderMap) -> Option<Result<String, Problem>> {
    let mut given = headers.get_all(&KEY);
    let value = given.next()?;
    let text = value.to_str().ok().filter(|_| given.next().is_none()).and_then(|text| unquoted(text.trim()));
    Some(text.ok_or_else(|| {
        Problem::new(
            ProblemCode::InvalidParameter,
            format!("the header Idempotency-Key must be one quoted string of 1 to {MAX_KEY} printable ASCII characters"),
        )
        .with("parameter", "Idempotency-Key")
    }))
}

fn unquoted(text: &str) -> Option<String> {
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
        None => Some(text.to_owned()).filter(|text| text.bytes().all(|b| b.is_ascii_alphanumeric() || BARE.contains(&b)))?,
    };
    let printable = key.bytes().all(|b| (b' '..=b'~').contains(&b));
    (printable && (1..=MAX_KEY).contains(&key.len())).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_structured_strings_or_bare_tokens() {
        assert_eq!(unquoted("\"a b\""), Some("a b".to_owned()));
        assert_eq!(unquoted(r#""a\"b\\""#), Some("a\"b\\".to_owned()));
        assert_eq!(unquoted("8e03978e-40d5-43dd-bc93-6894a57f9324"), Some("8e03978e-40d5-43dd-bc93-6894a57f9324".to_owned()));
        for wrong in ["", "ä", "\"\"", "\"a", "a b", "\"a\"b\"", "\"a\\x\"", "a,b", &"x".repeat(256)] {
            assert_eq!(unquoted(wrong), None, "{wrong}");
        }
    }
}
