//! Locales (BCP 47 tags) and their fallback chain: `it-CH → it → the site's default`.

use std::fmt;

/// A language tag in its canonical case: `en`, `de`, `it-CH`, `zh-Hant-TW`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Locale(String);

pub const LOCALE_PATTERN: &str = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$";

impl Locale {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let language = parts.next()?;
        if !(2..=3).contains(&language.len()) || !language.bytes().all(|b| b.is_ascii_alphabetic()) {
            return None;
        }
        let mut tag = language.to_ascii_lowercase();
        for (index, part) in parts.enumerate() {
            if index == 3 || !(2..=8).contains(&part.len()) || !part.bytes().all(|b| b.is_ascii_alphanumeric()) {
                return None;
            }
            tag.push('-');
            tag.push_str(&canonical_case(part));
        }
        Some(Self(tag))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This tag and its parents, most specific first.
    #[must_use]
    pub fn with_parents(wanted: Option<&Self>) -> Vec<String> {
        let mut tags = Vec::new();
        let mut rest = wanted.map(|locale| locale.0.as_str());
        while let Some(tag) = rest {
            tags.push(tag.to_owned());
            rest = tag.rfind('-').map(|end| &tag[..end]);
        }
        tags
    }

    /// The locales in which a text is looked up, in order: this tag, its parents, then the default.
    #[must_use]
    pub fn fallback_chain(wanted: Option<&Self>, default: &str) -> Vec<String> {
        let mut chain = Self::with_parents(wanted);
        if !chain.iter().any(|tag| tag == default) {
            chain.push(default.to_owned());
        }
        chain
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn canonical_case(part: &str) -> String {
    match part.len() {
        2 => part.to_ascii_uppercase(),
        4 => part[..1].to_ascii_uppercase() + &part[1..].to_ascii_lowercase(),
        _ => part.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_normalised_to_their_canonical_case() {
        for (input, canonical) in [("EN", "en"), ("it-ch", "it-CH"), ("zh-hANT-tw", "zh-Hant-TW")] {
            assert_eq!(Locale::parse(input).map(|l| l.0).as_deref(), Some(canonical));
        }
        for wrong in ["", "e", "english", "en_GB", "en-", "en-a", "12"] {
            assert!(Locale::parse(wrong).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn the_fallback_chain_ends_with_the_default_once() {
        let chain = |tag: &str| Locale::fallback_chain(Locale::parse(tag).as_ref(), "en");
        assert_eq!(chain("it-CH"), ["it-CH", "it", "en"]);
        assert_eq!(chain("en-GB"), ["en-GB", "en"]);
        assert_eq!(Locale::fallback_chain(None, "en"), ["en"]);
    }
}
