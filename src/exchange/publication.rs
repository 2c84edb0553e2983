//! Converts the front matter about publication: status, dates, locale, old slugs. A value that is not understood makes the item a draft.

use serde_json::{Map, Value};

use crate::domain::locale::Locale;
use crate::domain::publication_times::{PublicationTimes, TimeScope};
use crate::domain::slug::Slug;
use crate::exchange::fields::{ArticleFields, plain_text};
use crate::exchange::names;
use crate::exchange::names::ListSyntax;
use crate::exchange::{dates, is_blank, is_empty, set};

impl ArticleFields<'_> {
    /// Takes the fields of a main file that are not writable fields.
    pub fn take_publication(&mut self, file_locale: Option<&Locale>, slug: &str, item: &mut Map<String, Value>) {
        let parse_locale = |v: &Value| v.as_str().and_then(Locale::parse).map(|locale| locale.to_string());
        let written = self.take_first(&["locale", "lang"], parse_locale);
        set(item, "locale", Value::from(written.or_else(|| file_locale.map(Locale::to_string)).unwrap_or_default()));
        let status = self.take_status();
        item.insert("status".to_owned(), Value::from(status));
        // A slug that contains the date of the file name: the date is part of the name.
        let date_is_name = slug != self.unit.slug && dates::parse_file_name(slug).is_some();
        let file_date = self.unit.date.clone().filter(|_| !date_is_name);
        for (name, scope) in PublicationTimes::SCOPES {
            let date = match name {
                "published_at" => self.take_date(&["published_at", "publishDate", "pubDate", "date", "published"]).or(file_date.clone()),
                "unpublish_at" => self.take_date(&["unpublish_at", "expiryDate"]),
                _ => self.take_date(&[name]),
            };
            if let Some(date) = date.as_ref().filter(|_| status == "draft" && scope == TimeScope::Publication) {
                self.note("date-of-draft", format!("{name} {date} is lost: a draft has no date"));
            }
            set(item, name, Value::from(date.unwrap_or_default()));
        }
        let aliases = self.take_aliases(slug);
        set(item, "aliases", aliases.into());
    }

    /// The status: a draft if any key says so, or has a value that is not understood.
    pub fn take_status(&mut self) -> &'static str {
        let written = self.take_first(&["status"], parse_status);
        let draft = self.take_first(&["draft"], parse_bool);
        let public = self.take_first(&["published"], parse_bool);
        let is_date = |value: &Value| plain_text(value).is_some_and(|text| dates::parse(&text).is_some());
        let mut unknown = false;
        for name in ["status", "draft", "published"] {
            let left = self.fields.get(name).filter(|value| !(is_blank_value(value) || name == "published" && is_date(value))).cloned();
            if let Some(value) = left {
                self.note("status-unknown", format!("{name}: {value} is not understood; imported as a draft, and moved to extra"));
                unknown = true;
            }
        }
        let default = if self.unit.in_drafts { "draft" } else { "published" };
        if unknown || draft == Some(true) || public == Some(false) { "draft" } else { written.unwrap_or(default) }
    }

    fn take_date(&mut self, names: &[&str]) -> Option<String> {
        for name in names {
            let Some(text) = self.fields.get(*name).and_then(plain_text).filter(|text| !is_blank(text)) else { continue };
            let Some(date) = dates::parse(&text) else {
                // A note about the status says so already.
                if *name != "published" {
                    self.note("date-unreadable", format!("{name}: {text:?} was moved to extra"));
                }
                continue;
            };
            if date.zone_guessed {
                self.note("zone-guessed", format!("{name}: {text} has no time zone and was read as UTC"));
            }
            self.fields.shift_remove(*name);
            return Some(date.rfc3339);
        }
        None
    }

    fn take_aliases(&mut self, slug: &str) -> Vec<String> {
        let mut aliases = Vec::new();
        let mut changed = Vec::new();
        for name in ["aliases", "redirect_from"] {
            for written in self.take(name).iter().flat_map(|value| names::names(value, ListSyntax::Whole)) {
                let path = written.split(['?', '#']).next().unwrap_or("").trim_matches('/');
                let path = path.strip_suffix("/index.html").or_else(|| path.strip_suffix(".html")).unwrap_or(path);
                let alias = names::to_slug(path.rsplit('/').next().unwrap_or(""));
                // Slashes around a slug are not a loss.
                if alias != written.trim_matches('/') {
                    changed.push(written.clone());
                }
                if !aliases.contains(&alias) && (alias != slug || Slug::parse(&written).is_some()) {
                    aliases.push(alias);
                }
            }
        }
        if !changed.is_empty() {
            self.note("alias-path-lost", format!("only the last part is imported, as a slug: {}", changed.join(", ")));
        }
        aliases
    }
}

/// `draft` or `published`, also in the terms of other generators.
fn parse_status(value: &Value) -> Option<&'static str> {
    match value.as_str()?.trim().to_lowercase().as_str() {
        "draft" => Some("draft"),
        "published" | "publish" | "public" | "scheduled" | "expired" => Some("published"),
        _ => None,
    }
}

/// A boolean as YAML 1.1 and 1.2, TOML and people write it.
fn parse_bool(value: &Value) -> Option<bool> {
    let text = plain_text(value)?;
    match text.trim().to_lowercase().as_str() {
        "true" | "yes" | "y" | "t" | "on" | "1" => Some(true),
        "false" | "no" | "n" | "f" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn is_blank_value(value: &Value) -> bool {
    is_empty(value) || value.as_str().is_some_and(is_blank)
}
