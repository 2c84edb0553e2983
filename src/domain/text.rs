//! The rules for single texts: present, bounded, without NUL (which `PostgreSQL` cannot store). The schemas of the
//! OpenAPI document state the same rules.

pub const MAX_TITLE: usize = 200;
pub const MAX_EXCERPT: usize = 600;
pub const MAX_BODY: usize = 500_000;
pub const MAX_NAME: usize = 100;
pub const MAX_DESCRIPTION: usize = 2_000;
pub const MAX_URL: usize = 2_000;
pub const MAX_EMAIL: usize = 254;
pub const MIN_PASSWORD: usize = 12;
pub const MAX_PASSWORD: usize = 200;

/// Why a text is refused: a stable code, and what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub code: &'static str,
    pub detail: String,
}

impl Refused {
    #[must_use]
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// A text that may be empty, without NUL, of at most `max` characters.
pub fn bounded(text: &str, max: usize) -> Result<String, Refused> {
    if text.contains('\0') {
        return Err(Refused::new("invalid-character", "must not contain the NUL character"));
    }
    if text.len() > max && text.chars().count() > max {
        return Err(Refused::new("too-long", format!("must have at most {max} characters")));
    }
    Ok(text.to_owned())
}

/// As [`bounded`], but not blank.
pub fn present(text: &str, max: usize) -> Result<String, Refused> {
    let text = bounded(text, max)?;
    if is_blank(&text) {
        return Err(Refused::new("blank", "must not be blank"));
    }
    Ok(text)
}

/// Whether it is only white space, as in the schema's pattern (ECMA-262, \s).
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(|c| c == '\u{feff}' || c.is_whitespace() && c != '\u{85}')
}

/// An absolute http or https address (RFC 3986) with a host name.
pub fn url(text: &str) -> Result<String, Refused> {
    if text.len() <= MAX_URL && is_url(text).unwrap_or(false) {
        return Ok(text.to_owned());
    }
    Err(Refused::new(
        "invalid-url",
        "must be an absolute http(s) address such as https://example.org/page, other characters percent-encoded",
    ))
}

fn is_url(text: &str) -> Option<bool> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let is_host =
        host.starts_with(|c: char| c.is_ascii_alphanumeric()) && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    let is_port = port.is_none_or(|port| {
        let digits = port.bytes().all(|b| b.is_ascii_digit());
        digits && ((1..=4).contains(&port.len()) || port.len() == 5 && !port.starts_with('0') && port.parse::<u16>().is_ok())
    });
    Some(is_host && is_port && is_encoded(path, "") && is_encoded(query, "?") && is_encoded(fragment, "?"))
}

/// Whether every character is allowed in a path, or percent-encoded.
fn is_encoded(text: &str, more: &str) -> bool {
    let bytes = text.as_bytes();
    (0..bytes.len()).all(|at| match bytes[at] {
        b'%' => bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        byte => byte.is_ascii_alphanumeric() || b"._~:/@!$&'()*+,;=-".contains(&byte) || more.as_bytes().contains(&byte),
    })
}

/// An e-mail address, normalised to lower case: it identifies an account.
pub fn email(text: &str) -> Result<String, Refused> {
    let sides: Vec<&str> = text.split('@').collect();
    let well_formed = sides.len() == 2
        && text.len() <= MAX_EMAIL
        && sides.iter().all(|side| !side.is_empty() && side.bytes().all(|b| b.is_ascii_graphic()));
    if !well_formed {
        return Err(Refused::new("invalid-email", "must be an e-mail address such as ada@example.org"));
    }
    Ok(text.to_ascii_lowercase())
}

/// A new password: long rather than complex (NIST SP 800-63B, section 5.1.1).
pub fn new_password(text: &str) -> Result<String, Refused> {
    let text = present(text, MAX_PASSWORD)?;
    if text.chars().count() < MIN_PASSWORD {
        return Err(Refused::new("too-short", format!("must have at least {MIN_PASSWORD} characters")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_follow_rfc_3986() {
        for right in
            ["http://a", "https://a.b-c.example:8443/x/%20y;p=1?q=a/b?c#d?e", "https://a?q", "https://a#f", "http://127.0.0.1:65535/"]
        {
            assert!(url(right).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "a",
            "ftp://a",
            "http://",
            "http://[::1]",
            "http://a b",
            "http://a/<",
            "http://a/%2",
            "http://a:65536",
            "http://a:",
            "http://-a",
            "http://a#b#c",
            "https://user@a",
        ] {
            assert!(url(wrong).is_err(), "{wrong}");
        }
    }
}
