//! The rules for single texts: present, bounded, free of NUL (which `PostgreSQL` cannot keep). The schemas of the OpenAPI document state the same rules.

pub const MAX_TITLE: usize = 200;
pub const MAX_EXCERPT: usize = 600;
pub const MAX_BODY: usize = 500_000;
pub const MAX_NAME: usize = 100;
pub const MAX_DESCRIPTION: usize = 2_000;
pub const MAX_URL: usize = 2_000;
pub const MAX_EMAIL: usize = 254;
pub const MIN_PASSWORD: usize = 12;
pub const MAX_PASSWORD: usize = 200;

/// JSON Schema patterns that say what the functions below check.
pub const PATTERN_TEXT: &str = "^[^\\u0000]*$";
pub const PATTERN_PRESENT: &str = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$";
pub const PATTERN_URL: &str = "^https?://[!-~]+$";
pub const PATTERN_EMAIL: &str = "^[!-?A-~]+@[!-?A-~]+$";

/// Why a text was refused: a stable code and a sentence that says what to change.
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

/// A text that may be empty.
///
/// # Errors
/// When it holds NUL or more than `max` characters.
pub fn bounded(text: &str, max: usize) -> Result<String, Refused> {
    if text.contains('\0') {
        return Err(Refused::new("invalid-character", "must not contain the NUL character"));
    }
    if text.len() > max && text.chars().count() > max {
        return Err(Refused::new("too-long", format!("must have at most {max} characters")));
    }
    Ok(text.to_owned())
}

/// A text that says something.
///
/// # Errors
/// As [`bounded`], and when there is nothing but white space.
pub fn present(text: &str, max: usize) -> Result<String, Refused> {
    let text = bounded(text, max)?;
    if text.chars().all(|c| c.is_whitespace() || c == '\u{feff}') {
        return Err(Refused::new("blank", "must not be blank"));
    }
    Ok(text)
}

/// An absolute http or https address.
///
/// # Errors
/// When it is not one.
pub fn url(text: &str) -> Result<String, Refused> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let well_formed = rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic()));
    if !well_formed || text.len() > MAX_URL {
        return Err(Refused::new(
            "invalid-url",
            "must be an absolute http(s) address of printable ASCII, such as https://example.org/page",
        ));
    }
    Ok(text.to_owned())
}

/// An e-mail address, in lower case: it names an account.
///
/// # Errors
/// When there is not something on either side of one `@`.
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

/// A new password: long rather than clever (NIST SP 800-63B, section 5.1.1).
///
/// # Errors
/// When it is shorter than 12 or longer than 200 characters.
pub fn new_password(text: &str) -> Result<String, Refused> {
    let text = present(text, MAX_PASSWORD)?;
    if text.chars().count() < MIN_PASSWORD {
        return Err(Refused::new("too-short", format!("must have at least {MIN_PASSWORD} characters")));
    }
    Ok(text)
}
