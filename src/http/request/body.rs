//! Request bodies. A body is read, within limits of size and time, before the handler runs, but parsed only when the handler says so:
//! authorisation and existence are checked first.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::StreamExt as _;
use serde_json::{Map, Value};

use crate::domain::field_errors::{FieldError, FieldErrors};
use crate::domain::fields;
use crate::domain::locale::Locale;
use crate::http::response::problem::Problem;
use crate::http::response::problem_codes::ProblemCode;
use crate::http::state::app_state::{AppState, Limits};

/// The limit of the authentication routes, which need no token.
const MAX_CREDENTIALS_BYTES: usize = 16 * 1024;
const JSON: &str = "application/json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const FORM: &str = "application/x-www-form-urlencoded";

/// The body of a request.
pub(crate) struct Body {
    media_type: Option<String>,
    bytes: Result<Bytes, Problem>,
}

impl Body {
    /// Parses a JSON body.
    pub(crate) fn parse<T>(self, parse: impl FnOnce(Value) -> Result<T, FieldErrors>) -> Result<T, Problem> {
        parse(self.json(JSON)?).map_err(Problem::invalid)
    }

    /// As [`Body::parse`]; an empty body or null is an empty object.
    pub(crate) fn parse_optional<T>(self, parse: impl FnOnce(Value) -> Result<T, FieldErrors>) -> Result<T, Problem> {
        let empty = || Value::Object(Map::new());
        if self.bytes.as_ref().is_ok_and(Bytes::is_empty) {
            return parse(empty()).map_err(Problem::invalid);
        }
        self.parse(|value| parse(if value.is_null() { empty() } else { value }))
    }

    /// Parses a JSON body or a form, whose fields are strings.
    pub(crate) fn parse_json_or_form<T>(self, parse: impl FnOnce(Value) -> Result<T, FieldErrors>) -> Result<T, Problem> {
        if self.media_type.as_deref() == Some(FORM) {
            let bytes = self.bytes?;
            let text = std::str::from_utf8(&bytes).map_err(|_e| malformed("the form is not UTF-8"))?;
            let fields = crate::http::request::query_params::pairs(text).into_iter().map(|(name, value)| (name, Value::String(value)));
            return parse(Value::Object(fields.collect())).map_err(Problem::invalid);
        }
        self.json_as(JSON, &[JSON, FORM]).and_then(|value| parse(value).map_err(Problem::invalid))
    }

    /// A merge patch (RFC 7396), as a function that applies it to the current input.
    pub(crate) fn merge_patch(self) -> Result<impl Fn(Value) -> Value, Problem> {
        let mut patch = self.json(MERGE_PATCH)?;
        if let Some(translations) = patch.get_mut("translations").and_then(Value::as_object_mut) {
            *translations = canonicalise_locales(std::mem::take(translations));
        }
        if !patch.is_object() {
            return Err(Problem::invalid(
                FieldError { pointer: String::new(), code: "invalid-type", detail: "a merge patch must be an object".to_owned() }.into(),
            ));
        }
        Ok(move |mut target: Value| {
            merge(&mut target, &patch);
            // An unknown field is refused later, even when the patch only removes it.
            for (name, value) in patch.as_object().into_iter().flatten() {
                if value.is_null() {
                    target[name.as_str()] = Value::Null;
                }
            }
            target
        })
    }

    fn json(self, media_type: &'static str) -> Result<Value, Problem> {
        self.json_as(media_type, &[media_type])
    }

    fn json_as(self, media_type: &str, accepted: &[&str]) -> Result<Value, Problem> {
        let bytes = self.bytes?;
        if self.media_type.as_deref() != Some(media_type) {
            return Err(Problem::new(
                ProblemCode::UnsupportedMediaType,
                format!("send the body as Content-Type: {}", accepted.join(" or ")),
            )
            .with("accepted", accepted.to_vec()));
        }
        serde_json::from_slice(&bytes).map_err(|error| malformed(&error.to_string()))
    }
}

/// Canonical language tags: `it-ch` becomes `it-CH` (RFC 5646, section 2.1.1). Duplicates and invalid tags stay, for the
/// parser to report, and so does an object that it refuses as a whole.
fn canonicalise_locales(translations: Map<String, Value>) -> Map<String, Value> {
    if translations.len() > fields::MAX_MEMBERS {
        return translations;
    }
    let original: Vec<String> = translations.keys().cloned().collect();
    let mut canonical = Map::new();
    for (key, text) in translations {
        let locale = Locale::parse(&key).map(|locale| locale.to_string());
        let locale = locale.filter(|locale| !canonical.contains_key(locale) && !original.contains(locale));
        canonical.insert(locale.unwrap_or(key), text);
    }
    canonical
}

fn malformed(why: &str) -> Problem {
    Problem::new(ProblemCode::MalformedBody, format!("the body is not well-formed JSON: {why}"))
}

/// RFC 7396, section 2.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

impl FromRequest for Body {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = media_type.and_then(|text| text.split(';').next()).map(|text| text.trim().to_ascii_lowercase());
        let encoded = is_encoded(request.headers());
        let limits = request.app_data::<web::Data<AppState>>().map(|app| app.limits);
        let is_credentials = request.path().starts_with("/v1/auth/");
        let payload = payload.take();
        Box::pin(async move {
            let Some(limits) = limits else { return Err(Problem::internal()) };
            let max_bytes = if is_credentials { MAX_CREDENTIALS_BYTES } else { limits.body_bytes };
            if encoded {
                let bytes = Err(Problem::new(ProblemCode::UnsupportedMediaType, "send the body without Content-Encoding"));
                return Ok(Self { media_type, bytes });
            }
            Ok(Self { media_type, bytes: read_with_timeout(payload, limits, max_bytes).await })
        })
    }
}

/// Whether a body has a content encoding: none is supported.
pub(crate) fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity")
}

/// Reads the whole body, within limits of size and time.
pub(crate) async fn read_with_timeout(payload: Payload, limits: Limits, max_bytes: usize) -> Result<Bytes, Problem> {
    tokio::time::timeout(limits.body_time, read(payload, max_bytes)).await.unwrap_or_else(|_elapsed| Err(timeout_problem()))
}

pub(crate) fn timeout_problem() -> Problem {
    Problem::new(ProblemCode::RequestTimeout, "the body did not arrive in time")
}

async fn read(mut payload: Payload, max_bytes: usize) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_e| malformed("it ended early"))?;
        if bytes.len() + chunk.len() > max_bytes {
            let problem = Problem::new(ProblemCode::PayloadTooLarge, format!("a body may have at most {max_bytes} bytes"));
            return Err(problem.with("limit", max_bytes));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn duplicate_locales_are_not_merged() {
        for (input, expected) in [
            (json!({"it-ch": 1}), json!({"it-CH": 1})),
            (json!({"it-ch": 1, "it-CH": 2}), json!({"it-ch": 1, "it-CH": 2})),
            (json!({"it-CH": 1, "it-ch": 2}), json!({"it-CH": 1, "it-ch": 2})),
            (json!({"it-ch": 1, "IT-CH": 2}), json!({"it-CH": 1, "IT-CH": 2})),
            (json!({"no locale": 1}), json!({"no locale": 1})),
        ] {
            let Value::Object(input) = input else { unreachable!() };
            assert_eq!(Value::Object(canonicalise_locales(input)), expected);
        }
    }

    #[test]
    fn merge_patches_follow_rfc_7396() {
        for (mut target, patch, expected) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": "e"}}), json!({"a": {"b": "d", "c": "e"}})),
            (json!({"a": "c"}), json!({"a": {"b": "d"}}), json!({"a": {"b": "d"}})),
        ] {
            merge(&mut target, &patch);
            assert_eq!(target, expected);
        }
    }
}
