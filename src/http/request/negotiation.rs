//! Content negotiation (RFC 9110, section 12): which of the forms that exist does the reader like best?

use std::borrow::Cow;

use actix_web::http::header::{HeaderMap, HeaderName};

/// A header that may stand on several lines, as one (RFC 9110, section 5.3).
pub(crate) fn lines<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<Cow<'h, str>> {
    let mut values = headers.get_all(name).map(|value| value.to_str().unwrap_or_default());
    let first = values.next()?;
    let rest: String = values.flat_map(|value| [",", value]).collect();
    Some(if rest.is_empty() { Cow::Borrowed(first) } else { Cow::Owned(format!("{first}{rest}")) })
}

/// How much a reader likes a value of an `Accept-…` header; 0 when it is not acceptable.
pub(crate) fn quality(header: &str, value: &str) -> f32 {
    let mut best: Option<(usize, f32)> = None;
    for entry in header.split(',') {
        let mut parts = entry.split(';').map(str::trim);
        let pattern = parts.next().unwrap_or_default().to_ascii_lowercase();
        let q = parts
            .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
            .map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0).clamp(0.0, 1.0));
        let Some(precision) = precision(&pattern, value) else { continue };
        if best.is_none_or(|(before, _)| precision > before) {
            best = Some((precision, q));
        }
    }
    best.map_or(0.0, |(_, q)| q)
}

/// How precisely a pattern names a value: exactly, by its type, or by `*`.
fn precision(pattern: &str, value: &str) -> Option<usize> {
    if pattern == value {
        return Some(3);
    }
    if pattern == "*/*" || pattern == "*" {
        return Some(1);
    }
    let kind = pattern.strip_suffix("/*")?;
    value.split('/').next().filter(|of_value| *of_value == kind).map(|_| 2)
}

/// The best of `offered`, the first on a tie; `None` when the reader accepts none of them.
pub(crate) fn choose(accept: Option<&str>, offered: &[&'static str]) -> Option<&'static str> {
    let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else { return offered.first().copied() };
    let mut best: Option<(&'static str, f32)> = None;
    for value in offered {
        let q = quality(accept, value);
        if q > 0.0 && best.is_none_or(|(_, before)| q > before) {
            best = Some((value, q));
        }
    }
    best.map(|(value, _)| value)
}

/// The forms in which an insight can be had, the default first.
pub(in crate::http) const FORMS: [&str; 4] = ["application/json", "text/markdown", "text/html", "text/plain"];

#[cfg(test)]
mod tests {
    use super::*;

    const FORMS: [&str; 4] = ["application/json", "text/markdown", "text/html", "text/plain"];

    #[test]
    fn the_reader_gets_what_it_likes_best() {
        assert_eq!(choose(None, &FORMS), Some("application/json"));
        assert_eq!(choose(Some("*/*"), &FORMS), Some("application/json"));
        assert_eq!(choose(Some("text/markdown"), &FORMS), Some("text/markdown"));
        assert_eq!(choose(Some("text/*;q=0.5, text/html"), &FORMS), Some("text/html"));
        assert_eq!(choose(Some("application/json;q=0.1, text/plain;q=0.2"), &FORMS), Some("text/plain"));
        assert_eq!(choose(Some("text/html,application/xhtml+xml,*/*;q=0.8"), &FORMS), Some("text/html"));
        assert_eq!(choose(Some("image/png"), &FORMS), None);
        assert_eq!(choose(Some("*/*, application/json;q=0"), &FORMS), Some("text/markdown"));
    }

    #[test]
    fn encodings_are_chosen_the_same_way() {
        assert!(quality("gzip, br;q=0", "br") <= 0.0);
        assert!(quality("gzip, *", "br") > 0.0);
        assert!(quality("", "br") <= 0.0);
    }
}
