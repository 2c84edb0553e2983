//! Content negotiation (RFC 9110, section 12): which of the available values does a client prefer?

use std::borrow::Cow;

use actix_web::http::header::{HeaderMap, HeaderName};

/// The lines of a header, combined into one value (RFC 9110, section 5.3).
pub(crate) fn combined_header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<Cow<'h, str>> {
    let mut values = headers.get_all(name).map(|value| value.to_str().unwrap_or_default());
    let first = values.next()?;
    let rest: String = values.flat_map(|value| [",", value]).collect();
    Some(if rest.is_empty() { Cow::Borrowed(first) } else { Cow::Owned(format!("{first}{rest}")) })
}

/// The quality of a value by an `Accept-…` header; 0 when it is not acceptable.
pub(crate) fn quality(header: &str, value: &str) -> f32 {
    let mut best: Option<(usize, f32)> = None;
    for entry in header.split(',') {
        let mut parts = entry.split(';').map(str::trim);
        let pattern = parts.next().unwrap_or_default();
        let q = parts
            .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
            .map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0).clamp(0.0, 1.0));
        let Some(precision) = precision(pattern, value) else { continue };
        if best.is_none_or(|(best, _)| precision > best) {
            best = Some((precision, q));
        }
    }
    best.map_or(0.0, |(_, q)| q)
}

/// How precisely a pattern matches a value: exactly, by its type, or by `*`.
fn precision(pattern: &str, value: &str) -> Option<usize> {
    if pattern.eq_ignore_ascii_case(value) {
        return Some(3);
    }
    if pattern == "*/*" || pattern == "*" {
        return Some(1);
    }
    let pattern_type = pattern.strip_suffix("/*")?;
    value.split('/').next().filter(|value_type| value_type.eq_ignore_ascii_case(pattern_type)).map(|_| 2)
}

/// The most preferred of the available values, the first on a tie; `None` when the client accepts none of them.
pub(crate) fn choose(accept: Option<&str>, available: &[&'static str]) -> Option<&'static str> {
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else { return available.first().copied() };
    let mut best: Option<(&'static str, f32)> = None;
    for value in available {
        let q = quality(accept, value);
        if q > 0.0 && best.is_none_or(|(_, best)| q > best) {
            best = Some((value, q));
        }
    }
    best.map(|(value, _)| value)
}

/// The media types of an insight, the default first.
pub(in crate::http) const INSIGHT_MEDIA_TYPES: [&str; 4] = ["application/json", "text/markdown", "text/html", "text/plain"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_with_the_highest_quality_wins() {
        assert_eq!(choose(None, &INSIGHT_MEDIA_TYPES), Some("application/json"));
        assert_eq!(choose(Some("*/*"), &INSIGHT_MEDIA_TYPES), Some("application/json"));
        assert_eq!(choose(Some("text/markdown"), &INSIGHT_MEDIA_TYPES), Some("text/markdown"));
        assert_eq!(choose(Some("text/*;q=0.5, text/html"), &INSIGHT_MEDIA_TYPES), Some("text/html"));
        assert_eq!(choose(Some("application/json;q=0.1, text/plain;q=0.2"), &INSIGHT_MEDIA_TYPES), Some("text/plain"));
        assert_eq!(choose(Some("text/html,application/xhtml+xml,*/*;q=0.8"), &INSIGHT_MEDIA_TYPES), Some("text/html"));
        assert_eq!(choose(Some("image/png"), &INSIGHT_MEDIA_TYPES), None);
        assert_eq!(choose(Some("*/*, application/json;q=0"), &INSIGHT_MEDIA_TYPES), Some("text/markdown"));
    }

    #[test]
    fn encodings_have_qualities_too() {
        assert!(quality("gzip, br;q=0", "br") <= 0.0);
        assert!(quality("gzip, *", "br") > 0.0);
        assert!(quality("", "br") <= 0.0);
    }
}
