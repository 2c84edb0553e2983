//! The site's settings, which a frontend reads first.

use std::collections::BTreeMap;

use serde_json::Value;

use super::field_errors::FieldErrors;
use super::fields::{self, FieldReader};
use super::locale::Locale;
use super::text::{self, MAX_DESCRIPTION, MAX_NAME, MAX_TITLE, Refused};

pub const MAX_LOCALES: usize = 50;

/// The writable settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteDraft {
    pub name: String,
    pub text: SiteText,
    pub base_url: Option<String>,
    pub default_locale: String,
    pub locales: Vec<String>,
    pub translations: BTreeMap<String, SiteText>,
}

/// The site's texts in one locale.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SiteText {
    pub title: String,
    pub headline: String,
    pub intro: String,
}

impl SiteDraft {
    /// # Errors
    /// Every fault of the input at once.
    pub fn parse(input: Value) -> Result<Self, FieldErrors> {
        let mut fields = FieldReader::new(input, "")?;
        let name = fields.required_text("name", |text| text::present(text, MAX_NAME));
        let site_text = SiteText::read(&mut fields);
        let base_url = fields.text("base_url", |address| text::url(address).map(|url| url.trim_end_matches('/').to_owned()));
        let default_locale = fields.required_text("default_locale", locale);
        let mut locales = fields.list("locales", MAX_LOCALES, locale);
        if !default_locale.is_empty() && !locales.contains(&default_locale) {
            locales.insert(0, default_locale.clone());
        }
        let translations = fields.nested("translations", |inner| fields::by_locale(inner, SiteText::read));
        fields.finish(Self { name, text: site_text, base_url, default_locale, locales, translations })
    }
}

impl SiteText {
    fn read(fields: &mut FieldReader) -> Self {
        Self {
            title: fields.required_text("title", |text| text::present(text, MAX_TITLE)),
            headline: fields.text("headline", |text| text::bounded(text, MAX_TITLE)).unwrap_or_default(),
            intro: fields.text("intro", |text| text::bounded(text, MAX_DESCRIPTION)).unwrap_or_default(),
        }
    }
}

fn locale(text: &str) -> Result<String, Refused> {
    Locale::parse(text)
        .map(|locale| locale.to_string())
        .ok_or_else(|| Refused::new("invalid-locale", "must be a language tag such as en or it-CH (BCP 47)"))
}
