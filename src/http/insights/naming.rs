//! How a path names an insight: an id or a slug, and for reads a suffix that asks for one representation.

use crate::http::request::negotiation::INSIGHT_MEDIA_TYPES;
use uuid::Uuid;

use crate::domain::slug::Slug;
use crate::store::insights::InsightName;

pub(super) fn parse(text: &str) -> Option<InsightName> {
    if text.len() == 36
        && let Ok(id) = Uuid::parse_str(text)
    {
        return Some(InsightName::Id(id));
    }
    Slug::parse(text).map(|slug| InsightName::Slug(slug.into_string()))
}

/// The name, the form its suffix asks for, and the suffix itself.
pub(super) fn parse_with_suffix(text: &str) -> Option<(InsightName, Option<&'static str>, &'static str)> {
    for (suffix, form) in [
        (".json", INSIGHT_MEDIA_TYPES[0]),
        (".md", INSIGHT_MEDIA_TYPES[1]),
        (".html", INSIGHT_MEDIA_TYPES[2]),
        (".txt", INSIGHT_MEDIA_TYPES[3]),
    ] {
        if let Some(rest) = text.strip_suffix(suffix) {
            return parse(rest).map(|name| (name, Some(form), suffix));
        }
    }
    parse(text).map(|name| (name, None, ""))
}
