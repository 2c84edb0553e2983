//! What editors send, as the document describes it. [`crate::domain::draft`] parses it; a test compares the two.
//!
//! A field is described once: the schemas of patches and of stored revisions are derived from the schema of the input.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::http::request::input_schema::{self, derived_schema};

/// The texts of an insight in one more locale.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the input; the domain parses it")]
pub(in crate::http) struct TranslationInput {
    #[schema(max_length = 200, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$")]
    title: String,
    #[schema(max_length = 600, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$")]
    excerpt: Option<String>,
    #[schema(max_length = 500_000, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$")]
    body_markdown: String,
}

/// Metadata of the page for search engines and link previews.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the input; the domain parses it")]
pub(in crate::http) struct SeoInput {
    #[schema(max_length = 200, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$")]
    title: Option<String>,
    #[schema(max_length = 600, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$")]
    description: Option<String>,
    #[schema(
        max_length = 2000,
        pattern = "^https?://[A-Za-z0-9][A-Za-z0-9.-]*(:([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?\
                   (/([A-Za-z0-9._~:/@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?\
                   (\\?([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?\
                   (#([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?$"
    )]
    image_url: Option<String>,
}

/// An insight as an editor writes it. Unknown fields are refused; null is the same as absent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the input; the domain parses it")]
pub(in crate::http) struct InsightInput {
    /// Derived from the title if not set; a derived slug that is taken gets the next free number.
    #[schema(max_length = 100, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    slug: Option<String>,
    #[schema(max_length = 200, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$", example = "Why the queue stood still")]
    title: String,
    /// The body's first paragraph, shortened, if not set.
    #[schema(max_length = 600, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$")]
    excerpt: Option<String>,
    /// GitHub-flavoured Markdown; stored byte for byte.
    #[schema(max_length = 500_000, pattern = "^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$", example = "## What we saw\n\nNothing moved.")]
    body_markdown: String,
    /// The slug of a category that exists.
    #[schema(max_length = 100, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "debugging")]
    category: String,
    /// Slugs of tags that exist.
    #[schema(max_items = 30, value_type = Option<Vec<SlugInput>>)]
    tags: Option<Vec<String>>,
    /// Slugs of authors that exist.
    #[schema(max_items = 20, value_type = Option<Vec<SlugInput>>)]
    authors: Option<Vec<String>>,
    /// Derived from the number of words if not set.
    #[schema(minimum = 1, maximum = 600)]
    reading_minutes: Option<i64>,
    /// Where the text first appeared, when that is elsewhere.
    #[schema(
        max_length = 2000,
        pattern = "^https?://[A-Za-z0-9][A-Za-z0-9.-]*(:([0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?\
                   (/([A-Za-z0-9._~:/@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?\
                   (\\?([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?\
                   (#([A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?$"
    )]
    canonical_url: Option<String>,
    seo: Option<SeoInput>,
    /// Free-form data, at most 50 000 bytes of JSON, and 100 levels of objects and lists.
    #[schema(value_type = Option<Object>)]
    extra: Option<Map<String, Value>>,
    /// The texts in more locales, by language tag (BCP 47).
    translations: Option<BTreeMap<String, TranslationInput>>,
}

/// A slug: lower-case words joined by single hyphens.
#[derive(ToSchema)]
#[schema(max_length = 100, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
#[expect(dead_code, reason = "describes the input; the domain parses it")]
pub(in crate::http) struct SlugInput(String);

derived_schema! {
    /// A merge patch (RFC 7396): a field replaces the old value, null removes it, an absent field keeps it.
    pub(in crate::http) InsightPatch = input_schema::patch, InsightInput
}

derived_schema! {
    /// The texts of one locale of a revision.
    pub(in crate::http) RevisionText = input_schema::stored, TranslationInput
}

derived_schema! {
    /// What an editor wrote, as the body of a PUT would repeat it.
    pub(in crate::http) RevisionContent = input_schema::stored, InsightInput, RevisionText
}

/// When a revision becomes visible, and until when. Empty: the newest one, now.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the input; the domain parses it")]
pub(in crate::http) struct PublicationInput {
    /// A moment in the future schedules the publication; one in the past backdates it.
    #[schema(format = DateTime)]
    publish_at: Option<String>,
    /// When it stops being visible. If absent, an end in the future is kept; null removes it.
    #[schema(format = DateTime)]
    unpublish_at: Option<String>,
    /// The number of the revision; the newest by default.
    #[schema(minimum = 1, maximum = 2_147_483_647_i64)]
    revision: Option<i64>,
}
