//! Slugs: readable names in URLs. A `Slug` is lower-case ASCII words joined by single hyphens, at most 100 characters.

use std::fmt;

use uuid::Uuid;

/// A valid slug.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(String);

pub const MAX_SLUG: usize = 100;

impl Slug {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // A path segment that looks like an id is looked up as one.
        let is_id = text.len() == 36 && Uuid::parse_str(text).is_ok();
        (Self::is_words(text) && text.len() <= MAX_SLUG && !is_id).then(|| Self(text.to_owned()))
    }

    /// Whether a text is words and hyphens of any length: enough for a lookup.
    #[must_use]
    pub fn is_words(text: &str) -> bool {
        text.split('-').all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
    }

    /// The slug of a title: transliterated, words joined by hyphens, truncated at a word boundary. `untitled` if nothing remains.
    #[must_use]
    pub fn derive(title: &str) -> Self {
        let ascii = deunicode::deunicode_with_tofu(title, " ").to_ascii_lowercase().replace('\'', "");
        let mut slug = String::new();
        for word in ascii.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()) {
            if !slug.is_empty() && slug.len() + 1 + word.len() > MAX_SLUG - 8 {
                break;
            }
            if !slug.is_empty() {
                slug.push('-');
            }
            slug.push_str(&word[..word.len().min(MAX_SLUG - 8)]);
        }
        match Self::parse(&slug) {
            Some(slug) => slug,
            None if slug.is_empty() => Self::default(),
            None => Self(format!("insight-{slug}")),
        }
    }

    /// The slug with the suffix `-n`, shortened if it would be too long.
    #[must_use]
    pub fn numbered(&self, n: usize) -> Self {
        let suffix = format!("-{n}");
        let max = MAX_SLUG - suffix.len();
        let base = self.0[..self.0.len().min(max)].trim_end_matches('-');
        Self(format!("{base}{suffix}"))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl Default for Slug {
    fn default() -> Self {
        Self("untitled".to_owned())
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_derives_words_and_hyphens() {
        assert_eq!(Slug::derive("Symptom ≠ Root Cause: Don't panic").as_str(), "symptom-root-cause-dont-panic");
        assert_eq!(Slug::derive("Größe über Ärger").as_str(), "grosse-uber-arger");
        assert_eq!(Slug::derive("???").as_str(), "untitled");
    }

    #[test]
    fn every_derived_slug_is_valid_with_and_without_a_number() {
        for title in [
            "a",
            "x".repeat(500).as_str(),
            "日本語 タイトル",
            "A  --  B",
            "ends with -",
            "01a2074d-74b5-753d-bf53-d2dad79ec7e6",
            &"word ".repeat(80),
        ] {
            let slug = Slug::derive(title);
            assert!(Slug::parse(slug.as_str()).is_some(), "{title:?} derived {slug}");
            assert!(Slug::parse(slug.numbered(1_234).as_str()).is_some());
        }
    }

    #[test]
    fn invalid_slugs_are_refused() {
        for text in ["01a2074d-74b5-753d-bf53-d2dad79ec7e6", "", "-a", "a-", "a--b", "A", "a.b", "ä", &"a".repeat(101)] {
            assert!(Slug::parse(text).is_none(), "{text:?}");
        }
    }
}
