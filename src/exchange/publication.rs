//! Reads what front matter says about publication: whether, when, under which locale and old slugs. What is not understood publishes nothing.

use serde_json::{Map, Value};

use crate::domain::locale::Locale;
use crate::domain::slug::Slug;
use crate::exchange::fields::{ArticleFields, plain_text};
use crate::exchange::names;
use crate::exchange::names::ListSyntax;
use crate::exchange::{dates, is_blank, is_empty, set};

impl ArticleFields<'_> {
    /// What a published file says beside the writable fields.
    pub fn publication(&mut self, file_locale: Option<&Locale>, slug: &str, item: &mut Map<String, Value>) {
        let locale = |v: &Value| v.as_str().and_then(Locale::parse).map(|locale| locale.to_string());
        let written = self.first(&["locale", "lang"], locale);
        set(item, "locale", Value::from(written.or_else(|| file_locale.map(Locale::to_string)).unwrap_or_default()));
        let status = self.status();
        item.insert("status".to_owned(), Value::from(status));
        // A slug that keeps the day of the file name says that the day is part of the name.
        let day_is_name = slug != self.unit.slug && dates::of_file_name(slug).is_some();
        let day = self.unit.date.clone().filter(|_| !day_is_name);
        let published_at = self.date(&["published_at", "publishDate", "pubDate", "date", "published"]).or(day);
        let unpublish_at = self.date(&["unpublish_at", "expiryDate"]);
        for (name, date) in [("published_at", published_at), ("unpublish_at", unpublish_at)] {
            if let Some(date) = date.as_ref().filter(|_| status == "draft") {
                self.note("date-of-draft", format!("{name} {date} is lost: a draft has no date"));
            }
            set(item, name, Value::from(date.unwrap_or_default()));
        }
        let aliases = self.aliases(slug);
        set(item, "aliases", aliases.into());
    }

    /// A draft, as soon as one key says so or says what nobody understands.
    pub fn status(&mut self) -> &'static str {
        let written = self.first(&["status"], status);
        let draft = self.first(&["draft"], truth);
        let public = self.first(&["published"], truth);
        let is_date = |value: &Value| plain_text(value).is_some_and(|text| dates::parse(&text).is_some());
        let mut unknown = false;
        for name in ["status", "draft", "published"] {
            let left = self.fields.get(name).filter(|value| !(says_nothing(value) || name == "published" && is_date(value))).cloned();
            if let Some(value) = left {
                self.note("status-unknown", format!("{name}: {value} is not understood; taken as a draft, and kept in extra"));
                unknown = true;
            }
        }
        let of_place = if self.unit.in_drafts { "draft" } else { "published" };
        if unknown || draft == Some(true) || public == Some(false) { "draft" } else { written.unwrap_or(of_place) }
    }

    fn date(&mut self, names: &[&str]) -> Option<String> {
        for name in names {
            let Some(text) = self.fields.get(*name).and_then(plain_text).filter(|text| !is_blank(text)) else { continue };
            let Some(date) = dates::parse(&text) else {
                // That it is no truth either is said already.
                if *name != "published" {
                    self.note("date-unreadable", format!("{name}: {text:?} was kept in extra"));
                }
                continue;
            };
            if date.zone_guessed {
                self.note("zone-guessed", format!("{name}: {text} names no zone and was read as UTC"));
            }
            self.fields.shift_remove(*name);
            return Some(date.rfc3339);
        }
        None
    }

    fn aliases(&mut self, slug: &str) -> Vec<String> {
        let mut aliases = Vec::new();
        let mut changed = Vec::new();
        for name in ["aliases", "redirect_from"] {
            for written in self.take(name).iter().flat_map(|value| names::names(value, ListSyntax::Whole)) {
                let path = written.split(['?', '#']).next().unwrap_or("").trim_matches('/');
                let path = path.strip_suffix("/index.html").or_else(|| path.strip_suffix(".html")).unwrap_or(path);
                let alias = names::slug_of(path.rsplit('/').next().unwrap_or(""));
                // `/new-name/` says no more than `new-name`.
                if alias != written.trim_matches('/') {
                    changed.push(written.clone());
                }
                if !aliases.contains(&alias) && (alias != slug || Slug::parse(&written).is_some()) {
                    aliases.push(alias);
                }
            }
        }
        if !changed.is_empty() {
            self.note("alias-path-lost", format!("only the last part is kept, as a slug: {}", changed.join(", ")));
        }
        aliases
    }
}

/// `draft` or `published`, in the words of other generators too.
fn status(value: &Value) -> Option<&'static str> {
    match value.as_str()?.trim().to_lowercase().as_str() {
        "draft" => Some("draft"),
        "published" | "publish" | "public" | "scheduled" | "expired" => Some("published"),
        _ => None,
    }
}

/// A truth as YAML 1.1 and 1.2, TOML and people write it.
fn truth(value: &Value) -> Option<bool> {
    let text = plain_text(value)?;
    match text.trim().to_lowercase().as_str() {
        "true" | "yes" | "y" | "t" | "on" | "1" => Some(true),
        "false" | "no" | "n" | "f" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn says_nothing(value: &Value) -> bool {
    is_empty(value) || value.as_str().is_some_and(is_blank)
}
