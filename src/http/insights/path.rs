//! The paths of insights: an id or a slug; for reads, with a suffix that chooses a representation.

use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::domain::slug::Slug;
use crate::http::request::negotiation::INSIGHT_MEDIA_TYPES;
use crate::http::request::params::parse_id;
use crate::http::response::problem::Problem;
use crate::store::insights::InsightName;

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::http) struct InsightPath {
    /// The insight's id, or its slug.
    #[param(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 100)]
    pub(super) id_or_slug: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::http) struct ReadableInsightPath {
    /// The insight's id, or its slug; with the suffix `.md`, `.html`, `.txt` or `.json`, that representation whatever `Accept` says.
    #[param(pattern = "^[a-z0-9]+(-[a-z0-9]+)*(\\.(md|html|txt|json))?$", max_length = 105, example = "expression-index-ignored")]
    id_or_slug: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::http) struct RevisionPath {
    /// The insight's id, or its slug.
    #[param(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 100)]
    pub(super) id_or_slug: String,
    /// The revision's number.
    #[param(minimum = 1, maximum = 2_147_483_647_i64, value_type = i64)]
    number: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(in crate::http) struct PreviewTokenPath {
    /// The insight's id, or its slug.
    #[param(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 100)]
    pub(super) id_or_slug: String,
    /// The token's id.
    #[param(value_type = Uuid)]
    id: String,
}

/// An insight in the representation that the path asks for.
pub(super) struct ReadTarget {
    pub(super) name: InsightName,
    /// The media type of the suffix.
    pub(super) form: Option<&'static str>,
    pub(super) suffix: &'static str,
}

impl ReadableInsightPath {
    pub(super) fn parse(&self) -> Result<ReadTarget, Problem> {
        for (suffix, form) in [
            (".json", INSIGHT_MEDIA_TYPES[0]),
            (".md", INSIGHT_MEDIA_TYPES[1]),
            (".html", INSIGHT_MEDIA_TYPES[2]),
            (".txt", INSIGHT_MEDIA_TYPES[3]),
        ] {
            if let Some(rest) = self.id_or_slug.strip_suffix(suffix) {
                return Ok(ReadTarget { name: parse_name(rest)?, form: Some(form), suffix });
            }
        }
        Ok(ReadTarget { name: parse_name(&self.id_or_slug)?, form: None, suffix: "" })
    }
}

impl RevisionPath {
    /// The number. A text that is no number addresses nothing.
    pub(super) fn number(&self) -> Result<i64, Problem> {
        // One address for each revision: no signs, no leading zeros.
        let is_canonical = self.number.bytes().all(|b| b.is_ascii_digit()) && !self.number.starts_with('0');
        let number = self.number.parse().ok().filter(|number| is_canonical && (1..=i64::from(i32::MAX)).contains(number));
        number.ok_or_else(Problem::not_found)
    }
}

impl PreviewTokenPath {
    pub(super) fn token_id(&self) -> Result<Uuid, Problem> {
        parse_id(&self.id)
    }
}

/// An id or a slug. Any other text addresses nothing.
pub(super) fn parse_name(text: &str) -> Result<InsightName, Problem> {
    if text.len() == 36
        && let Ok(id) = Uuid::parse_str(text)
    {
        return Ok(InsightName::Id(id));
    }
    Slug::parse(text).map(|slug| InsightName::Slug(slug.into_string())).ok_or_else(Problem::not_found)
}
